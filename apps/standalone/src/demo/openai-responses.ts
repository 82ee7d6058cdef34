import { turnOf, type OpenaiBody, type OpenaiItem } from './openai-replies.js';

type Fields = Readonly<Record<string, unknown>>;

/** The whole answer of the Responses API. */
export function wholeResponse(body: OpenaiBody, items: readonly OpenaiItem[], inputTokens: number): object {
  return response(
    body,
    'completed',
    items.map((item, index) => outputItem(body, item, index, true)),
    usageOf(items, inputTokens),
  );
}

/** The events of a streamed one. */
export function* responseEvents(body: OpenaiBody, items: readonly OpenaiItem[], inputTokens: number): Generator<[string, object]> {
  let sequence_number = 0;
  const event = (type: string, fields: Fields): [string, object] => [type, { type, ...fields, sequence_number: sequence_number++ }];
  yield event('response.created', { response: response(body, 'in_progress', [], null) });
  yield event('response.in_progress', { response: response(body, 'in_progress', [], null) });
  const output: Fields[] = [];
  for (const [output_index, item] of items.entries()) {
    yield event('response.output_item.added', { output_index, item: outputItem(body, item, output_index, false) });
    const done = outputItem(body, item, output_index, true);
    const at = { item_id: done['id'], output_index };
    const whole = item.deltas.join('');
    if (item.type === 'text') {
      const content = { ...at, content_index: 0 };
      yield event('response.content_part.added', { ...content, part: textPart('') });
      for (const delta of item.deltas) yield event('response.output_text.delta', { ...content, delta, logprobs: [] });
      yield event('response.output_text.done', { ...content, text: whole, logprobs: [] });
      yield event('response.content_part.done', { ...content, part: textPart(whole) });
    } else {
      for (const delta of item.deltas) yield event('response.function_call_arguments.delta', { ...at, delta });
      yield event('response.function_call_arguments.done', { ...at, name: item.name, arguments: whole });
    }
    yield event('response.output_item.done', { output_index, item: done });
    output.push(done);
  }
  yield event('response.completed', { response: response(body, 'completed', output, usageOf(items, inputTokens)) });
}

const textPart = (text: string): Fields => ({ type: 'output_text', text, annotations: [], logprobs: [] });

function outputItem(body: OpenaiBody, item: OpenaiItem, index: number, isDone: boolean): Fields {
  const at = `${turnOf(body)}_${index}`;
  const status = isDone ? 'completed' : 'in_progress';
  const whole = isDone ? item.deltas.join('') : '';
  if (item.type === 'text')
    return { id: `msg_simulated_${at}`, type: 'message', status, role: 'assistant', content: isDone ? [textPart(whole)] : [] };
  return { id: `fc_simulated_${at}`, type: 'function_call', status, call_id: `call_simulated_${at}`, name: item.name, arguments: whole };
}

function usageOf(items: readonly OpenaiItem[], input_tokens: number): Fields {
  const output_tokens = items.reduce((sum, { deltas }) => sum + deltas.length, 0);
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input_tokens + output_tokens,
  };
}

function response(body: OpenaiBody, status: string, output: readonly Fields[], usage: Fields | null): Fields {
  return {
    id: `resp_simulated_${turnOf(body)}`,
    object: 'response',
    created_at: 1767225600,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: body.model ?? 'gpt-simulated-1',
    output,
    parallel_tool_calls: true,
    store: false,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage,
  };
}
