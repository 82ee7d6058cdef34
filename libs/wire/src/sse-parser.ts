import { isUtf8 } from 'node:buffer';
import { AffiantError } from '#errors';

/** A part of a frame's data, inside `raw`: one per data line. */
export interface DataLine {
  readonly start: number;
  readonly end: number;
}

/** One server-sent event (or comment block) with its exact bytes. All `raw` together are the stream, byte for byte. */
export interface SseFrame {
  readonly raw: Buffer;
  /** Null when the frame names none. */
  readonly event: string | null;
  /** Empty when the frame carries no data: a comment, an id, a retry. */
  readonly dataLines: readonly DataLine[];
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Frames of an event stream (WHATWG HTML, "Server-sent events"): lines end with LF, CR or CRLF, a blank line ends a frame, chunks end
 * anywhere. A frame is given out as soon as its blank line is there; if that line ended with CR and LF follows in a later chunk, the LF
 * comes at the head of the next frame's bytes.
 * @throws AffiantError stream_invalid: invalid UTF-8, or a frame larger than `maxFrameBytes`
 */
export class SseParser {
  private pending: Buffer = Buffer.alloc(0);
  /** Index in `pending` up to which lines were looked at, and where the line under way begins. */
  private seen = 0;
  private lineStart = 0;
  private first = true;
  private afterCr = false;
  private owned: Buffer = Buffer.alloc(0);

  constructor(private readonly maxFrameBytes: number = 16 << 20) {}

  get bufferedBytes(): number {
    return this.pending.length;
  }

  push(chunk: Buffer): SseFrame[] {
    this.append(chunk);
    const frames: SseFrame[] = [];
    let frameStart = 0;
    const bytes = this.pending;
    let at = this.seen;
    let { lineStart } = this;
    if (this.first && lineStart === 0 && bytes.length >= 3 && at <= 3 && bytes.subarray(0, 3).equals(BOM)) lineStart = at = 3;
    let lf = indexOrEnd(bytes, LF, at);
    let cr = indexOrEnd(bytes, CR, at);
    for (at = Math.min(lf, cr); at < bytes.length; at = Math.min(lf, cr)) {
      const isCr = at === cr;
      if (!isCr && at === lineStart && this.afterCr) {
        this.afterCr = false;
        lineStart = at + 1;
        lf = indexOrEnd(bytes, LF, at + 1);
        continue;
      }
      const blank = at === lineStart;
      const isCrLf = isCr && lf === at + 1 && lf < bytes.length;
      const end = isCrLf ? at + 2 : at + 1;
      this.afterCr = isCr && !isCrLf;
      lineStart = end;
      if (isCr) cr = indexOrEnd(bytes, CR, end);
      if (lf < end) lf = indexOrEnd(bytes, LF, end);
      if (blank) {
        frames.push(this.frame(bytes.subarray(frameStart, end)));
        frameStart = end;
      }
    }
    at = bytes.length;
    this.pending = frameStart === 0 ? bytes : bytes.subarray(frameStart);
    this.seen = at - frameStart;
    this.lineStart = lineStart - frameStart;
    if (this.pending.length > this.maxFrameBytes) {
      throw new AffiantError('stream_invalid', 'An event of the upstream stream is too large.', {
        where: `more than ${this.maxFrameBytes} bytes`,
      });
    }
    return frames;
  }

  /** Bytes after the last blank line, as a frame: half an event, or one whose blank line was left out. Null when there are none. */
  end(): SseFrame | null {
    const rest = this.pending;
    this.pending = Buffer.alloc(0);
    this.seen = this.lineStart = 0;
    if (rest.length === 0) return null;
    return isUtf8(rest) ? this.frame(rest) : { raw: rest, event: null, dataLines: [] };
  }

  /** Grows `pending` by doubling, so that a frame that comes byte by byte costs linear time. */
  private append(chunk: Buffer): void {
    const held = this.pending;
    if (held.length === 0) {
      this.pending = chunk;
      return;
    }
    const room = held.buffer === this.owned.buffer && held.byteOffset + held.length + chunk.length <= this.owned.length;
    if (!room) {
      this.owned = Buffer.allocUnsafeSlow(Math.max(4_096, 2 * (held.length + chunk.length)));
      held.copy(this.owned);
      chunk.copy(this.owned, held.length);
      this.pending = this.owned.subarray(0, held.length + chunk.length);
      return;
    }
    const end = held.byteOffset + held.length;
    chunk.copy(this.owned, end);
    this.pending = this.owned.subarray(held.byteOffset, end + chunk.length);
  }

  private frame(raw: Buffer): SseFrame {
    if (!isUtf8(raw)) throw new AffiantError('stream_invalid', 'The upstream stream is not valid UTF-8.');
    const dataLines: DataLine[] = [];
    let event: string | null = null;
    let at = this.first && raw.subarray(0, 3).equals(BOM) ? 3 : 0;
    this.first = false;
    let cr = -1;
    while (at < raw.length) {
      if (cr < at) cr = indexOrEnd(raw, CR, at);
      const end = Math.min(indexOrEnd(raw, LF, at), cr);
      const colon = raw.indexOf(COLON, at);
      const nameEnd = colon === -1 || colon > end ? end : colon;
      let valueStart = Math.min(end, nameEnd + 1);
      if (valueStart < end && raw[valueStart] === SPACE) valueStart++;
      const nameLength = nameEnd - at;
      if (nameLength === 4 && raw.toString('latin1', at, nameEnd) === 'data') dataLines.push({ start: valueStart, end });
      else if (nameLength === 5 && raw.toString('latin1', at, nameEnd) === 'event') event = raw.toString('utf8', valueStart, end);
      at = end + 1;
    }
    return { raw, event, dataLines };
  }
}

function indexOrEnd(bytes: Buffer, byte: number, from: number): number {
  const index = bytes.indexOf(byte, from);
  return index === -1 ? bytes.length : index;
}

/** The frame's data as the event carries it: its lines joined by LF. Null when it has none. */
export function frameData(frame: SseFrame): Buffer | null {
  const [only, ...more] = frame.dataLines;
  if (only === undefined) return null;
  if (more.length === 0) return frame.raw.subarray(only.start, only.end);
  return Buffer.from(frame.dataLines.map((line) => frame.raw.toString('utf8', line.start, line.end)).join('\n'));
}

/** Offset in the frame's bytes of an offset in its data. */
export function rawOffset(frame: SseFrame, dataOffset: number): number {
  let offset = dataOffset;
  for (const line of frame.dataLines) {
    const length = line.end - line.start;
    if (offset <= length) return line.start + offset;
    offset -= length + 1;
  }
  throw new RangeError('offset outside the data');
}
