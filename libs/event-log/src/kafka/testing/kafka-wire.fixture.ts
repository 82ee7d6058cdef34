/** The few parts of the Kafka protocol a producer needs, as a broker sees them (kafka.apache.org/protocol, versions as in stub-cluster). */

export class WireReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  int8 = (): number => this.bytes.readInt8(this.#step(1));
  int16 = (): number => this.bytes.readInt16BE(this.#step(2));
  int32 = (): number => this.bytes.readInt32BE(this.#step(4));
  int64 = (): number => Number(this.bytes.readBigInt64BE(this.#step(8)));

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#slice(length).toString();
  }

  data(): Buffer {
    return this.#slice(this.int32());
  }

  array<T>(item: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, item);
  }

  /** Zigzag. */
  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes.readUInt8(this.#step(1));
      // A timestamp delta may have more than 32 bits; those of the tests do not.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  varbytes(): Buffer {
    const length = this.varint();
    return length < 0 ? Buffer.alloc(0) : this.#slice(length);
  }

  #slice(length: number): Buffer {
    const start = this.#step(length);
    return this.bytes.subarray(start, start + length);
  }

  #step(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

export const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
export const int64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};
export const string = (value: string): Buffer => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
export const array = (items: readonly Buffer[]): Buffer => Buffer.concat([int32(items.length), ...items]);

export interface StubRecord {
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface StubRecordBatch {
  readonly producerId: number;
  readonly baseSequence: number;
  readonly records: readonly StubRecord[];
}

/** Record batch of magic 2, uncompressed. */
export function readRecordBatch(bytes: Buffer): StubRecordBatch {
  const reader = new WireReader(bytes);
  reader.int64(); // base offset
  reader.int32(); // length
  reader.int32(); // leader epoch
  reader.int8(); // magic
  reader.int32(); // CRC
  reader.int16(); // attributes
  reader.int32(); // last offset delta
  const firstTimestamp = reader.int64();
  reader.int64(); // largest timestamp
  const producerId = reader.int64();
  reader.int16(); // producer epoch
  const baseSequence = reader.int32();
  const records = reader.array(() => {
    reader.varint(); // length
    reader.int8(); // attributes
    const timestamp = firstTimestamp + reader.varint();
    reader.varint(); // offset delta
    const key = reader.varbytes().toString();
    const value = reader.varbytes().toString();
    const headers = Object.fromEntries(
      Array.from({ length: reader.varint() }, () => [reader.varbytes().toString(), reader.varbytes().toString()] as const),
    );
    return { key, value, timestamp, headers };
  });
  return { producerId, baseSequence, records };
}
