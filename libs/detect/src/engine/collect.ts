import { isDigit } from './characters.js';
import { lookCloser, type Look } from './closer.js';
import { Context } from './context.js';
import { AHEAD, BEHIND, BLOCK, DIGIT, IDLE, type Sieve } from './sieve.js';
import { holdTail } from './tail.js';
import { Findings, LOOKBACK, type Window } from './window.js';
import type { Wanted } from '../entity-types.js';
import { isIdleNumber } from '../numbers/idle-number.js';
import type { Assessor } from '../port.js';

/**
 * The units looked at, as bytes, because these are read several times as fast as units of a string, and as pairs of them and words. What is no byte stands
 * as WIDE, which no rule looks for.
 */
const bytes = Buffer.from(new ArrayBuffer(BLOCK));
const pairs = new Uint16Array(bytes.buffer);
const words = new Int32Array(bytes.buffer);
const units = Buffer.from(new ArrayBuffer(BLOCK * 2));
const wideUnits = new Uint16Array(units.buffer);
const WIDE = 0xff;
const IS_WIDE = /[\u0100-\uffff]/;
/** Fewer are looked at one by one: copying would cost more than it saves. */
const SMALL = 256;

/**
 * Finds every candidate that starts at or after `window.from`, and the first start that later text may still change.
 * @param sieve says where no rule needs to look; null: rules look everywhere, and find the same
 */
export function collect(window: Window, wanted: Wanted, sieve: Sieve | null, assessor: Assessor | null): Findings {
  const findings = new Findings(window, assessor);
  const look: Look = { window, wanted, context: new Context(window.text), findings };
  const from = Math.max(0, window.from - LOOKBACK);
  if (sieve === null) for (let index = from; index < window.end;) index = lookCloser(look, index);
  else if (window.end - from <= SMALL) everySign(look, from, sieve);
  else {
    const isWide = IS_WIDE.test(window.text);
    for (let block = from; block < window.end;) block = sifted(look, block, sieve, isWide);
  }
  if (!window.final) holdTail(window, wanted, findings);
  return findings;
}

/** For the few units of a stream's piece. */
function everySign(look: Look, from: number, { kinds }: Sieve): void {
  const { text, end } = look.window;
  for (let index = from; index < end;) {
    const code = text.charCodeAt(index);
    index = code > 127 || kinds[code] === IDLE ? index + 1 : lookCloser(look, index);
  }
}

/** Looks through the units from `block` on, at most BLOCK; gives where to go on. */
function sifted(look: Look, block: number, sieve: Sieve, isWide: boolean): number {
  const { kinds, places } = sieve;
  const length = read(look.window.text, block, isWide);
  // At a block's edges a sign's neighbours are not all in view: rules look at every sign there.
  let at = signs(look, block, 0, Math.min(BEHIND, length), kinds);
  const last = length - AHEAD;
  const found = sieve.find(pairs, words, BEHIND >> 1, (last + 1) >> 1);
  for (let index = 0; index < found; index++) {
    const place = (places[index] as number) << 1;
    const stop = Math.min(place + 2, last);
    if (at < place) at = place;
    while (at < stop) {
      const kind = kinds[bytes[at] as number];
      if (kind === DIGIT) at = digits(look, block, at, length);
      else {
        if (kind !== IDLE && !sieve.isIdle(bytes, at)) lookCloser(look, block + at);
        at++;
      }
    }
  }
  // A row of digits that reaches the edge is looked at from its beginning: more of them may follow.
  let edge = Math.max(at, last);
  while (edge > at && isDigit(bytes[edge - 1] as number) && isDigit(bytes[edge] as number)) edge--;
  return block + signs(look, block, edge, length, kinds);
}

/** Makes bytes of the units from `block` on; gives how many. */
function read(text: string, block: number, isWide: boolean): number {
  const part = block === 0 && text.length <= BLOCK ? text : text.slice(block, block + BLOCK);
  if (!isWide) return bytes.write(part, 0, BLOCK, 'latin1');
  const { length } = part;
  units.write(part, 0, BLOCK * 2, 'utf16le');
  for (let index = 0; index < length; index++) {
    const unit = wideUnits[index] as number;
    bytes[index] = unit > WIDE ? WIDE : unit;
  }
  return length;
}

/** Looks at every sign between two offsets of the block. */
function signs(look: Look, block: number, from: number, to: number, kinds: Uint8Array): number {
  let at = from;
  while (at < to) at = kinds[bytes[at] as number] === IDLE ? at + 1 : lookCloser(look, block + at) - block;
  return at;
}

/** Passes by the row of digits around `at`, or has the rules decide it; gives where to go on. */
function digits(look: Look, block: number, at: number, length: number): number {
  let start = at;
  while (start > BEHIND && isDigit(bytes[start - 1] as number)) start--;
  let end = at + 1;
  while (end < length && isDigit(bytes[end] as number)) end++;
  // Of a row that began before, everything is decided.
  if (!isDigit(bytes[start - 1] as number) && !isIdleNumber(bytes, start, end, length, look.wanted)) lookCloser(look, block + start);
  return end;
}
