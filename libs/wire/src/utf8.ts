import { isUtf8 } from 'node:buffer';
import { AffiantError } from '#errors';
import type { Slices, Steps } from './slices.js';

const WINDOW = 256 << 10;

/** Largest index <= `at` that does not lie inside a UTF-8 sequence (RFC 3629): at most three bytes before. */
export function utf8Boundary(bytes: Buffer, at: number): number {
  let boundary = at;
  while (boundary > at - 3 && boundary > 0 && boundary < bytes.length && (bytes[boundary]! & 0xc0) === 0x80) boundary--;
  return boundary;
}

/**
 * Checks a whole body, a quarter of a megabyte at a time.
 * @throws AffiantError body_invalid
 */
export async function requireUtf8(bytes: Buffer, slices: Slices): Promise<void> {
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, utf8Boundary(bytes, start + WINDOW));
    if (!isUtf8(bytes.subarray(start, end))) {
      throw new AffiantError('body_invalid', 'The body is not valid UTF-8.', { where: `bytes ${start} to ${end}` });
    }
    start = end;
    if (slices.spent && start < bytes.length) await slices.turn();
  }
}

/** Whether bytes are UTF-8, in steps. */
export function* isUtf8Steps(bytes: Buffer): Steps<boolean> {
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, utf8Boundary(bytes, start + WINDOW));
    if (!isUtf8(bytes.subarray(start, end))) return false;
    start = end;
    if (start < bytes.length) yield;
  }
  return true;
}
