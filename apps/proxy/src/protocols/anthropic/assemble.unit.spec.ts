import { describe, expect, it } from 'vitest';
import { AnthropicProtocol } from './anthropic-protocol.js';
import { MESSAGE_END, MESSAGE_START, sse, textBlock, toolBlock } from './testing/streams.js';

const protocol = new AnthropicProtocol();

describe('assemble', () => {
  it('gives the message a stream amounts to', () => {
    const stream =
      MESSAGE_START +
      sse('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }) +
      sse('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }) +
      sse('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'c2ln' } }) +
      sse('content_block_stop', { index: 0 }) +
      textBlock(['Hel', 'lo'], 1) +
      sse('ping') +
      textBlock([''], 2) +
      toolBlock('Bash', ['{"a":', '[1]}'], 3) +
      toolBlock('Noop', [], 4) +
      sse('content_block_start', { index: 5, content_block: { type: 'text', text: '' } }) +
      sse('content_block_delta', { index: 5, delta: { type: 'text_delta', text: 'x' } }) +
      sse('content_block_delta', { index: 5, delta: { type: 'citations_delta', citation: { cited_text: 'y' } } }) +
      MESSAGE_END;
    expect(JSON.parse(protocol.assemble(Buffer.from(stream)).toString())).toEqual({
      id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
      type: 'message',
      role: 'assistant',
      model: 'claude-test-1',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
        { type: 'text', text: 'Hello' },
        { type: 'tool_use', id: 'toolu_01A09q90qw90lq917835lq9', name: 'Bash', input: { a: [1] } },
        { type: 'tool_use', id: 'toolu_01A09q90qw90lq917835lq9', name: 'Noop', input: {} },
        { type: 'text', text: 'x', citations: [{ cited_text: 'y' }] },
      ],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 25, cache_read_input_tokens: 7, output_tokens: 15 },
    });
  });

  it('gives the error a stream ended in', () => {
    const stream = MESSAGE_START + sse('error', { error: { type: 'overloaded_error', message: 'busy' } });
    expect(JSON.parse(protocol.assemble(Buffer.from(stream)).toString())).toMatchObject({
      type: 'error',
      error: { type: 'overloaded_error' },
    });
  });
});
