import type { OutlineMember } from '#wire';
import type { PieceKind, RequestWire } from './wire.js';

/** A JSON value inside a piece. Byte offsets, end exclusive. */
export interface PieceValue {
  /** Top-level member it belongs to. */
  readonly member: string;
  readonly start: number;
  readonly end: number;
}

/** A run of bytes of the request. All pieces in order are the body. */
export interface PiecePlan {
  readonly kind: PieceKind;
  readonly start: number;
  readonly end: number;
  readonly values: readonly PieceValue[];
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
 */
export function planPieces(length: number, members: readonly OutlineMember[], wire: Pick<RequestWire, 'kindOf'>): PiecePlan[] {
  const pieces: PiecePlan[] = [];
  let glueStart = 0;
  let glueValues: PieceValue[] = [];
  const glue = (end: number): void => {
    if (end > glueStart) pieces.push({ kind: 'glue', start: glueStart, end, values: glueValues });
    glueValues = [];
  };
  for (const member of members) {
    if (member.elementStarts.length > 0) {
      glue(member.elementStarts[0]!);
      glueStart = gather(pieces, member, wire.kindOf(member.name, true));
    } else if (member.end - member.valueStart >= MEMBER_BYTES) {
      const value = { member: member.name, start: member.valueStart, end: member.end };
      glue(member.valueStart);
      pieces.push({ kind: wire.kindOf(member.name, false), start: value.start, end: value.end, values: [value] });
      glueStart = member.end;
    } else glueValues.push({ member: member.name, start: member.valueStart, end: member.end });
  }
  glue(length);
  return pieces;
}

/** Adds the pieces of an array. @returns where its last element ends. */
function gather(pieces: PiecePlan[], member: OutlineMember, kind: PieceKind): number {
  const { elementStarts, elementEnds } = member;
  let start = elementStarts[0]!;
  let values: PieceValue[] = [];
  const cut = (end: number): void => {
    if (values.length > 0) pieces.push({ kind, start, end, values });
    values = [];
    start = end;
  };
  for (let i = 0; i < elementStarts.length; i++) {
    const element = { member: member.name, start: elementStarts[i]!, end: elementEnds[i]! };
    const alone = element.end - element.start >= ALONE_BYTES;
    if (alone && i > 0) cut(elementEnds[i - 1]!);
    values.push(element);
    if (alone || element.end - start >= GATHER_BYTES) cut(element.end);
  }
  cut(elementEnds.at(-1)!);
  return elementEnds.at(-1)!;
}
