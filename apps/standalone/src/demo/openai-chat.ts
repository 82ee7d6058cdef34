import { turnOf, type OpenaiBody, type OpenaiItem } from './openai-replies.js';

type Fields = Readonly<Record<string, unknown>>;

/** The whole answer of the Chat Completions API. */
export function chatCompletion(body: OpenaiBody, items: readonly OpenaiItem[], inputTokens: number): object {
  const text = items.flatMap((item) => (item.type === 'text' ? item.deltas : [])).join('');
  const calls = items.flatMap((item, index) =>
    item.type === 'call' ? [{ ...call(body, index), function: { name: item.name, arguments: item.deltas.join('') } }] : [],
  );
  const message = {
    role: 'assistant',
    content: text === '' ? null : text,
    refusal: null,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    ...head(body, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish(items) }],
    usage: usageOf(items, inputTokens),
  };
}

/** The chunks of a streamed one. */
export function* chatEvents(body: OpenaiBody, items: readonly OpenaiItem[], inputTokens: number): Generator<[null, object | string]> {
  const chunk = (delta: Fields, finish_reason: string | null = null): [null, object] => [
    null,
    { ...head(body, 'chat.completion.chunk'), choices: [{ index: 0, delta, logprobs: null, finish_reason }], usage: null },
  ];
  yield chunk({ role: 'assistant', content: '', refusal: null });
  let index = 0;
  for (const [at, item] of items.entries()) {
    if (item.type === 'text') for (const content of item.deltas) yield chunk({ content });
    else {
      yield chunk({ tool_calls: [{ index, ...call(body, at), function: { name: item.name, arguments: '' } }] });
      for (const part of item.deltas) yield chunk({ tool_calls: [{ index, function: { arguments: part } }] });
      index++;
    }
  }
  yield chunk({}, finish(items));
  if (body.stream_options?.include_usage === true)
    yield [null, { ...head(body, 'chat.completion.chunk'), choices: [], usage: usageOf(items, inputTokens) }];
  yield [null, '[DONE]'];
}

const call = (body: OpenaiBody, index: number): Fields => ({ id: `call_simulated_${turnOf(body)}_${index}`, type: 'function' });

const finish = (items: readonly OpenaiItem[]): string => (items.some(({ type }) => type === 'call') ? 'tool_calls' : 'stop');

function head(body: OpenaiBody, object: string): Fields {
  return {
    id: `chatcmpl-simulated-${turnOf(body)}`,
    object,
    created: 1767225600,
    model: body.model ?? 'gpt-simulated-1',
    system_fingerprint: 'fp_simulated',
  };
}

function usageOf(items: readonly OpenaiItem[], prompt_tokens: number): Fields {
  const completion_tokens = items.reduce((sum, { deltas }) => sum + deltas.length, 0);
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, prompt_tokens_details: { cached_tokens: 0 } };
}
