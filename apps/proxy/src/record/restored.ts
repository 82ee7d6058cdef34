import type { EventContext, EventDraft } from '#events';
import type { Ending } from './answer-record.js';

/**
 * One `value.restored` for each kind of value the caller got back in place of placeholders, durable with the response event. Names types, policies and places,
 * never a value. Counted when decided: of an answer that was refused or broke off, the caller may have got fewer.
 */
export function restoredDrafts(context: EventContext, { facts }: Ending): EventDraft[] {
  return (facts?.restored ?? []).map(({ entity, policy, place, count }) => ({
    type: 'control',
    context,
    event: {
      kind: 'value.restored',
      outcome: 'success',
      subject: entity,
      attributes: [
        { name: 'policy', value: policy },
        { name: 'place', value: place },
        { name: 'count', value: String(count) },
      ],
      detail: null,
    },
  }));
}
