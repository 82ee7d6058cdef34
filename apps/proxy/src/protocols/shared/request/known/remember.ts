import { hash } from 'node:crypto';
import { isClosed, type PiecePlan } from '../piece-plan.js';
import type { PieceScan } from '../scan-cache.js';
import type { Conversation, KnownPart, KnownPrefix } from './conversation.js';

/** A piece that is new in this body, as it was screened. */
export interface NewPiece {
  readonly plan: PiecePlan;
  readonly scan: PieceScan;
  /** SHA-256 of its original bytes, hex; null for what lies between pieces. */
  readonly digest: string | null;
}

/** Bytes behind which a JSON value cannot go on: a number could. */
const ENDS = new Set([0x7d, 0x5d, 0x22]);

/**
 * What of a body is worth remembering: the parts of its longest array whose cuts stand whatever follows them. `pieces` are those of `kept`, in order, and
 * what `known` says was left out of it stands before piece `takenBefore`. Null when it has no such array.
 */
export function conversationOf(
  kept: Buffer,
  pieces: readonly NewPiece[],
  scope: string,
  known: KnownPrefix | null,
  takenBefore: number,
): Conversation | null {
  const first = known === null ? longestRun(pieces) : takenBefore;
  const before = known === null ? [] : known.conversation.parts.slice(0, known.count);
  const fresh: NewPiece[] = [];
  for (let i = first; i < pieces.length && isMessages(pieces[i]!.plan); i += 1) fresh.push(pieces[i]!);
  while (fresh.length > 0 && !standsAlone(kept, fresh.at(-1)!.plan)) fresh.pop();
  if (known !== null && fresh.length === 0 && known.count === known.conversation.parts.length) return known.conversation;
  if (before.length + fresh.length === 0) return null;
  const start = known?.conversation.head.length ?? fresh[0]!.plan.start;
  return {
    lineage: known?.conversation.lineage ?? Symbol(),
    scope,
    head: known?.conversation.head ?? { length: start, sha256: hash('sha256', kept.subarray(0, start), 'hex') },
    // The rest of a body that was recognised lies beside things that nobody needs any more: its parts are copied out.
    parts: [...before, ...fresh.map((piece) => partOf(kept, piece, known !== null))],
  };
}

function partOf(kept: Buffer, { plan, scan, digest }: NewPiece, copy: boolean): KnownPart {
  const bytes = kept.subarray(plan.start, plan.end);
  return {
    kind: plan.kind,
    length: bytes.length,
    digest: digest ?? '',
    values: plan.values.map(({ member, start, end }) => ({ member, start: start - plan.start, end: end - plan.start })),
    scan,
    content: scan.masked ?? (copy ? Buffer.from(bytes) : bytes),
    closed: standsAlone(kept, plan),
  };
}

const isMessages = ({ kind, elements }: PiecePlan): boolean => kind === 'messages' && elements;

/** True when the cut behind a piece is where it is whatever comes after it. */
function standsAlone(kept: Buffer, plan: PiecePlan): boolean {
  return isClosed(plan) && ENDS.has(kept[plan.end - 1]!);
}

/** Where the longest run of messages begins. */
function longestRun(pieces: readonly NewPiece[]): number {
  let longest = { start: pieces.length, bytes: 0 };
  for (let i = 0; i < pieces.length; i += 1) {
    const start = i;
    let bytes = 0;
    for (; i < pieces.length && isMessages(pieces[i]!.plan); i += 1) bytes += pieces[i]!.plan.end - pieces[i]!.plan.start;
    if (bytes > longest.bytes) longest = { start, bytes };
  }
  return longest.start;
}
