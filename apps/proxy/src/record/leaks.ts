import type { EventContext, EventDraft } from '#events';
import type { Ending } from './answer-record.js';

/**
 * One `value.leaked` for each kind of value that lay across two texts of the answer, durable with the response event: found when the second text came, it
 * may have gone out in part. Names types, rules and policies, never a value.
 */
export function leakDrafts(context: EventContext, { facts }: Ending): EventDraft[] {
  return (facts?.leaks ?? []).map(({ entity, rule, policy, count }) => ({
    type: 'control',
    context,
    event: {
      kind: 'value.leaked',
      outcome: 'failure',
      subject: entity,
      attributes: [
        { name: 'rule', value: rule },
        { name: 'policy', value: policy },
        { name: 'count', value: String(count) },
      ],
      detail: null,
    },
  }));
}
