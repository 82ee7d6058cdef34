import type { IncomingHttpHeaders } from 'node:http';

/** Claude Code's own idle clock is only reset by events it parses (research/wire.md §1.4). */
export function countsParsedEvents(headers: IncomingHttpHeaders): boolean {
  return headers['user-agent']?.startsWith('claude-cli/') ?? false;
}

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

const START = {
  type: 'message_start',
  message: {
    id: 'msg_waiting',
    type: 'message',
    role: 'assistant',
    model: 'waiting',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  },
};
const EMPTY_DELTA = frame('content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: '' } });
const OPENING = Buffer.from(
  frame('message_start', START) +
    frame('content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
    EMPTY_DELTA,
);
const GOING_ON = Buffer.from(EMPTY_DELTA);
const COMMENT = Buffer.from(': waiting for an approver\n\n');
const CLOSING = Buffer.from(frame('content_block_stop', { type: 'content_block_stop', index: 0 }));

/**
 * Bytes that keep a waiting stream open. Claude Code gets an empty text block, which it drops from its messages; others get comments, because
 * a plain SDK would keep that block and the API refuses it next turn.
 */
export function keepAliveBytes(headers: IncomingHttpHeaders, opened: boolean): Buffer {
  if (!countsParsedEvents(headers)) return COMMENT;
  return opened ? GOING_ON : OPENING;
}

/** Ends the empty block before the real response goes on. */
export function closeKeepAliveBlock(): Buffer {
  return CLOSING;
}
