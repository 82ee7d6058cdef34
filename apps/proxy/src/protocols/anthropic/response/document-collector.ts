import { decodeJsonText } from '#wire';
import { LeafCollector, Mode } from '../../shared/leaf-collector.js';
import { MESSAGES_WORDS } from '../words.js';

/** Bytes of a value, end exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What policy asks about a block of a message's content. */
export interface ContentBlock {
  type: string;
  name: string;
  /** The block's own text, without quotes. */
  text: (Range & { readonly escaped: boolean }) | null;
  input: Range | null;
}

const CONTENT_DEPTH = 2;
const BLOCK_DEPTH = 3;
const LONGEST_NAME = 1_024;

/** Leaves of a whole response, with where its top-level members and content blocks are. */
export class DocumentCollector extends LeafCollector {
  readonly members: Range[] = [];
  readonly blocks: ContentBlock[] = [];
  private inContent = false;
  private memberStart = 0;
  private inputStart = 0;

  constructor(bytes: Buffer) {
    super(bytes, Mode.Content, '', MESSAGES_WORDS);
  }

  override open(isArray: boolean, at: number): void {
    const { depth } = this;
    if (depth === 1) {
      this.memberStart = at;
      this.inContent = isArray && this.currentKey() === 'content';
    } else if (depth === CONTENT_DEPTH && this.inContent && !isArray) this.blocks.push({ type: '', name: '', text: null, input: null });
    else if (depth === BLOCK_DEPTH && this.isIn('input')) this.inputStart = at;
    super.open(isArray, at);
  }

  override string(start: number, end: number, escaped: boolean): void {
    super.string(start, end, escaped);
    if (this.depth === 1) this.members.push({ start: start - 1, end: end + 1 });
    const block = this.depth === BLOCK_DEPTH && this.inContent ? this.blocks.at(-1) : undefined;
    if (block === undefined) return;
    const key = this.currentKey();
    if (key === 'text') block.text = { start, end, escaped };
    else if (key === 'input') block.input = { start: start - 1, end: end + 1 };
    else if (end - start <= LONGEST_NAME) {
      if (key === 'type') block.type = decodeJsonText(this.bytes, start, end, escaped);
      else if (key === 'name') block.name = decodeJsonText(this.bytes, start, end, escaped);
    }
  }

  override scalar(start: number, end: number): void {
    super.scalar(start, end);
    if (this.depth === BLOCK_DEPTH && this.isIn('input')) this.blocks.at(-1)!.input = { start, end };
  }

  override close(isArray: boolean, end: number): void {
    super.close(isArray, end);
    if (this.depth === 1) {
      this.members.push({ start: this.memberStart, end });
      this.inContent = false;
    } else if (this.depth === BLOCK_DEPTH && this.isIn('input')) this.blocks.at(-1)!.input = { start: this.inputStart, end };
  }

  private isIn(key: string): boolean {
    return this.inContent && this.blocks.length > 0 && this.currentKey() === key;
  }
}
