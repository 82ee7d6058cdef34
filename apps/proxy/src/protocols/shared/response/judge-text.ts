import type { RuleOutcome, Verdict } from '#policy';
import type { Steps } from '#wire';
import { askPolicy } from '../../../mask/guard.js';
import { textWindows } from '../../../mask/leaf-steps.js';
import { isRestoration } from '../../../mask/restorer.js';
import { applyReplacements, type Replacement } from '../../../mask/stream-masker.js';

/** UTF-16 units judged in one go. Texts up to this are judged whole. */
const WINDOW = 32 * 1024;
const OVERLAP = 4 * 1024;

/**
 * What conditions say about a text of any size. Above 32 kB they see it in windows that overlap, as those of a request do: a condition is seen whole
 * if it spans at most 4,096 units. The bound keeps customers' patterns (linear, but slow) from holding the event loop.
 * @throws AffiantError policy_failed
 */
export function* judgeTextSteps(text: string, judge: (window: string) => Verdict): Steps<readonly RuleOutcome[]> {
  if (text.length <= WINDOW) return askPolicy(() => judge(text)).rules;
  const rules: RuleOutcome[] = [];
  for (let at = 0; at < text.length; at += WINDOW) {
    const window = text.slice(Math.max(0, at - OVERLAP), at + WINDOW);
    for (const rule of askPolicy(() => judge(window)).rules) if (!rules.some((known) => isSame(known, rule))) rules.push(rule);
    yield;
  }
  return rules;
}

/**
 * What conditions say about a text of which the client gets parts restored: about the text as the upstream wrote it, and as it is shown or carried out.
 * @throws AffiantError policy_failed
 */
export function* judgeRestoredSteps(
  text: string,
  replacements: readonly Replacement[],
  judge: (window: string) => Verdict,
): Steps<readonly RuleOutcome[]> {
  const rules = yield* judgeTextSteps(text, judge);
  const restored = replacements.filter(isRestoration);
  if (restored.length === 0) return rules;
  const more = yield* judgeTextSteps(applyReplacements(text, restored), judge);
  return [...rules, ...more.filter((rule) => !rules.some((known) => isSame(known, rule)))];
}

function isSame(a: RuleOutcome, b: RuleOutcome): boolean {
  return a.policy === b.policy && a.action === b.action && a.reason === b.reason;
}

/** The text of a JSON string. */
export function* decodedSteps(
  bytes: Buffer,
  range: { readonly start: number; readonly end: number; readonly escaped: boolean },
): Steps<string> {
  const parts: string[] = [];
  for (const part of textWindows(bytes, range)) {
    parts.push(part);
    yield;
  }
  return parts.join('');
}
