import { frameData, SseParser } from '#wire';

export function sse(type: string, data: Record<string, unknown> = {}, raw?: string): string {
  return `event: ${type}\ndata: ${raw ?? JSON.stringify({ type, ...data })}\n\n`;
}

export const MESSAGE_START = sse('message_start', {
  message: {
    id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
    type: 'message',
    role: 'assistant',
    model: 'claude-test-1',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 25, cache_read_input_tokens: 7, output_tokens: 1 },
  },
});
export const MESSAGE_END =
  sse('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 15 } }) + sse('message_stop');

/** A text block whose text comes in these pieces. */
export function textBlock(pieces: readonly string[], index = 0): string {
  return (
    sse('content_block_start', { index, content_block: { type: 'text', text: '' } }) +
    pieces.map((text) => sse('content_block_delta', { index, delta: { type: 'text_delta', text } })).join('') +
    sse('content_block_stop', { index })
  );
}

/** A tool call whose input comes in these pieces. */
export function toolBlock(name: string, pieces: readonly string[], index = 0): string {
  return (
    sse('content_block_start', { index, content_block: { type: 'tool_use', id: 'toolu_01A09q90qw90lq917835lq9', name, input: {} } }) +
    pieces.map((part) => sse('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: part } })).join('') +
    sse('content_block_stop', { index })
  );
}

/** Text the client puts together from a stream: per block and kind of delta. */
export function assembled(stream: Buffer): Map<string, string> {
  const texts = new Map<string, string>();
  for (const frame of new SseParser().push(stream)) {
    const data = frameData(frame);
    if (data === null) continue;
    const event = JSON.parse(data.toString()) as {
      type: string;
      index: number;
      delta?: Record<string, string>;
      content_block?: Record<string, unknown>;
    };
    const put = (key: string, text: string): void => void texts.set(key, (texts.get(key) ?? '') + text);
    if (event.type === 'content_block_start' && typeof event.content_block?.['text'] === 'string')
      put(`${event.index} text`, event.content_block['text']);
    if (event.type !== 'content_block_delta' || event.delta === undefined) continue;
    for (const key of ['text', 'partial_json', 'thinking', 'signature', 'content'] as const) {
      const value = event.delta[key];
      if (typeof value === 'string') put(`${event.index} ${key}`, value);
    }
  }
  return texts;
}
