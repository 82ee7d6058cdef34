import avsc from 'avsc';
import { gatheredBytes } from './gathered-bytes.js';

/** The part of avsc's reading and writing position that its published types leave out. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
}

interface Internals {
  _read(tap: Tap): unknown;
  _write(tap: Tap, value: unknown): void;
  _skip(tap: Tap): void;
}

type InternalType = avsc.Type & Internals;
type ArrayConstructor = new (schema: avsc.Schema, options: object) => InternalType & { readonly itemsType: InternalType };
type PrimitiveConstructor = new () => InternalType;

const LongType = avsc.types.LongType as unknown as PrimitiveConstructor;
const ArrayType = avsc.types.ArrayType as unknown as ArrayConstructor;
const StringType = avsc.types.StringType as unknown as PrimitiveConstructor;

/**
 * avsc believes a block count and loops over it, past the end of the buffer, with an array of that length made first: five hostile bytes
 * would cost gigabytes. In our schemas an item takes at least one byte, so a count above the bytes that are left is refused.
 */
class GuardedArrayType extends ArrayType {
  /** Also called on a resolver, which has an `itemsType` of its own and no other method of this class. */
  override _read(tap: Tap): unknown {
    const items: unknown[] = [];
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      for (; count > 0; count -= 1) items.push(this.itemsType._read(tap));
    }
    return items;
  }

  /** A field that the current version has no more. avsc would believe the length of a block too, also a negative one. */
  override _skip(tap: Tap): void {
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      for (; count > 0; count -= 1) this.itemsType._skip(tap);
    }
  }
}

function blockCount(tap: Tap): number {
  let count = tap.readLong();
  if (count < 0) {
    count = -count;
    tap.skipLong();
  }
  if (!(count <= tap.buf.length - tap.pos)) throw new RangeError('an array block claims more items than there are bytes');
  return count;
}

/** A lone surrogate has no UTF-8; avsc would write invalid bytes that other readers refuse. It becomes U+FFFD, as everywhere on the web. */
class WellFormedStringType extends StringType {
  override _write(tap: Tap, value: unknown): void {
    super._write(tap, typeof value === 'string' ? wellFormed(value) : value);
  }
}

/**
 * avsc does the zig-zag of a long in floating point: beyond 52 bits a negative number silently comes out as another one. Refused both ways;
 * microseconds since the epoch fit until the year 2112.
 */
class ExactLongType extends LongType {
  override _read(tap: Tap): unknown {
    return exact(super._read(tap));
  }

  override _write(tap: Tap, value: unknown): void {
    super._write(tap, exact(value));
  }
}

function exact(value: unknown): unknown {
  if (typeof value === 'number' && (value < -(2 ** 52) || value >= 2 ** 52)) throw new RangeError('a long of more than 52 bits and a sign');
  return value;
}

const exactLong = new ExactLongType();
const wellFormedString = new WellFormedStringType();

export const wellFormed = (text: string): string => (text as string & { toWellFormed(): string }).toWellFormed();

/** `typeHook` for avsc.Type.forSchema. */
export function guardedTypes(schema: avsc.Schema, options: object): avsc.Type | undefined {
  const name: unknown = typeof schema === 'object' && 'type' in schema ? schema.type : schema;
  if (name === 'string') return wellFormedString;
  if (name === 'long') return exactLong;
  if (name === 'bytes') return gatheredBytes;
  return name === 'array' ? new GuardedArrayType(schema, options) : undefined;
}
