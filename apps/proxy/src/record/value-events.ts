import type { EventContext, EventDraft } from '#events';
import type { Ending } from './answer-record.js';

/**
 * What happened to values of the answer beside masking, durable with the response event. Names types, rules, policies and places, never a value.
 *
 * - `value.leaked`, one for each kind of value that lay across two texts: found when the second text came, it may have gone out in part.
 * - `value.restored`, one for each kind that the caller got back in place of placeholders. Counted when decided: of an answer that was refused or broke off,
 *   the caller may have got fewer.
 */
export function valueDrafts(context: EventContext, { facts }: Ending): EventDraft[] {
  const leaked = facts?.leaks ?? [];
  const restored = facts?.restored ?? [];
  return [
    ...leaked.map(({ entity, rule, policy, count }) => draft(context, 'value.leaked', 'failure', entity, { rule, policy, count })),
    ...restored.map(({ entity, policy, place, count }) => draft(context, 'value.restored', 'success', entity, { policy, place, count })),
  ];
}

function draft(
  context: EventContext,
  kind: string,
  outcome: 'success' | 'failure',
  subject: string,
  facts: Readonly<Record<string, string | number>>,
): EventDraft {
  const attributes = Object.entries(facts).map(([name, value]) => ({ name, value: String(value) }));
  return { type: 'control', context, event: { kind, outcome, subject, attributes, detail: null } };
}
