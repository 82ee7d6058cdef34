import { decodeJsonText } from '#wire';
import { LeafCollector, Mode, type PlacedLeaf } from '../leaf-collector.js';
import type { PieceKind } from './piece-kind.js';
import type { RequestWire } from './wire.js';

const LONGEST_WORD = 256;
/** Members whose object names the tool instead of the element itself. */
const NAMES_TOOL = new Set(['function', 'custom']);

/** Leaves of one request value, with what a request's policy also wants to know: whose message it is, which tool it names, what it refers to. */
export class MessageCollector extends LeafCollector {
  /** Role of the message, when the value is one. */
  role: string | null = null;
  /** Content that the value refers to and does not carry. */
  readonly references: string[] = [];
  private named: string | null = null;
  private typed: string | null = null;
  private outer = '';

  constructor(
    bytes: Buffer,
    private readonly kind: PieceKind,
    private readonly member: string,
    private readonly wire: RequestWire,
  ) {
    super(bytes, modeOf(kind, member, wire), member, wire.words);
  }

  /** Name of the tool the value offers; one that the provider brings itself goes by its type. */
  get toolName(): string | null {
    return this.named ?? this.typed;
  }

  override open(isArray: boolean, at: number): void {
    if (this.depth === 1) this.outer = this.currentKey();
    super.open(isArray, at);
  }

  override string(start: number, end: number, escaped: boolean): void {
    super.string(start, end, escaped);
    // All messages may be one bare string: what the user says.
    if (this.depth === 0 && this.wire.kindOf(this.member, false) === 'messages') this.role = 'user';
    if (this.depth === 0 || end - start > LONGEST_WORD) return;
    const key = this.currentKey();
    if (this.wire.referringMembers?.has(key) === true && this.kind !== 'glue' && this.kind !== 'member') {
      const text = decodeJsonText(this.bytes, start, end, escaped);
      if (this.wire.refersElsewhere?.(key, text) === true) this.references.push(text);
    }
    if (this.kind === 'messages' && this.depth === 1 && key === 'role') this.role = decodeJsonText(this.bytes, start, end, escaped);
    else if (this.kind === 'tools' && this.depth <= 2) this.noteTool(key, start, end, escaped);
  }

  private noteTool(key: string, start: number, end: number, escaped: boolean): void {
    const isNamed = this.depth === 1 || NAMES_TOOL.has(this.outer);
    if (key === 'name' && isNamed) this.named = decodeJsonText(this.bytes, start, end, escaped);
    else if (key === 'type' && this.depth === 1 && this.wire.namesToolsByType) this.typed = decodeJsonText(this.bytes, start, end, escaped);
  }
}

function modeOf(kind: PieceKind, member: string, wire: RequestWire): Mode {
  if (kind === 'glue' || kind === 'member') return wire.opaqueMembers.has(member) ? Mode.Opaque : Mode.Content;
  return Mode.Content;
}

/** True for the text a person (or program) typed: a bare string, a message's string content, or the text of a text block right inside it. */
export function isTypedText(leaf: PlacedLeaf): boolean {
  return leaf.depth === 0 || (leaf.depth === 1 && leaf.key === 'content') || (leaf.depth === 3 && leaf.key === 'text');
}
