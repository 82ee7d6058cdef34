import type { BodyPiece } from '../protocols/protocol.js';
import type { KnownRun } from './session-segments.js';

/** Largest content that pieces are joined to. One that changes is stored anew with what it was joined to. */
const JOINED_BYTES = 64 * 1024;

/** Key of a piece in what a session knows. What was recorded while policy kept no originals is recorded again with them. */
export function keyOf({ sha256, originals }: BodyPiece): string {
  return originals === undefined ? sha256.toString('latin1') : `${sha256.toString('latin1')}+`;
}

/** What is known from piece `at` on; null when nothing is, or other pieces follow than it holds. */
export function knownFrom(pieces: readonly BodyPiece[], at: number, find: (key: string) => KnownRun | undefined): KnownRun | null {
  const run = find(keyOf(pieces[at]!));
  if (run === undefined) return null;
  const follows = (key: string, index: number): boolean => {
    const piece = pieces[at + 1 + index];
    return piece !== undefined && keyOf(piece) === key;
  };
  return run.rest.every(follows) ? run : null;
}

/** Pieces that are new from piece `at` on and may be stored together: hundreds of small segments cost a cipher, a digest and a citation each. */
export function runFrom(pieces: readonly BodyPiece[], at: number, find: (key: string) => KnownRun | undefined): readonly BodyPiece[] {
  let end = at + 1;
  for (let bytes = pieces[at]!.bytes.length; end < pieces.length; end += 1) {
    const { bytes: next, joins } = pieces[end]!;
    bytes += next.length;
    if (joins !== true || next.length === 0 || bytes > JOINED_BYTES || find(keyOf(pieces[end]!)) !== undefined) break;
  }
  return pieces.slice(at, end);
}

/** Pieces from `at` on that have room in one segment: without a session nothing is cited later, and so nothing is gained by keeping them apart. */
export function runUpTo(limit: number, pieces: readonly BodyPiece[], at: number): readonly BodyPiece[] {
  let end = at + 1;
  for (let bytes = pieces[at]!.bytes.length; end < pieces.length; end += 1) {
    bytes += pieces[end]!.bytes.length;
    if (bytes > limit) break;
  }
  return pieces.slice(at, end);
}

/** The bytes of a run; without copying where the pieces are views of one body, one behind the other. */
export function joinedContent(run: readonly BodyPiece[]): Buffer {
  const first = run[0]!.bytes;
  if (run.length === 1) return first;
  let end = first.byteOffset;
  for (const { bytes } of run) {
    if (bytes.buffer !== first.buffer || bytes.byteOffset !== end) return Buffer.concat(run.map((piece) => piece.bytes));
    end += bytes.length;
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}
