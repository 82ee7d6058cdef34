/**
 * Writes ClickHouse's RowBinary format: values one after another, integers little-endian, lengths as LEB128.
 * Source: ClickHouse documentation, "RowBinary". The buffer grows by doubling; `take` hands it over.
 */
export class RowBinaryWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(bytes = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#at;
  }

  /** What was written so far; the writer must not be used afterwards. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #room(bytes: number): void {
    const need = this.#at + bytes;
    if (need <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(need, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
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

  /** A String column: any bytes. */
  bytes(value: Uint8Array): void {
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
