import { turns } from '#wire';

/** Bytes handed to a socket in one go. The kernel copies as much as the connection takes at once, over loopback several megabytes. */
export const PIECE_BYTES = 256 * 1024;

/** The same while small calls are under way. */
const CROWDED_PIECE_BYTES = 64 * 1024;
/** Neighbours smaller than this are joined: each piece is a write of its own. */
const SMALL_PART = 16 * 1024;

/** What one turn of the event loop may read or write of a large body. */
export const pieceBytes = (): number => (turns.crowded ? CROWDED_PIECE_BYTES : PIECE_BYTES);

export const lengthOf = (parts: readonly Buffer[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** A large body in pieces, each in a turn of the event loop of its own. */
export async function* inPieces(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (let i = 0; i < parts.length;) {
    const small = smallFrom(parts, i);
    const part = small > 1 ? Buffer.concat(parts.slice(i, i + small)) : parts[i]!;
    i += small;
    for (let at = 0; at < part.length;) {
      await turns.next();
      const piece = part.subarray(at, at + pieceBytes());
      at += piece.length;
      yield piece;
    }
  }
}

/** How many parts from `at` on go out together, at least one. */
function smallFrom(parts: readonly Buffer[], at: number): number {
  let end = at;
  for (let bytes = 0; end < parts.length && parts[end]!.length < SMALL_PART; end += 1) {
    bytes += parts[end]!.length;
    if (bytes > CROWDED_PIECE_BYTES) break;
  }
  return Math.max(1, end - at);
}
