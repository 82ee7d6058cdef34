import { hash } from 'node:crypto';
import type { Slices } from '#wire';
import { extended } from '../../../../extended.js';
import { weightOfMarks, type DigestMark } from '../../../../original-digest.js';
import { isClosed, type PiecePlan } from '../piece-plan.js';
import type { PieceScan } from '../scan-cache.js';
import type { Conversation, KnownPart, KnownPrefix } from './conversation.js';

/** A piece that is new in this body, as it was screened. */
export interface NewPiece {
  readonly plan: PiecePlan;
  readonly scan: PieceScan;
  /** SHA-256 of the bytes it came with, hex; null for what lies between pieces. */
  readonly digest: string | null;
}

/** Shorter ones are recognised piece by piece, by digest, at no cost worth a place in memory. */
const SHORTEST = 32 * 1024;
const LONGEST = 16 << 20;
const LONGEST_HEAD = 256 * 1024;
/** Memory of a part beside its content, roughly. */
const PART_OVERHEAD = 1_024;
const PARTS_PER_CHECK = 64;

/** Bytes behind which a JSON value cannot go on: a number could. */
const ENDS = new Set([0x7d, 0x5d, 0x22]);

/**
 * What of a body is worth remembering: the parts of its longest array whose cuts stand whatever follows them. `pieces` are those of `kept`, in order, and
 * what `known` says was left out of it stands before piece `takenBefore`. Null when it has no such array.
 */
export async function conversationOf(
  kept: Buffer,
  pieces: readonly NewPiece[],
  scope: string,
  known: KnownPrefix | null,
  takenBefore: number,
  slices: Slices,
): Promise<Conversation | null> {
  const { start: first, end: last } = known === null ? longestRun(pieces) : runFrom(pieces, takenBefore);
  const before = known === null ? [] : known.conversation.parts.slice(0, known.count);
  const fresh = pieces.slice(first, last);
  while (fresh.length > 0 && !standsAlone(kept, fresh.at(-1)!.plan)) fresh.pop();
  if (known !== null && fresh.length === 0 && known.count === known.conversation.parts.length) return known.conversation;
  const bytes = before.reduce((sum, { length }) => sum + length, 0) + fresh.reduce((sum, { plan }) => sum + plan.end - plan.start, 0);
  if (bytes < SHORTEST || bytes > LONGEST) return null;
  const start = known?.conversation.head.length ?? fresh[0]!.plan.start;
  if (start > LONGEST_HEAD) return null;
  const parts = before;
  for (const piece of fresh) {
    // The rest of a body that was recognised lies beside things that nobody needs any more: its parts are copied out.
    parts.push(partOf(kept, piece, known !== null));
    if (parts.length % PARTS_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  const end = start + bytes;
  return {
    lineage: known?.conversation.lineage ?? Symbol(),
    scope,
    head: known?.conversation.head ?? { length: start, sha256: hash('sha256', kept.subarray(0, start), 'hex') },
    parts,
    end,
    marks: known?.conversation.marks ?? [],
    weight: bytes + parts.length * PART_OVERHEAD + weightOfMarks(end),
  };
}

/** The same, with the marks of the body it was found in. */
export function withMarks(conversation: Conversation, marks: readonly DigestMark[]): Conversation {
  return extended(conversation, { marks: marks.filter(({ at }) => at <= conversation.end) });
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

interface Run {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

/** The longest run of messages. */
function longestRun(pieces: readonly NewPiece[]): Run {
  let longest: Run = { start: 0, end: 0, bytes: 0 };
  for (let i = 0; i < pieces.length; i += 1) {
    const run = runFrom(pieces, i);
    if (run.bytes > longest.bytes) longest = run;
    i = run.end;
  }
  return longest;
}

function runFrom(pieces: readonly NewPiece[], start: number): Run {
  let bytes = 0;
  let end = start;
  for (; end < pieces.length && isMessages(pieces[end]!.plan); end += 1) bytes += pieces[end]!.plan.end - pieces[end]!.plan.start;
  return { start, end, bytes };
}
