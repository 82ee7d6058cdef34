import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { decodeFrameHeader, FRAME_HEADER_BYTES, ZEROS, type FrameHeader } from './format.js';

const WINDOW_BYTES = ZEROS.length;
const KEPT_WINDOW_BYTES = 4 * 1024 * 1024;

export interface Frame {
  readonly kind: 'frame';
  readonly offset: number;
  readonly header: FrameHeader;
  /** Views of the cursor's window: valid until its next call. */
  readonly headerBytes: Buffer;
  readonly body: Buffer;
}

/** Why there is no frame at `offset`. */
export interface NoFrame {
  /** end: nothing follows a frame boundary, or zeros alone, which the writer puts ahead of its frames. short: the file ends inside a frame. damaged: bytes are there, and wrong. */
  readonly kind: 'end' | 'short' | 'damaged';
  readonly offset: number;
  /** Where the frame ends, when its header could be read. */
  readonly frameEnd: number | null;
}

/** Walks the frames of one segment file through a window of bounded size; memory is that of one frame. */
export class SegmentCursor {
  #window = Buffer.allocUnsafe(WINDOW_BYTES);
  /** File offset of window[0], and how many bytes of the window are filled. */
  #start: number;
  #filled = 0;
  #at = 0;

  constructor(
    readonly file: FileHandle,
    offset: number,
  ) {
    this.#start = offset;
  }

  /** File offset of the next frame. */
  get offset(): number {
    return this.#start + this.#at;
  }

  seek(offset: number): void {
    this.#start = offset;
    this.#filled = 0;
    this.#at = 0;
  }

  /** The next frame with its CRC checked, or why there is none; then the cursor stays where it is and the bytes are read anew next time. */
  async next(): Promise<Frame | NoFrame> {
    const isOld = this.#filled > this.#at;
    const found = await this.#look();
    // What was read before may be zeros that a frame has taken the place of since.
    return found.kind === 'frame' || !isOld ? found : this.#look();
  }

  async #look(): Promise<Frame | NoFrame> {
    const offset = this.offset;
    const got = await this.#fill(FRAME_HEADER_BYTES);
    const header = got < FRAME_HEADER_BYTES ? null : decodeFrameHeader(this.#window, this.#at);
    if (header === null) {
      const kind = (await endOfBytes(this.file, offset)) === offset ? 'end' : got < FRAME_HEADER_BYTES ? 'short' : 'damaged';
      return this.#stay(kind, offset, null);
    }
    const bytes = FRAME_HEADER_BYTES + header.bodyBytes;
    if ((await this.#fill(bytes)) < bytes) return this.#stay('short', offset, offset + bytes);
    const headerBytes = this.#window.subarray(this.#at, this.#at + FRAME_HEADER_BYTES);
    const body = this.#window.subarray(this.#at + FRAME_HEADER_BYTES, this.#at + bytes);
    if (crc32(body) !== header.bodyCrc) return this.#stay('damaged', offset, offset + bytes);
    this.#at += bytes;
    return { kind: 'frame', offset, header, headerBytes, body };
  }

  /** The next frame's header alone, when a whole and undamaged one is there; nothing is consumed. */
  async peekHeader(): Promise<FrameHeader | null> {
    const got = await this.#fill(FRAME_HEADER_BYTES);
    const header = got < FRAME_HEADER_BYTES ? null : decodeFrameHeader(this.#window, this.#at);
    if (header === null) this.seek(this.offset);
    return header;
  }

  #stay(kind: NoFrame['kind'], offset: number, frameEnd: number | null): NoFrame {
    this.seek(offset);
    return { kind, offset, frameEnd };
  }

  /** Has up to `wanted` bytes from the current place in the window; the answer is how many there are. */
  async #fill(wanted: number): Promise<number> {
    if (this.#filled - this.#at >= wanted) return wanted;
    this.#makeRoom(wanted);
    while (this.#filled < wanted) {
      const { bytesRead } = await this.file.read(
        this.#window,
        this.#filled,
        this.#window.length - this.#filled,
        this.#start + this.#filled,
      );
      if (bytesRead === 0) return this.#filled;
      this.#filled += bytesRead;
    }
    return wanted;
  }

  /** Moves the unread rest to the front; grows for a large frame, and shrinks again behind it. */
  #makeRoom(wanted: number): void {
    const rest = this.#window.subarray(this.#at, this.#filled);
    const oversized = this.#window.length > KEPT_WINDOW_BYTES && wanted <= WINDOW_BYTES && rest.length <= WINDOW_BYTES;
    if (wanted > this.#window.length || oversized) {
      const window = Buffer.allocUnsafe(Math.max(wanted, WINDOW_BYTES));
      rest.copy(window);
      this.#window = window;
    } else {
      this.#window.copyWithin(0, this.#at, this.#filled);
    }
    this.#start += this.#at;
    this.#filled = rest.length;
    this.#at = 0;
  }
}

/** Where the bytes of a file end behind which there are zeros alone; at least `from`. */
export async function endOfBytes(file: FileHandle, from: number): Promise<number> {
  const window = Buffer.allocUnsafe(WINDOW_BYTES);
  let end = from;
  for (let at = from; ;) {
    const { bytesRead } = await file.read(window, 0, window.length, at);
    if (bytesRead === 0) return end;
    const last = lastOther(window.subarray(0, bytesRead));
    if (last >= 0) end = at + last + 1;
    at += bytesRead;
  }
}

/** Index of the last byte that is not zero, or -1. */
function lastOther(bytes: Buffer): number {
  if (ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0) return -1;
  return bytes.findLastIndex((byte) => byte !== 0);
}
