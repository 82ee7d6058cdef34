import type { ServerResponse } from 'node:http';
import {
  sendEvents,
  sendJson,
  serveProvider,
  type ProviderRequest,
  type SimulatedProvider,
  type SimulatedProviderOptions,
} from './provider-server.js';
import { replyTo, type MessagesBody, type Reply, type ReplyBlock } from './replies.js';

/** A simulated Anthropic Messages provider: real events and error format, made-up content. For the demo and the tests. */
export function startSimulatedProvider(options: SimulatedProviderOptions): Promise<SimulatedProvider> {
  return serveProvider(options, (request, response) => answer(request, response, options));
}

async function answer(request: ProviderRequest, response: ServerResponse, options: SimulatedProviderOptions): Promise<void> {
  const { path, count } = request;
  response.setHeader('request-id', `req_simulated_${String(count).padStart(6, '0')}`);
  if (request.headers['x-api-key'] !== options.apiKey) return sendJson(response, 401, error('authentication_error', 'invalid x-api-key'));
  if (request.method === 'GET' && path === '/v1/models') {
    return sendJson(response, 200, {
      data: [{ type: 'model', id: 'claude-simulated-1', display_name: 'Simulated', created_at: '2026-01-01T00:00:00Z' }],
      has_more: false,
      first_id: 'claude-simulated-1',
      last_id: 'claude-simulated-1',
    });
  }
  let body: MessagesBody;
  try {
    body = JSON.parse(request.body) as MessagesBody;
  } catch {
    return sendJson(response, 400, error('invalid_request_error', 'The request body is not valid JSON.'));
  }
  const inputTokens = Math.ceil(Buffer.byteLength(request.body) / 4);
  if (path === '/v1/messages/count_tokens') return sendJson(response, 200, { input_tokens: inputTokens });
  if (path !== '/v1/messages') return sendJson(response, 404, error('not_found_error', `no such path: ${path}`));
  const reply = replyTo(body);
  const id = `msg_simulated_${String(count).padStart(6, '0')}`;
  const usage = { input_tokens: inputTokens, output_tokens: reply.blocks.reduce((sum, block) => sum + block.deltas.length, 0) };
  if (body.stream !== true) return sendJson(response, 200, message(id, body, reply, usage));
  await sendEvents(response, options.pace, events(id, body, reply, usage));
}

type Usage = { readonly input_tokens: number; readonly output_tokens: number };

const error = (type: string, text: string): object => ({ type: 'error', error: { type, message: text } });

const wholeBlock = (block: ReplyBlock): object => {
  const whole = block.deltas.join('');
  if (block.type === 'text') return { type: 'text', text: whole };
  if (block.type === 'thinking') return { type: 'thinking', thinking: whole, signature: block.signature };
  return { type: 'tool_use', id: block.id, name: block.name, input: JSON.parse(whole) as object };
};

function message(id: string, body: MessagesBody, reply: Reply, usage: Usage): object {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: body.model ?? 'claude-simulated-1',
    content: reply.blocks.map(wholeBlock),
    stop_reason: reply.stopReason,
    stop_sequence: null,
    usage,
  };
}

function* events(id: string, body: MessagesBody, reply: Reply, usage: Usage): Generator<[string, object]> {
  const started = { ...message(id, body, { blocks: [], stopReason: 'end_turn' }, { ...usage, output_tokens: 1 }), stop_reason: null };
  yield ['message_start', { type: 'message_start', message: started }];
  yield ['ping', { type: 'ping' }];
  for (const [index, block] of reply.blocks.entries()) {
    yield ['content_block_start', { type: 'content_block_start', index, content_block: emptyBlock(block) }];
    for (const part of block.deltas) yield ['content_block_delta', { type: 'content_block_delta', index, delta: delta(block, part) }];
    if (block.type === 'thinking')
      yield ['content_block_delta', { type: 'content_block_delta', index, delta: { type: 'signature_delta', signature: block.signature } }];
    yield ['content_block_stop', { type: 'content_block_stop', index }];
  }
  yield [
    'message_delta',
    { type: 'message_delta', delta: { stop_reason: reply.stopReason, stop_sequence: null }, usage: { output_tokens: usage.output_tokens } },
  ];
  yield ['message_stop', { type: 'message_stop' }];
}

function emptyBlock(block: ReplyBlock): object {
  if (block.type === 'text') return { type: 'text', text: '' };
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return { type: 'tool_use', id: block.id, name: block.name, input: {} };
}

function delta(block: ReplyBlock, part: string): object {
  if (block.type === 'text') return { type: 'text_delta', text: part };
  if (block.type === 'thinking') return { type: 'thinking_delta', thinking: part };
  return { type: 'input_json_delta', partial_json: part };
}
