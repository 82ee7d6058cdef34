import type { Erasure, ErasureBook, ErasureCounts, HoldBook } from '#catalogue';
import type { KeyBook } from '#content-keys';
import { SYSTEM_CONTEXT, type EventCodec, type EventDraft, type EventRecorder } from '#events';
import type { ErasureStore } from '#ledger-store';
import { activeHolds, rowScopeOf } from '#retention';

export interface ErasurePorts {
  readonly book: Pick<ErasureBook, 'list' | 'get' | 'begin' | 'end'>;
  readonly holds: Pick<HoldBook, 'list'>;
  readonly keys: Pick<KeyBook, 'destroy' | 'destroyedSince'>;
  readonly store: Omit<ErasureStore, 'close'>;
  readonly recorder: EventRecorder;
  /** Reads the holds that the ledger tells of: the catalogue may have lost one. */
  readonly codec: EventCodec;
  readonly nowMs: () => number;
}

export interface ErasureRun {
  readonly erased: readonly Erasure[];
  readonly abandoned: readonly Erasure[];
}

/**
 * One run: every erasure that two people have agreed on, those that had begun first. Only one process at a time may run it.
 * Each goes: row `intended` → event erasure.intended → row `erasing` with its keys, unless a hold stops it → keys destroyed → opened content deleted →
 * event erasure.done → row `erased`.
 * @throws AffiantError engine_failed, catalogue_failed, journal_*: what is open then is finished by the next run
 */
export async function runErasures(ports: ErasurePorts): Promise<ErasureRun> {
  const done: { erased: Erasure[]; abandoned: Erasure[] } = { erased: [], abandoned: [] };
  const begun = await ports.book.list(['erasing']);
  const agreed = await ports.book.list(['intended']);
  for (const erasure of [...begun.toReversed(), ...agreed.toReversed()]) {
    const erased = await carryOut(ports, erasure);
    (erased ? done.erased : done.abandoned).push(erasure);
  }
  return done;
}

/** True when it was carried out, false when a hold stopped it. The same for a fresh one and for one that a crash left open. */
async function carryOut(ports: ErasurePorts, erasure: Erasure): Promise<boolean> {
  const { book, keys, store, recorder, nowMs } = ports;
  if (erasure.state === 'intended') {
    await recorder.record([draft('erasure.intended', erasure)]);
    // A crash here leaves an intent in the log: the next run tells it again, and asks for holds again.
    const stopped = await beginUnlessHeld(ports, erasure);
    if (stopped.length > 0) {
      await recorder.record([draft('erasure.abandoned', erasure, { holds: stopped.join(' ') })]);
      await book.end(erasure.id, 'abandoned', null, nowMs());
      return false;
    }
  }
  const keyIds = (await book.get(erasure.id))?.key_ids ?? [];
  // A crash from here on leaves an erasure that has begun: the next run destroys the same keys, whatever was placed meanwhile, and says so.
  await keys.destroy(keyIds, erasure.id, nowMs());
  await store.deleteContent(keyIds);
  const { events, unsealed } = await store.contentOf(erasure.session);
  const counts: ErasureCounts = { keys: keyIds.length, events, unsealed };
  const told = { keys: String(counts.keys), events: String(counts.events), unsealed: String(counts.unsealed) };
  await recorder.record([draft('erasure.done', erasure, told, JSON.stringify({ keys: keyIds }))]);
  // A crash here leaves keys that are gone and a row that does not say so: the next run finds nothing left to do, and tells it again.
  await book.end(erasure.id, 'erased', counts, nowMs());
  return true;
}

/** Ids of the holds that stop it; none = it has begun, and no hold that was placed before that moment was overlooked. */
async function beginUnlessHeld({ book, holds: holdBook, store, codec }: ErasurePorts, erasure: Erasure): Promise<string[]> {
  for (;;) {
    const holds = await activeHolds({ book: holdBook, store, codec });
    const by: string[] = [];
    for (const { id, scope } of holds) if ((await store.coveredOf(erasure.session, rowScopeOf(scope))) > 0) by.push(id);
    if (by.length > 0) return by;
    const { keys } = await store.contentOf(erasure.session);
    const seen = holds.map(({ id }) => id);
    if (await book.begin(erasure.id, seen, keys)) return [];
  }
}

function draft(kind: string, erasure: Erasure, more: Readonly<Record<string, string>> = {}, detail: string | null = null): EventDraft {
  const { id, session, reason, basis, requested_by, approved_by, approval_reason } = erasure;
  const facts = {
    session,
    reason,
    basis,
    requested_by: `${requested_by.issuer} ${requested_by.subject}`,
    approved_by: approved_by === null ? '' : `${approved_by.issuer} ${approved_by.subject}`,
    approval_reason: approval_reason ?? '',
  };
  const attributes = Object.entries({ ...facts, ...more }).map(([name, value]) => ({ name, value }));
  const outcome = kind === 'erasure.abandoned' ? 'failure' : 'success';
  return {
    context: { ...SYSTEM_CONTEXT, session_id: session },
    type: 'control',
    event: { kind, outcome, subject: id, attributes, detail },
  };
}
