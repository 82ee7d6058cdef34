import { decodeJsonText } from '#wire';
import { LeafCollector, Mode, type PlacedLeaf } from '../../shared/leaf-collector.js';
import { OPENAI_WORDS } from '../words.js';
import type { Container } from './container.js';

/** Bytes of a value, end exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A string that may be rewritten, with the container it is a member of. */
export interface ReadLeaf extends PlacedLeaf {
  readonly inside: Container;
}

/** Input of a tool that is no string: an action, an operation. */
export interface InputRange extends Range {
  /** The call it belongs to. */
  readonly call: Container;
}

/** A place in a text, counted from its beginning (annotations). */
export interface TextOffset extends Range {
  readonly value: number;
  readonly isEnd: boolean;
  readonly inside: Container;
}

const LONGEST_WORD = 256;
const LONGEST_USAGE = 65_536;
const LONGEST_ERROR = 65_536;
const WORDS = new Set(['type', 'name']);
const OFFSETS = new Set(['start_index', 'end_index']);
/** What the record tells of a response; where: at the top, or in a member of the top. */
const FACTS = new Set(['model', 'status', 'finish_reason', 'reason', 'item_id', 'code', 'object']);
const HOLD_FACTS = new Set(['response', 'choices', 'incomplete_details']);
const NUMBERS = new Set(['sequence_number', 'output_index', 'content_index', 'summary_index', 'command_index', 'annotation_index']);

/**
 * Reads a document of the OpenAI API: an event of a stream, or a whole answer. Finds its strings with what they are part of, the inputs of tool calls,
 * log probabilities and offsets into texts, and what the record needs.
 */
export class DocumentReader extends LeafCollector {
  readonly logprobs: (Range & { readonly isArray: boolean })[] = [];
  readonly inputs: InputRange[] = [];
  readonly offsets: TextOffset[] = [];
  /** Numbers of the top level. */
  readonly numbers = new Map<string, Range & { readonly value: number }>();
  /** Words of the top level, and of `response`, `incomplete_details` and `choices` below it; the first of each. */
  readonly facts = new Map<string, string>();
  readonly choices: Container[] = [];
  /** The output item an event is about. */
  item: Container | null = null;
  /** Tool calls of Chat Completions. */
  readonly calls: Container[] = [];
  usage: Range | null = null;
  hasAudio = false;
  private errorType: string | null = null;
  private errorMessage: string | null = null;
  private topMessage = '';
  private at: Container | null = null;
  private pending: { readonly start: number; readonly depth: number } | null = null;

  constructor(bytes: Buffer) {
    super(bytes, Mode.Content, '', OPENAI_WORDS);
  }

  /** In the order of the document; null for what was found to be no text. */
  get readLeaves(): readonly (ReadLeaf | null)[] {
    return this.leaves as readonly (ReadLeaf | null)[];
  }

  get type(): string {
    return this.facts.get('type') ?? '';
  }

  /** What the document says went wrong, as the upstream wrote it: the member `error`, or an error event of the Responses API. */
  get error(): { readonly type: string; readonly message: string } | null {
    if (this.errorMessage !== null) return { type: this.errorType ?? 'error', message: this.errorMessage };
    return this.type === 'error' ? { type: this.facts.get('code') ?? 'error', message: this.topMessage } : null;
  }

  number(name: string): number | null {
    return this.numbers.get(name)?.value ?? null;
  }

  override open(isArray: boolean, at: number): void {
    const key = this.currentKey();
    const parent = this.at;
    const ordinal = parent?.isArray === true ? parent.count++ : 0;
    this.at = { parent, key, isArray, ordinal, count: 0, type: '', name: '', index: null, finish: '' };
    if (key === 'choices' && parent?.isArray === true && this.depth === 2) this.choices.push(this.at);
    if (key === 'item' && this.depth === 1 && !isArray) this.item = this.at;
    if ((key === 'tool_calls' && parent?.isArray === true) || (key === 'function_call' && parent?.isArray === false))
      this.calls.push(this.at);
    if (this.pending === null && this.isRange(key)) this.pending = { start: at, depth: this.depth };
    super.open(isArray, at);
  }

