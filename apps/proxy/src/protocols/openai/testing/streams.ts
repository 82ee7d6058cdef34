import { frameData, SseParser } from '#wire';

type Fields = Record<string, unknown>;

/** Events of the Responses API as it sends them, numbered. */
export class ResponsesEvents {
  private number = 0;
  private readonly output: Fields[] = [];
  private text = '';

  constructor(private readonly head: Fields = {}) {
    this.event('response.created', { response: this.response('in_progress') });
    this.event('response.in_progress', { response: this.response('in_progress') });
  }

  event(type: string, data: Fields): this {
    this.text += `event: ${type}\ndata: ${JSON.stringify({ type, ...data, sequence_number: this.number++ })}\n\n`;
    return this;
  }

  raw(text: string): this {
    this.text += text;
    return this;
  }

  /** A message whose text comes in these pieces. */
  message(pieces: readonly string[], more: { readonly annotations?: readonly Fields[]; readonly logprobs?: boolean } = {}): this {
    const output_index = this.output.length;
    const at = { item_id: `msg_${output_index}`, output_index, content_index: 0 };
    const text = pieces.join('');
    const logprobs = (words: string): Fields[] =>
      more.logprobs === true && words !== '' ? [{ token: words, logprob: -0.1, top_logprobs: [] }] : [];
    const part = { type: 'output_text', text, annotations: more.annotations ?? [], logprobs: logprobs(text) };
    const item = { id: at.item_id, type: 'message', status: 'in_progress', role: 'assistant', content: [] as Fields[] };
    this.event('response.output_item.added', { output_index, item });
    this.event('response.content_part.added', { ...at, part: { ...part, text: '', annotations: [], logprobs: [] } });
    for (const delta of pieces) this.event('response.output_text.delta', { ...at, delta, logprobs: logprobs(delta), obfuscation: 'abc' });
    for (const [annotation_index, annotation] of (more.annotations ?? []).entries())
      this.event('response.output_text.annotation.added', { ...at, annotation_index, annotation });
    this.event('response.output_text.done', { ...at, text, logprobs: logprobs(text) });
    this.event('response.content_part.done', { ...at, part });
    return this.done({ ...item, status: 'completed', content: [part] });
  }

  /** A call of a function whose arguments come in these pieces. */
  call(name: string, pieces: readonly string[]): this {
    const output_index = this.output.length;
    const at = { item_id: `fc_${output_index}`, output_index };
    const item = { id: at.item_id, type: 'function_call', status: 'in_progress', arguments: '', call_id: `call_${output_index}`, name };
    this.event('response.output_item.added', { output_index, item });
    for (const delta of pieces) this.event('response.function_call_arguments.delta', { ...at, delta });
    this.event('response.function_call_arguments.done', { ...at, name, arguments: pieces.join('') });
    return this.done({ ...item, status: 'completed', arguments: pieces.join('') });
  }

  /** A call of a tool that takes plain text. */
  customCall(name: string, pieces: readonly string[]): this {
    const output_index = this.output.length;
    const at = { item_id: `ctc_${output_index}`, output_index };
    const item = { id: at.item_id, type: 'custom_tool_call', status: 'in_progress', input: '', call_id: `call_${output_index}`, name };
    this.event('response.output_item.added', { output_index, item });
    for (const delta of pieces) this.event('response.custom_tool_call_input.delta', { ...at, delta });
    this.event('response.custom_tool_call_input.done', { ...at, input: pieces.join('') });
    return this.done({ ...item, status: 'completed', input: pieces.join('') });
  }

