import { SYSTEM_CONTEXT, type EventDraft, type EventRecorder } from '#events';
import type { LedgerStore } from '#ledger-store';
import { keyIdOf, parseVkey, type LogKeys, type Ring, type RingKey } from '#signing';

export interface KeyRecording {
  readonly keys: Pick<LogKeys, 'ring'>;
  readonly store: Pick<LedgerStore, 'query'>;
  readonly recorder: EventRecorder;
}

/**
 * Records what the ring says and the ledger does not tell yet: a key that was added (`key.rotated`), one that ended (`key.retired`). Called at each start, after the
 * ring was taken: from then on a checkpoint may carry the new signature. A crash in between, or an event that is not queryable yet, makes the next
 * start tell it again; a second event says the same.
 * @throws AffiantError engine_failed; journal_full | journal_failed
 */
export async function recordKeys({ keys: { ring }, store, recorder }: KeyRecording): Promise<void> {
  if (ring === null) return;
  const rows = await store.query<{ kind: string; subject: string }>(
    `SELECT JSONExtractString(data, 'kind') AS kind, JSONExtractString(data, 'subject') AS subject FROM ledger.events
     WHERE event_type = 'control' AND startsWith(JSONExtractString(data, 'kind'), 'key.')`,
  );
  const told = new Set(rows.map(({ kind, subject }) => `${kind} ${subject}`));
  const drafts = draftsOf(ring).filter(({ event }) => !told.has(`${event.kind} ${event.subject}`));
  if (drafts.length > 0) await recorder.record(drafts);
}

type KeyDraft = Extract<EventDraft, { type: 'control' }>;

function draftsOf({ keys }: Ring): KeyDraft[] {
  const drafts: KeyDraft[] = [];
  for (const [index, key] of keys.entries()) {
    const before = keys[index - 1];
    if (before !== undefined) drafts.push(draft('key.rotated', key, { previous: shortName(before.vkey), since: key.since }));
    if (key.state !== 'active') drafts.push(draft('key.retired', key, { reason: key.state, until: key.until ?? '' }));
  }
  return drafts;
}

/** Name and key id, as signature lines of notes lead to them. */
function shortName(vkey: string): string {
  const { name, publicKey } = parseVkey(vkey);
  return `${name}+${keyIdOf(name, publicKey).toString(16).padStart(8, '0')}`;
}

function draft(kind: string, { vkey }: RingKey, facts: Readonly<Record<string, string>>): KeyDraft {
  const attributes = Object.entries({ vkey, ...facts }).map(([name, value]) => ({ name, value }));
  return {
    context: SYSTEM_CONTEXT,
    type: 'control',
    event: { kind, outcome: 'success', subject: shortName(vkey), attributes, detail: null },
  };
}
