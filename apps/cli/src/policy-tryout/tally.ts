import type { PastExchange } from './history.js';
import type { Hit, Tried } from './try-exchange.js';

export interface RuleCount {
  readonly policy: string;
  readonly action: string;
  readonly direction: string;
  readonly entity: string | null;
  readonly reason: string;
  readonly exchanges: number;
  readonly values: number;
  readonly sessions: number;
  readonly principals: number;
  readonly samples: readonly { readonly exchange_id: string; readonly text: string }[];
}

export interface Report {
  readonly exchanges: number;
  /** Exchanges of which a direction could not be tried, by reason. */
  readonly unread: Readonly<Record<string, number>>;
  /** Exchanges by the verdict that was recorded and the candidate's. */
  readonly changes: readonly { readonly recorded: string; readonly candidate: string; readonly exchanges: number }[];
  readonly rules: readonly RuleCount[];
  /** Policies of the candidate that nothing hit. */
  readonly unused: readonly string[];
  readonly warnings: readonly string[];
}

interface Counted {
  readonly hit: Hit;
  exchanges: number;
  values: number;
  readonly sessions: Set<string>;
  readonly principals: Set<string>;
  readonly samples: { exchange_id: string; text: string }[];
}

/** Fewer exchanges say nothing about how broad a rule is. */
const ENOUGH = 20;
/** Share of exchanges above which a rule is called broad, by what it costs people. */
const BROAD: Readonly<Record<string, number>> = { block: 0.05, hold: 0.05, mask: 0.5 };

/** Adds up what a candidate would have done. Bounded by the number of its rules, not of exchanges (sets of sessions and principals aside). */
export class Tally {
  readonly #rules = new Map<string, Counted>();
  readonly #changes = new Map<string, number>();
  readonly #unread = new Map<string, number>();
  #exchanges = 0;

  /** `samples`: how many are kept of each rule. */
  constructor(private readonly samples: number) {}

  add(exchange: PastExchange, { hits, verdict, unread }: Tried): void {
    this.#exchanges += 1;
    count(this.#changes, `${exchange.verdict === '' ? 'none' : exchange.verdict} ${verdict}`);
    for (const { direction, why } of unread) count(this.#unread, `${direction}: ${why}`);
    for (const [key, group] of grouped(hits)) {
      const known = this.#rules.get(key);
      const rule = known ?? { hit: group[0]!, exchanges: 0, values: 0, sessions: new Set(), principals: new Set(), samples: [] };
      if (known === undefined) this.#rules.set(key, rule);
      rule.exchanges += 1;
      rule.values += group.reduce((sum, hit) => sum + hit.count, 0);
      rule.sessions.add(exchange.session_id === '' ? exchange.exchange_id : exchange.session_id);
      rule.principals.add(`${exchange.principal_issuer} ${exchange.principal_subject}`);
      const sample = group.find(({ sample: text }) => text !== null)?.sample;
      if (sample !== undefined && sample !== null && rule.samples.length < this.samples)
        rule.samples.push({ exchange_id: exchange.exchange_id, text: sample });
    }
  }

  /** `policies`: all names of the candidate. */
  report(policies: readonly string[]): Report {
    const rules = [...this.#rules.values()]
      .map(({ hit, exchanges, values, sessions, principals, samples }) => {
        const { policy, action, direction, entity, reason } = hit;
        return {
          policy,
          action,
          direction,
          entity,
          reason,
          exchanges,
          values,
          sessions: sessions.size,
          principals: principals.size,
          samples,
        };
      })
      .sort((a, b) => b.exchanges - a.exchanges || keyOf(a).localeCompare(keyOf(b)));
    const used = new Set(rules.map(({ policy }) => policy));
    return {
      exchanges: this.#exchanges,
      unread: Object.fromEntries([...this.#unread].sort()),
      changes: [...this.#changes]
        .map(([key, exchanges]) => ({ recorded: key.split(' ')[0]!, candidate: key.split(' ')[1]!, exchanges }))
        .sort((a, b) => b.exchanges - a.exchanges || keyOfChange(a).localeCompare(keyOfChange(b))),
      rules,
      unused: policies.filter((name) => !used.has(name)),
      warnings: rules.flatMap((rule) => this.#warning(rule)),
    };
  }

  #warning(rule: RuleCount): string[] {
    const share = rule.exchanges / this.#exchanges;
    if (this.#exchanges < ENOUGH || share <= (BROAD[rule.action] ?? 1)) return [];
    const what = rule.entity === null ? rule.reason : `${rule.entity} in the ${rule.direction}`;
    return [`${rule.policy}: would ${rule.action} ${Math.round(share * 100)} % of the exchanges (${what}); is that meant?`];
  }
}

const keyOf = ({ policy, action, direction, entity }: Pick<Hit, 'policy' | 'action' | 'direction' | 'entity'>): string =>
  [policy, action, direction, entity ?? ''].join('\0');

function grouped(hits: readonly Hit[]): Map<string, Hit[]> {
  const groups = new Map<string, Hit[]>();
  for (const hit of hits) {
    const key = keyOf(hit);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [hit]);
    else group.push(hit);
  }
  return groups;
}

const keyOfChange = ({ recorded, candidate }: Report['changes'][number]): string => `${recorded} ${candidate}`;

const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