  override string(start: number, end: number, escaped: boolean): void {
    const before = this.leaves.length;
    super.string(start, end, escaped);
    const inside = this.at;
    if (inside === null) return;
    if (inside.isArray) inside.count++;
    this.place(before, inside);
    const key = this.currentKey();
    if (key === 'data' && inside.key === 'audio' && end > start) this.hasAudio = true;
    if (key === 'message' && end - start <= LONGEST_ERROR) this.noteMessage(inside, start, end, escaped);
    if (end - start > LONGEST_WORD) return;
    if (!WORDS.has(key) && !FACTS.has(key)) return;
    const word = decodeJsonText(this.bytes, start, end, escaped);
    if (key === 'type') inside.type = word;
    else if (key === 'name') nameCall(inside, word);
    else if (key === 'finish_reason') inside.finish = word;
    if (isError(inside) && (key === 'code' || key === 'type')) this.errorType = key === 'code' ? word : (this.errorType ?? word);
    if (this.isFact(inside) && !this.facts.has(key)) this.facts.set(key, word);
  }

  override scalar(start: number, end: number): void {
    const before = this.leaves.length;
    super.scalar(start, end);
    const inside = this.at;
    if (inside === null) return;
    if (inside.isArray) inside.count++;
    this.place(before, inside);
    const key = this.currentKey();
    if (this.bytes[start]! > 0x39) return;
    const isTop = this.depth === 1 && NUMBERS.has(key);
    if (!isTop && key !== 'index' && !OFFSETS.has(key)) return;
    const value = Number(this.bytes.toString('latin1', start, end));
    if (isTop) this.numbers.set(key, { start, end, value });
    else if (key === 'index') inside.index = value;
    else this.offsets.push({ start, end, value, isEnd: key === 'end_index', inside });
  }

  override close(isArray: boolean, end: number): void {
    super.close(isArray, end);
    const closed = this.at!;
    this.at = closed.parent;
    if (this.pending === null || this.pending.depth !== this.depth) return;
    const range = { start: this.pending.start, end };
    this.pending = null;
    if (closed.key === 'usage') {
      if (end - range.start <= LONGEST_USAGE) this.usage = range;
    } else if (closed.key === 'logprobs') {
      if (!isArray || closed.count > 0) this.logprobs.push({ ...range, isArray });
    } else if (closed.parent !== null) this.inputs.push({ ...range, call: closed.parent });
  }

  /** Notes what the leaf that was just found is a member of. */
  private place(at: number, inside: Container): void {
    const leaf = this.leaves[at];
    if (leaf !== undefined && leaf !== null) this.leaves[at] = { ...leaf, inside } as ReadLeaf;
  }

  /** True for a member whose whole range is wanted. */
  private isRange(key: string): boolean {
    if (this.at?.parent?.isArray === true) return false;
    return key === 'logprobs' || OPENAI_WORDS.inputBelow.has(key) || (key === 'usage' && this.depth <= 2);
  }

  private isFact(inside: Container): boolean {
    return this.depth === 1 || (this.depth <= 3 && HOLD_FACTS.has(inside.key));
  }

  private noteMessage(inside: Container, start: number, end: number, escaped: boolean): void {
    if (this.depth === 1) this.topMessage = decodeJsonText(this.bytes, start, end, escaped);
    else if (isError(inside)) this.errorMessage = decodeJsonText(this.bytes, start, end, escaped);
  }
}

/** A name belongs to the object it is in, and to the call whose function that object is. */
function nameCall(inside: Container, name: string): void {
  inside.name = name;
  if (inside.parent !== null && (inside.key === 'function' || inside.key === 'custom')) inside.parent.name = name;
}

/** The error of the whole answer, not that of one item in it. */
function isError({ key, parent }: Container): boolean {
  return key === 'error' && parent !== null && (parent.parent === null || parent.key === 'response');
}
