import { CHUNK_BYTES, type Chunks } from './chunks.js';

/** From here on bytes stay where they are and become a part of their own. */
const OWN_PART = 16 * 1024;

/**
 * Writes ClickHouse's RowBinary format: values one after another, integers little-endian, lengths as LEB128.
 * Source: ClickHouse documentation, "RowBinary". What was written is parts that follow each other: a full chunk is never copied into a larger one.
 */
export class RowBinaryWriter {
  readonly #parts: Buffer[] = [];
  #buffer: Buffer;
  /** What of the chunk is not a part yet. */
  #from = 0;
  #at = 0;

  /** `chunks` are taken as they are needed, and are in use for as long as the parts are. */
  constructor(
    private readonly chunks: Pick<Chunks, 'take'>,
    bytes = CHUNK_BYTES,
  ) {
    this.#buffer = chunks.take(bytes);
  }

  /** What was written, none of it empty; the writer must not be used afterwards. */
  take(): readonly Buffer[] {
    this.#cut();
    return this.#parts;
  }

  #cut(): void {
    if (this.#at > this.#from) this.#parts.push(this.#buffer.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    this.#cut();
    this.#buffer = this.chunks.take(bytes);
    this.#from = 0;
    this.#at = 0;
  }

  #leb128(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  bool(value: boolean): void {
    this.#room(1);
    this.#buffer[this.#at++] = value ? 1 : 0;
  }

  uint32(value: number): void {
    this.#room(4);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  /** Int64 or UInt64 (and DateTime64): any safe integer. */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
    this.#room(8);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#at = this.#buffer.writeInt32LE((value - high * 0x1_0000_0000) | 0, this.#at);
    this.#at = this.#buffer.writeInt32LE(high, this.#at);
  }

  string(value: string): void {
    const { length } = value;
    if (length <= 42) {
      // At most 126 bytes of UTF-8: the length fits one byte, written after the text is.
      this.#room(1 + length * 3);
      const bytes = this.#buffer.write(value, this.#at + 1, 'utf8');
      this.#buffer[this.#at] = bytes;
      this.#at += 1 + bytes;
      return;
    }
    const bytes = Buffer.byteLength(value, 'utf8');
    this.#room(5 + bytes);
    this.#leb128(bytes);
    this.#at += this.#buffer.write(value, this.#at, 'utf8');
  }

  /** A String column: any bytes. Many of them must not change until the parts are sent. */
  bytes(value: Uint8Array): void {
    if (value.length >= OWN_PART) {
      this.#room(5);
      this.#leb128(value.length);
      this.#cut();
      this.#parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      return;
    }
    this.#room(5 + value.length);
    this.#leb128(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** A FixedString(32) column. */
  hash(value: Uint8Array): void {
    if (value.length !== 32) throw new RangeError(`a hash has 32 bytes, not ${value.length}`);
    this.#room(32);
    this.#buffer.set(value, this.#at);
    this.#at += 32;
  }

  array<T>(values: readonly T[], write: (value: T) => void): void {
    this.#room(5);
    this.#leb128(values.length);
    for (const value of values) write(value);
  }
}
