import { concatSteps, utf8Boundary, type Steps } from '#wire';
import { PieceSize } from '../../../mask/large-leaf.js';
import type { MaskRules } from '../../../mask/leaf.js';
import { applyReplacements, StreamMasker, type Replacement } from '../../../mask/stream-masker.js';

/** Masks bytes that are no JSON as plain text, in steps; the bytes themselves when nothing is found. @throws AffiantError detector_failed */
export function* maskPlainSteps(bytes: Buffer, rules: MaskRules | null): Steps<Buffer> {
  if (rules === null) return bytes;
  const masker = new StreamMasker(rules.detector, rules.judge, rules.placeholder);
  const parts: Buffer[] = [];
  let held = '';
  let from = 0;
  let isChanged = false;
  const settle = (replacements: readonly Replacement[]): void => {
    const decided = masker.settled - from;
    const shifted = replacements.map((one) => ({ ...one, start: one.start - from, end: one.end - from }));
    isChanged ||= shifted.length > 0;
    parts.push(Buffer.from(applyReplacements(held.slice(0, decided), shifted)));
    held = held.slice(decided);
    from = masker.settled;
  };
  const size = new PieceSize(rules);
  for (let start = 0; start < bytes.length;) {
    const cut = start + size.next;
    const end = cut >= bytes.length ? bytes.length : utf8Boundary(bytes, cut);
    const text = bytes.toString('utf8', start, end);
    held += text;
    const found = masker.push(text);
    size.gave(found.length);
    settle(found);
    start = end;
    yield;
  }
  settle(masker.end());
  return isChanged ? yield* concatSteps(parts) : bytes;
}
