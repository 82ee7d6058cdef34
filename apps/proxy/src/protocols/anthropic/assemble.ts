import { frameData, SseParser, type SseFrame } from '#wire';
import { member, text } from '../shared/response/facts.js';

type Fields = Record<string, unknown>;

/** A content block being put together, with the parts of its tool input. */
interface Assembling {
  readonly block: Fields;
  input: string;
}

const CONTINUED: Readonly<Record<string, { readonly from: string; readonly to: string }>> = {
  text_delta: { from: 'text', to: 'text' },
  thinking_delta: { from: 'thinking', to: 'thinking' },
  signature_delta: { from: 'signature', to: 'signature' },
  compaction_delta: { from: 'content', to: 'content' },
};

/**
 * The message a stream amounts to, as the API would have sent it without streaming. Empty text blocks (keep-alives) are left out.
 * A stream that ended in an error gives that error.
 */
export function assemble(stream: Buffer): Buffer {
  const parser = new SseParser(64 << 20);
  const frames = parser.push(stream);
  const rest = parser.end();
  const state = new MessageAssembly();
  for (const frame of rest === null ? frames : [...frames, rest]) {
    const event = dataOf(frame);
    if (text(member(event, 'type')) === 'error') return Buffer.from(JSON.stringify(event));
    state.add(event);
  }
  return Buffer.from(JSON.stringify(state.message()));
}

class MessageAssembly {
  private head: Fields = { type: 'message', role: 'assistant', content: [], stop_reason: null, stop_sequence: null };
  private readonly blocks = new Map<number, Assembling>();

  add(event: unknown): void {
    const index = Number(member(event, 'index'));
    switch (member(event, 'type')) {
      case 'message_start':
        this.head = { ...(member(event, 'message') as Fields) };
        return;
      case 'content_block_start':
        this.blocks.set(index, { block: { ...(member(event, 'content_block') as Fields) }, input: '' });
        return;
      case 'content_block_delta':
        this.delta(index, member(event, 'delta') as Fields);
        return;
      case 'message_delta':
        Object.assign(this.head, member(event, 'delta'));
        this.head['usage'] = { ...(this.head['usage'] as Fields), ...(member(event, 'usage') as Fields) };
        return;
      default:
    }
  }

  message(): Fields {
    const content = [...this.blocks.entries()]
      .sort(([a], [b]) => a - b)
      .map(([, { block, input }]) => (input === '' ? block : { ...block, input: parsed(input) }))
      .filter((block) => !(block['type'] === 'text' && block['text'] === ''));
    return { ...this.head, content };
  }

  private delta(index: number, delta: Fields): void {
    const target = this.blocks.get(index);
    if (target === undefined) return;
    const type = String(delta['type']);
    const continued = CONTINUED[type];
    if (type === 'input_json_delta') target.input += text(delta['partial_json']) ?? '';
    else if (type === 'citations_delta') {
      const known = target.block['citations'];
      target.block['citations'] = [...(Array.isArray(known) ? (known as unknown[]) : []), delta['citation']];
    } else if (continued !== undefined) {
      target.block[continued.to] = (text(target.block[continued.to]) ?? '') + (text(delta[continued.from]) ?? '');
      if (type === 'compaction_delta' && delta['encrypted_content'] !== undefined) {
        target.block['encrypted_content'] = delta['encrypted_content'];
      }
    }
  }
}

function dataOf(frame: SseFrame): unknown {
  const data = frameData(frame);
  if (data === null) return null;
  try {
    return JSON.parse(data.toString()) as unknown;
  } catch {
    return null;
  }
}

/** Input that does not parse is kept as the text it is. */
function parsed(input: string): unknown {
  try {
    return JSON.parse(input) as unknown;
  } catch {
    return input;
  }
}
