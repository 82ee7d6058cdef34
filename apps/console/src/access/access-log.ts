import { SYSTEM_CONTEXT, type EventDraft, type EventRecorder, type Principal } from '#events';

/** One thing somebody did at the console, as a control event. */
export interface AccessRecord {
  readonly kind:
    | 'approval.refused'
    | 'approval.viewed'
    | 'erasure.approved'
    | 'erasure.refused'
    | 'erasure.requested'
    | 'erasure.withdrawn'
    | 'events.tailed'
    | 'hold.late'
    | 'hold.placed'
    | 'hold.refused'
    | 'hold.released'
    | 'identity.refused'
    | 'ledger.queried'
    | 'packet.downloaded'
    | 'session.replayed'
    | 'unseal.approved'
    | 'unseal.denied'
    | 'unseal.opened'
    | 'unseal.refused'
    | 'unseal.requested';
  readonly principal: Principal | null;
  readonly outcome: 'success' | 'failure';
  readonly subject?: string | null;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly detail?: string | null;
  readonly session_id?: string | null;
  readonly exchange_id?: string | null;
}

export function accessDraft(access: AccessRecord): EventDraft {
  const { principal, session_id = null, exchange_id = null } = access;
  return {
    type: 'control',
    context: { ...SYSTEM_CONTEXT, principal, session_id, exchange_id },
    event: {
      kind: access.kind,
      outcome: access.outcome,
      subject: access.subject ?? null,
      attributes: Object.entries(access.attributes ?? {}).map(([name, value]) => ({ name, value: String(value) })),
      detail: access.detail ?? null,
    },
  };
}

/** Durable when it resolves; what was asked for may be handed out only then. @throws AffiantError journal_full | journal_failed */
export async function recordAccess(recorder: EventRecorder, access: AccessRecord): Promise<void> {
  await recorder.record([accessDraft(access)]);
}
