import type { OutlineMember } from '#wire';
import type { PieceKind, PieceValue } from './piece-kind.js';
import type { RequestWire } from './wire.js';

/** A run of bytes of the request. All pieces in order are the body. */
export interface PiecePlan {
  readonly kind: PieceKind;
  readonly start: number;
  readonly end: number;
  readonly values: readonly PieceValue[];
  /** It is elements of an array. */
  readonly elements: boolean;
}

/** The pieces of what was given; those that were taken out of it stand before piece `takenBefore`. */
export interface BodyPlan {
  readonly pieces: readonly PiecePlan[];
  readonly takenBefore: number;
}

/** Elements are gathered up to this size, so that hundreds of short messages do not become hundreds of digests. */
const GATHER_BYTES = 8_192;
/** An element this large stands alone: after a change in the middle of a conversation the later pieces are soon the same again. */
const ALONE_BYTES = 4_096;
/** A single member this large is a piece of its own; smaller ones stay in the bytes between pieces, which are looked at each time. */
const MEMBER_BYTES = 2_048;

/**
 * Cuts a request into pieces so that the conversation of the turn before gives the same pieces again, from the front: cuts depend only on what
 * stands before them, and the comma between two elements belongs to the later one.
 * `takenAt`: where pieces that are known were taken out of an array.
 */
export function planPieces(
  length: number,
  members: readonly OutlineMember[],
  wire: Pick<RequestWire, 'kindOf'>,
  takenAt: number | null = null,
): BodyPlan {
  const pieces: PiecePlan[] = [];
  let takenBefore = 0;
  let glueStart = 0;
  let glueValues: PieceValue[] = [];
  const glue = (end: number): void => {
    if (end > glueStart) pieces.push({ kind: 'glue', start: glueStart, end, values: glueValues, elements: false });
    glueValues = [];
  };
  for (const member of members) {
    if (takenAt !== null && member.valueStart < takenAt && takenAt < member.end) {
      glue(takenAt);
      takenBefore = pieces.length;
      glueStart = gather(pieces, member, wire.kindOf(member.name, true), takenAt);
    } else if (member.elementStarts.length > 0) {
      glue(member.elementStarts[0]!);
      glueStart = gather(pieces, member, wire.kindOf(member.name, true), member.elementStarts[0]!);
    } else if (member.end - member.valueStart >= MEMBER_BYTES) {
      const value = { member: member.name, start: member.valueStart, end: member.end };
      glue(member.valueStart);
      pieces.push({ kind: wire.kindOf(member.name, false), start: value.start, end: value.end, values: [value], elements: false });
      glueStart = member.end;
    } else glueValues.push({ member: member.name, start: member.valueStart, end: member.end });
  }
  glue(length);
  return { pieces, takenBefore };
}

/** True when its cut stands whatever follows: it is full, or one element that stands alone. */
export function isClosed({ start, end, values }: PiecePlan): boolean {
  return end - start >= GATHER_BYTES || (values.length === 1 && values[0]!.end - values[0]!.start >= ALONE_BYTES);
}

/** Adds the pieces of the elements of an array, from `start` on. @returns where the last of them ends. */
function gather(pieces: PiecePlan[], member: OutlineMember, kind: PieceKind, start: number): number {
  const { elementStarts, elementEnds } = member;
  let values: PieceValue[] = [];
  let end = start;
  const cut = (at: number): void => {
    if (values.length > 0) pieces.push({ kind, start, end: at, values, elements: true });
    values = [];
    start = at;
  };
  for (let i = 0; i < elementStarts.length; i++) {
    const element = { member: member.name, start: elementStarts[i]!, end: elementEnds[i]! };
    const alone = element.end - element.start >= ALONE_BYTES;
    if (alone && i > 0) cut(end);
    values.push(element);
    ({ end } = element);
    if (alone || end - start >= GATHER_BYTES) cut(end);
  }
  cut(end);
  return end;
}
