import { COLON, DOT, isAlnum, isDigit, isHex } from '../engine/characters.js';
import { VERIFIED, type Candidate, type Window } from '../engine/window.js';
import type { Group } from './digit-run.js';

const RULE = 'ip_address@1';

/** Dotted quad; not part of a longer dotted number. */
export function ipv4(window: Window, groups: readonly Group[]): Candidate | null {
  const quad = groups.slice(0, 4);
  const first = quad[0] as Group;
  const last = quad[3];
  if (last === undefined || isAlnum(window.at(first.start - 1)) || window.at(first.start - 1) === DOT) return null;
  for (const [index, group] of quad.entries()) {
    if (group.end - group.start > 3 || Number(window.text.slice(group.start, group.end)) > 255) return null;
    if (index < 3 && window.at(group.end) !== DOT) return null;
  }
  const after = window.at(last.end);
  if (isAlnum(after) || (after === DOT && isDigit(window.at(last.end + 1)))) return null;
  return { start: first.start, end: last.end, type: 'ip_address', rule: RULE, score: 0.9, strength: VERIFIED };
}

/** First unit of the hexadecimal word that ends at the first colon of a possible IPv6 address; -1 when this colon is not the first. */
export function ipv6Start(window: Window, colon: number): number {
  let start = colon;
  while (colon - start < 5 && isHex(window.at(start - 1))) start--;
  const before = window.at(start - 1);
  return colon - start > 4 || isAlnum(before) || before === COLON || before === DOT ? -1 : start;
}

/** RFC 4291 text form: eight groups, or fewer with one `::`. Needs a digit somewhere, so that `::` of program text is left alone. */
export function ipv6(window: Window, start: number): Candidate | null {
  let index = start;
  let groups = 0;
  let gap = false;
  let digit = false;
  for (;;) {
    const from = index;
    while (index - from < 5 && isHex(window.at(index))) digit = isDigit(window.at(index++)) || digit;
    if (index - from > 4) return null;
    if (index > from) groups++;
    if (window.at(index) !== COLON) break;
    if (window.at(index + 1) === COLON) {
      if (gap) return null;
      gap = true;
      index += 2;
      if (!isHex(window.at(index))) break;
    } else if (index > from && isHex(window.at(index + 1))) index++;
    else break;
    if (groups > 8) return null;
  }
  if (isAlnum(window.at(index)) || window.at(index) === COLON || !digit) return null;
  if (gap ? groups < 2 || groups > 7 : groups !== 8) return null;
  return { start, end: index, type: 'ip_address', rule: RULE, score: 0.9, strength: VERIFIED };
}
