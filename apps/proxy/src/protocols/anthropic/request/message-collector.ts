import { decodeJsonText } from '#wire';
import { LeafCollector, Mode, type PlacedLeaf } from '../leaf-collector.js';
import type { PieceKind } from './piece-plan.js';

/** Leaves of one request value, with what a request's policy also wants to know: whose message it is, which tool it names. */
export class MessageCollector extends LeafCollector {
  /** Role of the message, when the value is one. */
  role: string | null = null;
  toolName: string | null = null;

  constructor(
    bytes: Buffer,
    private readonly kind: PieceKind,
    member: string,
  ) {
    super(bytes, modeOf(kind, member), member);
  }

  override string(start: number, end: number, escaped: boolean): void {
    super.string(start, end, escaped);
    if (this.depth !== 1 || end - start > 256) return;
    const key = this.currentKey();
    if (this.kind === 'messages' && key === 'role') this.role = decodeJsonText(this.bytes, start, end, escaped);
    else if (this.kind === 'tools' && key === 'name') this.toolName = decodeJsonText(this.bytes, start, end, escaped);
  }
}

/** Top-level members that are no content: names, switches, numbers in words. */
const OPAQUE_MEMBERS = new Set(['model', 'service_tier', 'container', 'inference_geo', 'speed', 'betas']);

function modeOf(kind: PieceKind, member: string): Mode {
  if (kind === 'glue' || kind === 'member') return OPAQUE_MEMBERS.has(member) ? Mode.Opaque : Mode.Content;
  return Mode.Content;
}

/** True for the text a person (or program) typed: a message's string content, or the text of a text block right inside it. */
export function isTypedText(leaf: PlacedLeaf): boolean {
  return (leaf.depth === 1 && leaf.key === 'content') || (leaf.depth === 3 && leaf.key === 'text');
}
