import type { PolicyAction } from '#config';
import type { RuleOutcome, Verdict } from './port.js';

const STRENGTH: Readonly<Record<PolicyAction, number>> = { allow: 0, mask: 1, hold: 2, block: 3 };

/** block > hold > mask > allow; of equals the first. */
export function strongest<T extends { readonly action: PolicyAction }>(items: readonly T[]): T | undefined {
  let best: T | undefined;
  for (const item of items) if (best === undefined || STRENGTH[item.action] > STRENGTH[best.action]) best = item;
  return best;
}

export const ALLOWED: Verdict = { action: 'allow', rules: [] };

export function verdictOver(rules: readonly RuleOutcome[]): Verdict {
  return rules.length === 0 ? ALLOWED : { action: (strongest(rules) as RuleOutcome).action, rules };
}
