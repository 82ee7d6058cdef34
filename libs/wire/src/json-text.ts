import { hasControlCharacter } from './control-characters.js';
import { jsonError } from './json-error.js';
import { utf8Boundary } from './utf8.js';

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
/** RFC 8259 §7 and lone halves of pairs: these must be escaped inside a string. */
// oxlint-disable-next-line no-control-regex
const MUST_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/**
 * Text of a JSON string whose content (without quotes) is [start, end). Offsets into the text are UTF-16 units.
 * @throws AffiantError body_invalid for a bad escape or a bare control character
 */
export function decodeJsonText(bytes: Buffer, start: number, end: number, escaped: boolean): string {
  if (!escaped) {
    if (hasControlCharacter(bytes, start, end)) throw jsonError('A string holds a bare control character.', start);
    return bytes.toString('utf8', start, end);
  }
  const isQuoted = bytes[start - 1] === QUOTE && bytes[end] === QUOTE;
  const literal = isQuoted ? bytes.toString('utf8', start - 1, end + 1) : `"${bytes.toString('utf8', start, end)}"`;
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw jsonError('A string holds a malformed escape or a bare control character.', start);
  }
}

/** The content of a JSON string (without quotes) for a text. Well-formed UTF-8 also for lone surrogates, which are escaped. */
export function encodeJsonText(text: string): string {
  return MUST_ESCAPE.test(text) ? JSON.stringify(text).slice(1, -1) : text;
}

/**
 * A place at or before `at` where the content of a JSON string can be cut so that each part decodes alone: not inside an escape, not
 * inside a UTF-8 sequence. `from` must be such a place itself.
 */
export function jsonTextBoundary(bytes: Buffer, from: number, at: number): number {
  const boundary = utf8Boundary(bytes, at);
  const backslash = bytes.lastIndexOf(BACKSLASH, boundary - 1);
  if (backslash < from || backslash < boundary - 5) return boundary;
  let run = 1;
  while (backslash - run >= from && bytes[backslash - run] === BACKSLASH) run++;
  if ((run & 1) === 0) return boundary;
  const length = bytes[backslash + 1] === 0x75 ? 6 : 2;
  return backslash + length <= boundary ? boundary : backslash;
}

/**
 * Finds the bytes of text units inside a JSON string, going forward only. Built when there is a finding; a text without one never pays.
 * An offset between the two units of a surrogate pair written as one UTF-8 sequence goes to the sequence's begin.
 */
export class JsonTextOffsets {
  private unit = 0;

  constructor(
    private readonly bytes: Buffer,
    private at: number,
    private readonly end: number,
  ) {}

  /** Byte offset of text unit `target`; ascending calls only. */
  byteOf(target: number): number {
    while (!this.advance(target, Number.MAX_SAFE_INTEGER));
    return this.at;
  }

  /** Goes towards `target` over at most `limit` bytes. @returns true when there: `position` is its byte offset. */
  advance(target: number, limit: number): boolean {
    const { bytes, end } = this;
    const stop = Math.min(end, this.at + limit);
    let { at, unit } = this;
    while (unit < target && at < stop) {
      const byte = bytes[at]!;
      if (byte === BACKSLASH) {
        at += bytes[at + 1] === 0x75 ? 6 : 2;
        unit++;
      } else if (byte < 0x80) {
        at++;
        unit++;
      } else if (byte < 0xe0) {
        at += 2;
        unit++;
      } else if (byte < 0xf0) {
        at += 3;
        unit++;
      } else {
        if (unit + 2 > target) break;
        at += 4;
        unit += 2;
      }
    }
    const reached = unit >= target || at >= end || (bytes[at]! >= 0xf0 && unit + 1 === target);
    this.at = at;
    this.unit = unit;
    return reached;
  }

  get position(): number {
    return this.at;
  }
}
