import { turns } from '#wire';

/** Bytes handed to a socket in one go. The kernel copies as much as the connection takes at once, over loopback several megabytes. */
export const PIECE_BYTES = 256 * 1024;

/** The same while small calls are under way. */
const CROWDED_PIECE_BYTES = 64 * 1024;

/** What one turn of the event loop may read or write of a large body. */
export const pieceBytes = (): number => (turns.crowded ? CROWDED_PIECE_BYTES : PIECE_BYTES);

/** A large body in pieces, each in a turn of the event loop of its own. */
export async function* inPieces(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    for (let at = 0; at < part.length;) {
      await turns.next();
      const piece = part.subarray(at, at + pieceBytes());
      at += piece.length;
      yield piece;
    }
  }
}
