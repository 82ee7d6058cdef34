import type { Steps } from '#wire';
import { replacementSteps } from '../../../mask/leaf-steps.js';
import type { MaskRules } from '../../../mask/leaf.js';
import type { Replacement } from '../../../mask/stream-masker.js';
import { scanInput } from '../response/scan-input.js';

/**
 * Replacements for a string of a request that holds JSON. A value where it cannot be replaced (a member name, JSON that does not end) takes the
 * whole text with it: the caller sent it before, so nothing new is lost, and what is left is JSON still.
 * @throws AffiantError detector_failed
 */
export function* jsonTextReplacements(text: string, rules: MaskRules): Steps<{ readonly replacements: readonly Replacement[] }> {
  const { replacements, misplaced } = yield* scanInput(text, rules);
  const [first] = misplaced;
  if (first === undefined) return { replacements };
  const { action } = first;
  if (action === 'restore') return { replacements };
  const plain = yield* replacementSteps(text, { ...rules, judge: () => action });
  const isAllThere =
    replacements.length === 0 && plain.length === misplaced.length && plain.every(({ text: found }, i) => found === misplaced[i]!.text);
  if (isAllThere) return { replacements: plain };
  return { replacements: [{ start: 0, end: text.length, text: JSON.stringify(first.text), action }] };
}
