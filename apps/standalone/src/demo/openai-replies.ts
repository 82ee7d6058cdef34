import { numberIn } from './replies.js';

/** What the simulated provider answers: text or a call, cut into the deltas it streams. */
export type OpenaiItem =
  | { readonly type: 'text'; readonly deltas: readonly string[] }
  | { readonly type: 'call'; readonly name: string; readonly deltas: readonly string[] };

/** One thing the conversation holds, told alike for both APIs. */
interface Said {
  readonly by: 'user' | 'model' | 'tool' | 'other';
  readonly text: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** A body of the Responses or the Chat Completions API, as far as the simulation looks. */
export interface OpenaiBody {
  readonly model?: string;
  readonly stream?: boolean;
  readonly input?: string | readonly Fields[];
  readonly messages?: readonly Fields[];
  readonly tools?: readonly Fields[];
  readonly stream_options?: { readonly include_usage?: boolean };
}

/** Values are made up and pass the checksums of the detectors; each is cut in the middle. */
const RECORD: OpenaiItem = {
  type: 'text',
  deltas: ['Found: Dana ', 'Whitfield, SSN 53', '6-22-', '8471, e-mail dana.whit', 'field@exam', 'ple.com', '. All ', 'done.'],
};

/** Chooses a reply by what was said last. */
export function openaiReplyTo(body: OpenaiBody): OpenaiItem[] {
  const said = saidIn(body);
  const last = said.at(-1);
  if (last?.by === 'tool') {
    const filed = /filed (\[\w+:\w+\]|[\d-]+)/.exec(last.text)?.[1];
    return filed === undefined ? [RECORD] : [{ type: 'text', deltas: ['Filed: ', filed.slice(0, 5), filed.slice(5), '. All ', 'done.'] }];
  }
  const number = numberIn(said.map(({ text }) => text).join('\n'));
  if (number !== null && /say it again/i.test(last?.text ?? ''))
    return [{ type: 'text', deltas: ['It is ', number.slice(0, 5), number.slice(5), '.'] }];
  const tool = toolsOf(body)[0];
  if (tool !== undefined && number !== null && /file it/i.test(last?.text ?? ''))
    return [{ type: 'call', name: tool, deltas: ['{"number": "', number.slice(0, 5), number.slice(5), '"}'] }];
  if (tool !== undefined && /look up/i.test(last?.text ?? '')) {
    return [
      { type: 'text', deltas: ['Looking ', 'it up.'] },
      { type: 'call', name: tool, deltas: ['', '{"name": "Dana', ' Whit', 'field"}'] },
    ];
  }
  if (tool !== undefined && /clean ?up/i.test(last?.text ?? ''))
    return [{ type: 'call', name: tool, deltas: ['{"query": "DR', 'OP TABLE customers', '_2019;"}'] }];
  if (/customer record/i.test(last?.text ?? '')) return [RECORD];
  return [{ type: 'text', deltas: ['A ledger is ', 'a book of entries ', 'that is only ', 'ever added to.'] }];
}

/** How many turns the conversation has: names things the same way each time the same is asked. */
export function turnOf(body: OpenaiBody): number {
  return saidIn(body).length;
}

function saidIn({ input, messages }: OpenaiBody): Said[] {
  if (typeof input === 'string') return [{ by: 'user', text: input }];
  return (input ?? messages ?? []).map((item) => ({ by: speakerOf(item), text: textOf(item['content'] ?? item['output']) }));
}

function speakerOf({ type, role }: Fields): Said['by'] {
  if (type === 'function_call_output' || role === 'tool') return 'tool';
  if (role === 'user') return 'user';
  return role === 'assistant' || type === 'function_call' ? 'model' : 'other';
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map((part: Fields) => (typeof part['text'] === 'string' ? part['text'] : '')).join('\n') : '';
}

function toolsOf({ tools }: OpenaiBody): string[] {
  return (tools ?? []).map((tool) => String(tool['name'] ?? (tool['function'] as Fields | undefined)?.['name'] ?? tool['type']));
}