  /** Reasoning with a summary in these pieces, and what only the provider can read. */
  reasoning(pieces: readonly string[], encrypted: string): this {
    const output_index = this.output.length;
    const at = { item_id: `rs_${output_index}`, output_index, summary_index: 0 };
    const text = pieces.join('');
    this.event('response.output_item.added', {
      output_index,
      item: { id: at.item_id, type: 'reasoning', summary: [], encrypted_content: encrypted },
    });
    this.event('response.reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } });
    for (const delta of pieces) this.event('response.reasoning_summary_text.delta', { ...at, delta });
    this.event('response.reasoning_summary_text.done', { ...at, text });
    this.event('response.reasoning_summary_part.done', { ...at, part: { type: 'summary_text', text } });
    return this.done({ id: at.item_id, type: 'reasoning', summary: [{ type: 'summary_text', text }], encrypted_content: encrypted });
  }

  done(item: Fields): this {
    this.event('response.output_item.done', { output_index: this.output.length, item });
    this.output.push(item);
    return this;
  }

  /** All of it, with the last event. */
  end(type = 'response.completed', more: Fields = {}): string {
    this.event(type, {
      response: { ...this.response(type === 'response.completed' ? 'completed' : type.slice('response.'.length)), ...more },
    });
    return this.text;
  }

  /** Without an end. */
  get soFar(): string {
    return this.text;
  }

  response(status: string): Fields {
    const usage = {
      input_tokens: 25,
      input_tokens_details: { cached_tokens: 7 },
      output_tokens: 15,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 40,
    };
    return {
      id: 'resp_0123456789abcdef', object: 'response', created_at: 1764115200, status, background: false, error: null, incomplete_details: null,
      instructions: null, max_output_tokens: null, model: 'gpt-test-1', output: [...this.output], parallel_tool_calls: true, store: false,
      temperature: 1, text: { format: { type: 'text' } }, tool_choice: 'auto', tools: [], top_logprobs: 0, truncation: 'disabled',
      usage: status === 'in_progress' ? null : usage, user: null, metadata: {}, ...this.head,
    }; // prettier-ignore
  }
}

/** A chunk of Chat Completions. */
export function chunk(choices: readonly Fields[], more: Fields = {}): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1764115200, model: 'gpt-test-1', system_fingerprint: 'fp_1', choices, usage: null, ...more })}\n\n`;
}

export const DONE = 'data: [DONE]\n\n';
export const USAGE = chunk([], {
  usage: { prompt_tokens: 25, completion_tokens: 15, total_tokens: 40, prompt_tokens_details: { cached_tokens: 7 } },
});

const choice = (index: number, delta: Fields, finish_reason: string | null = null, logprobs: unknown = null): Fields => ({
  index,
  delta,
  logprobs,
  finish_reason,
});

/** Text of one choice in these pieces. */
export function chatText(pieces: readonly string[], index = 0, field = 'content'): string {
  return (
    chunk([choice(index, { role: 'assistant', content: '', refusal: null })]) +
    pieces.map((text) => chunk([choice(index, { [field]: text })])).join('') +
    chunk([choice(index, {}, 'stop')])
  );
}

/** A function call of one choice, its arguments in these pieces. */
export function chatCall(name: string, pieces: readonly string[], index = 0): string {
  const call = (more: Fields): string => chunk([choice(index, { tool_calls: [{ index: 0, ...more }] })]);
  return (
    chunk([choice(index, { role: 'assistant', content: null })]) +
    call({ id: 'call_1', type: 'function', function: { name, arguments: '' } }) +
    pieces.map((part) => call({ function: { arguments: part } })).join('') +
    chunk([choice(index, {}, 'tool_calls')])
  );
}

/** Events of a stream, parsed; `[DONE]` as a string. */
export function eventsOf(stream: Buffer): (Fields | string)[] {
  const events: (Fields | string)[] = [];
  for (const frame of new SseParser().push(stream)) {
    const data = frameData(frame)?.toString();
    if (data !== undefined) events.push(data === '[DONE]' ? data : (JSON.parse(data) as Fields));
  }
  return events;
}

/** The texts an answer gives in its deltas, by where they stand. */
export function deltasOf(stream: Buffer): Map<string, string> {
  const texts = new Map<string, string>();
  const put = (key: string, text: unknown): void => {
    if (typeof text === 'string') texts.set(key, (texts.get(key) ?? '') + text);
  };
  for (const event of eventsOf(stream)) {
    if (typeof event === 'string') continue;
    if (String(event['type']).endsWith('.delta'))
      put(`${String(event['output_index'])} ${String(event['type']).slice(9, -6)}`, event['delta']);
    for (const { index, delta } of (event['choices'] ?? []) as { index: number; delta: Fields }[]) {
      for (const [name, value] of Object.entries(delta)) if (name !== 'role') put(`${index} ${name}`, value);
      for (const call of (delta['tool_calls'] ?? []) as { function?: { arguments?: string } }[])
        put(`${index} arguments`, call.function?.arguments);
    }
  }
  return texts;
}

/** The texts an answer gives whole, at every place that has one: text, arguments, inputs, summaries. */
export function wholesOf(value: unknown, key = ''): string[] {
  if (typeof value === 'string') return ['text', 'arguments', 'input', 'refusal'].includes(key) && value !== '' ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((element) => wholesOf(element, key));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => wholesOf(member, name));
}
