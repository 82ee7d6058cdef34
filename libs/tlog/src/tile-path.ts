/** Hashes per full tile, entries per full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;

const HASH_BYTES = 32;

/** `tile/<L>/<N>` or, when width < 256, `tile/<L>/<N>.p/<W>`. */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  return `tile/${level}/${indexPath(index)}${suffix(width)}`;
}

/** `tile/entries/<N>` or, when width < 256, `tile/entries/<N>.p/<W>`. */
export function bundlePath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${indexPath(index)}${suffix(width)}`;
}

/** Width of tile `index` of `level` in a tree of `size` leaves: 256 when full, 0 when it does not exist. */
export function tileWidth(level: number, index: number, size: number): number {
  const nodes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH));
}

const PATH = /^tile\/(0|[1-9]\d?|entries)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** True for the paths tilePath and bundlePath write, and nothing else: no `..`, no leading zeros, width 1..255, level 0..63. */
export function isTilePath(path: string): boolean {
  const match = PATH.exec(path);
  if (match === null) return false;
  const [, level, index, width] = match as unknown as [string, string, string, string | undefined];
  if (level !== 'entries' && Number(level) > 63) return false;
  if (index.startsWith('x000/')) return false;
  return width === undefined || Number(width) < TILE_WIDTH;
}

/** Hashes of a tile. Null when the bytes are not `width` hashes. */
export function splitTile(bytes: Buffer, width: number): Buffer[] | null {
  if (bytes.length !== width * HASH_BYTES) return null;
  return Array.from({ length: width }, (_, index) => bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
}

/** Entry bundle: each entry with its length as big-endian uint16 before it. */
export function joinBundle(entries: readonly Uint8Array[]): Buffer {
  const bundle = Buffer.allocUnsafe(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    at = bundle.writeUInt16BE(entry.length, at);
    bundle.set(entry, at);
    at += entry.length;
  }
  return bundle;
}

/** Entries of a bundle. Null when the bytes are not exactly `width` entries. */
export function splitBundle(bytes: Buffer, width: number): Buffer[] | null {
  const entries: Buffer[] = [];
  let at = 0;
  while (at < bytes.length && entries.length < width) {
    if (at + 2 > bytes.length) return null;
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) return null;
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return at === bytes.length && entries.length === width ? entries : null;
}

function indexPath(index: number): string {
  const digits = String(index % 1000).padStart(3, '0');
  return index < 1000 ? digits : `${directories(Math.floor(index / 1000))}/${digits}`;
}

function directories(index: number): string {
  const here = `x${String(index % 1000).padStart(3, '0')}`;
  return index < 1000 ? here : `${directories(Math.floor(index / 1000))}/${here}`;
}

function suffix(width: number): string {
  return width === TILE_WIDTH ? '' : `.p/${width}`;
}
