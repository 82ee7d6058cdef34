import type { ServerResponse } from 'node:http';
import { chatCompletion, chatEvents } from './openai-chat.js';
import { openaiReplyTo, type OpenaiBody } from './openai-replies.js';
import { responseEvents, wholeResponse } from './openai-responses.js';
import {
  sendEvents,
  sendJson,
  serveProvider,
  type ProviderRequest,
  type SimulatedProvider,
  type SimulatedProviderOptions,
} from './provider-server.js';

/** A simulated OpenAI provider (Responses and Chat Completions): real events and error format, made-up content. For the tests. */
export function startSimulatedOpenaiProvider(options: SimulatedProviderOptions): Promise<SimulatedProvider> {
  return serveProvider(options, (request, response) => answer(request, response, options));
}

async function answer(request: ProviderRequest, response: ServerResponse, { apiKey, pace }: SimulatedProviderOptions): Promise<void> {
  const { method, path } = request;
  response.setHeader('x-request-id', `req_simulated_${String(request.count).padStart(6, '0')}`);
  if (request.headers.authorization !== `Bearer ${apiKey}`)
    return sendJson(response, 401, error('invalid_api_key', 'Incorrect API key provided.'));
  if (method === 'GET' && path === '/v1/models')
    return sendJson(response, 200, {
      object: 'list',
      data: [{ id: 'gpt-simulated-1', object: 'model', created: 1767225600, owned_by: 'simulation' }],
    });
  if (method !== 'POST' || (path !== '/v1/responses' && path !== '/v1/chat/completions'))
    return sendJson(response, 404, error('unknown_url', `Invalid URL (${method} ${path})`));
  let body: OpenaiBody;
  try {
    body = JSON.parse(request.body) as OpenaiBody;
  } catch {
    return sendJson(response, 400, error(null, 'We could not parse the JSON body of your request.'));
  }
  const items = openaiReplyTo(body);
  const inputTokens = Math.ceil(Buffer.byteLength(request.body) / 4);
  const isChat = path === '/v1/chat/completions';
  if (body.stream !== true) return sendJson(response, 200, (isChat ? chatCompletion : wholeResponse)(body, items, inputTokens));
  await sendEvents(response, pace, (isChat ? chatEvents : responseEvents)(body, items, inputTokens));
}

const error = (code: string | null, message: string): object => ({ error: { message, type: 'invalid_request_error', param: null, code } });
