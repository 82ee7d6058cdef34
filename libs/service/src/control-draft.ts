import { SYSTEM_CONTEXT, type EventDraft } from '#events';

/** A control event of the process itself. */
export function controlDraft(
  kind: string,
  attributes: Readonly<Record<string, string>>,
  subject: string | null = null,
  outcome: 'success' | 'failure' = 'success',
): EventDraft {
  return {
    type: 'control',
    context: SYSTEM_CONTEXT,
    event: { kind, outcome, subject, attributes: Object.entries(attributes).map(([name, value]) => ({ name, value })), detail: null },
  };
}
