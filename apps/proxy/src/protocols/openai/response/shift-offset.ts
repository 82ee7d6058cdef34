import type { Replacement } from '../../../mask/stream-masker.js';

/**
 * Where an offset into a text lies once values are replaced. Offsets count characters (code points), as the API's do; one inside a value goes to the
 * begin or the end of what stands for it. Replacements are sorted, in UTF-16 units.
 */
export function shiftOffset(text: string, replacements: readonly Replacement[], offset: number, isEnd: boolean): number {
  if (replacements.length === 0) return offset;
  const unit = unitOf(text, offset);
  let shift = 0;
  for (const { start, end, text: replacement } of replacements) {
    if (start >= unit) break;
    const length = characters(replacement);
    if (end > unit) return characters(text.slice(0, start)) + shift + (isEnd ? length : 0);
    shift += length - characters(text.slice(start, end));
  }
  return offset + shift;
}

function characters(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += unitsAt(text, at)) count++;
  return count;
}

function unitOf(text: string, character: number): number {
  let unit = 0;
  for (let count = 0; count < character && unit < text.length; count++) unit += unitsAt(text, unit);
  return unit;
}

function unitsAt(text: string, at: number): 1 | 2 {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
