import avsc from 'avsc';

/** Byte fields of at least this length may stay where they are; shorter ones are cheaper copied than looked after. */
export const GATHERED_BYTES = 4_096;

/** A byte field that was left out of what was written: it belongs at `at`, behind its length. */
export interface Gathered {
  readonly at: number;
  readonly bytes: Buffer;
}

interface WritingTap {
  readonly pos: number;
  writeLong(value: number): void;
}

interface Writing {
  _write(tap: WritingTap, value: unknown): void;
}

const BytesType = avsc.types.BytesType as unknown as new () => avsc.Type & Writing;

let gathered: Gathered[] | null = null;

/** avsc copies every byte field into the buffer it writes; sealed content would be copied once more on its way to the disk. */
class GatheredBytesType extends BytesType {
  override _write(tap: WritingTap, value: unknown): void {
    if (gathered === null || !Buffer.isBuffer(value) || value.length < GATHERED_BYTES) return super._write(tap, value);
    tap.writeLong(value.length);
    gathered.push({ at: tap.pos, bytes: value });
  }
}

/** What an Avro type that is made with `guardedTypes` writes meanwhile lacks the byte fields that are put into `into`, in order. */
export function gathering<T>(into: Gathered[], write: () => T): T {
  gathered = into;
  try {
    return write();
  } finally {
    gathered = null;
  }
}

export const gatheredBytes = new GatheredBytesType();
