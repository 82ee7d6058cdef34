import type { ApproversConfig, PolicyAction } from '#config';
import type { Span } from '#detect';
import type { Mask } from '#events';
import type { RuleOutcome, SelectedPolicy, Verdict } from '#policy';

export type Place = 'request' | 'response' | 'tool_input';

/** Values of one kind, found in one place and treated one way. */
export interface Finding {
  readonly entity: string;
  readonly rule: string;
  readonly place: Place;
  readonly policy: string;
  readonly action: PolicyAction;
  readonly approvers?: ApproversConfig;
  count: number;
}

const STRENGTH: Readonly<Record<PolicyAction, number>> = { allow: 0, mask: 1, hold: 2, block: 3 };
const PLACE_WORDS: Readonly<Record<Place, string>> = {
  request: 'the request',
  response: 'the response',
  tool_input: 'the input of a tool call',
};

export function stronger(a: PolicyAction, b: PolicyAction): PolicyAction {
  return STRENGTH[b] > STRENGTH[a] ? b : a;
}

/** Counts what was found and says what policy wants done about it. Never keeps a value. */
export class Findings {
  private readonly found = new Map<string, Finding>();
  private strongest: PolicyAction = 'allow';

  constructor(private readonly policy: SelectedPolicy) {}

  /** Counts one value. @returns what to do about it. */
  add(place: Place, span: Pick<Span, 'type' | 'rule' | 'grade'>): PolicyAction {
    const key = `${place} ${span.rule} ${span.type} ${span.grade ?? ''}`;
    let finding = this.found.get(key);
    if (finding === undefined) {
      const outcome = this.policy.actionFor(place, span.type, span.grade);
      finding = { entity: span.type, rule: span.rule, place, count: 0, ...outcome };
      this.found.set(key, finding);
      this.strongest = stronger(this.strongest, finding.action);
    }
    finding.count++;
    return finding.action;
  }

  get action(): PolicyAction {
    return this.strongest;
  }

  list(): readonly Finding[] {
    return [...this.found.values()];
  }
}

/** Adds up findings of many places or pieces. */
export function mergeFindings(lists: Iterable<readonly Finding[]>): Finding[] {
  const merged = new Map<string, Finding>();
  for (const list of lists) {
    for (const finding of list) {
      const key = `${finding.place} ${finding.rule} ${finding.entity} ${finding.policy} ${finding.action}`;
      const known = merged.get(key);
      if (known === undefined) merged.set(key, { ...finding });
      else known.count += finding.count;
    }
  }
  return [...merged.values()];
}

/** What was replaced, for the body's record. What policy allows stays, except that the trail never has values of a tool's input. */
export function masksOf(findings: readonly Finding[]): Mask[] {
  return findings
    .filter((finding) => finding.action !== 'allow' || finding.place === 'tool_input')
    .map(({ entity, rule, policy, count }) => ({ entity, rule, policy, count }));
}

export function outcomesOf(findings: readonly Finding[]): RuleOutcome[] {
  return findings
    .filter((finding) => finding.action !== 'allow')
    .map(({ entity, place, policy, action, approvers, count }) => ({
      policy,
      action,
      reason: `${entity} in ${PLACE_WORDS[place]} (${count})`,
      ...(approvers === undefined ? {} : { approvers }),
    }));
}

/** The strongest action over all outcomes, each listed once. */
export function verdictOf(outcomes: Iterable<RuleOutcome>): Verdict {
  const rules = new Map<string, RuleOutcome>();
  let action: PolicyAction = 'allow';
  for (const outcome of outcomes) {
    action = stronger(action, outcome.action);
    rules.set(`${outcome.policy}\n${outcome.action}\n${outcome.reason}`, outcome);
  }
  return { action, rules: [...rules.values()] };
}
