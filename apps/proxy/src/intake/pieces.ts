import { Slices } from '#wire';

/** Bytes handed to a socket in one go. The kernel copies as much as the connection takes at once, over loopback several megabytes. */
export const PIECE_BYTES = 256 * 1024;

/** A large body in pieces, each in a turn of the event loop of its own. */
export async function* inPieces(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
  const slices = new Slices();
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PIECE_BYTES) {
      await slices.turn();
      yield part.subarray(at, at + PIECE_BYTES);
    }
  }
}
