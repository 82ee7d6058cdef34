const LONGEST = 24;
const MAX_KNOWN = 1_024;

/** Names seen before by hash: wire formats use the same few all the time, and comparing bytes is cheaper than making a string. */
const known = new Map<number, string>();

/** Member name of plain ASCII without escapes; null when it is longer than 24 bytes or not plain. */
export function plainName(bytes: Buffer, start: number, end: number): string | null {
  const length = end - start;
  if (length > LONGEST) return null;
  let hash = length;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte < 0x20 || byte > 0x7e) return null;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const candidate = known.get(hash);
  if (candidate !== undefined && isAt(candidate, bytes, start, length)) return candidate;
  const name = bytes.toString('latin1', start, end);
  if (candidate === undefined && known.size < MAX_KNOWN) known.set(hash, name);
  return name;
}

function isAt(name: string, bytes: Buffer, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (name.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
