import type { Hold, HoldBook, RetentionDrop } from '#catalogue';
import { isAffiantError } from '#errors';
import { SYSTEM_CONTEXT, type EventCodec, type EventDraft, type EventRecorder } from '#events';
import type { RetentionStore } from '#ledger-store';
import { recordedHolds } from './recorded-holds.js';
import { CLASS_TYPES, holdsOver, planRetention, policyDigest, type PlannedDrop, type RetentionPolicy } from './plan.js';

export interface RetentionPorts {
  readonly book: HoldBook;
  readonly store: Pick<RetentionStore, 'frontiers' | 'parts' | 'covered' | 'holdEvents' | 'drop'>;
  readonly recorder: EventRecorder;
  readonly policy: () => RetentionPolicy;
  /** Reads the holds that the ledger tells of: the catalogue may have lost one. */
  readonly codec: EventCodec;
  readonly nowMs: () => number;
}

/** What a plan needs: it changes nothing. */
export type PlanPorts = Omit<RetentionPorts, 'recorder' | 'store' | 'book'> & {
  readonly store: Omit<RetentionPorts['store'], 'drop'>;
  readonly book: Pick<HoldBook, 'list'>;
};

/** What tells of holds: the catalogue, and the ledger, in case the catalogue lost one. */
export interface HoldPorts {
  readonly book: Pick<HoldBook, 'list'>;
  readonly store: Pick<RetentionStore, 'holdEvents'>;
  readonly codec: EventCodec;
}

export interface RetentionRun {
  readonly dropped: readonly RetentionDrop[];
  readonly abandoned: readonly RetentionDrop[];
}

/**
 * One run: first what an earlier run left open, then what is due. Only one process at a time may run it.
 * Each drop: row `intended` → event retention.intended → row `dropping` unless a hold stops it → drop → event retention.dropped → row `dropped`.
 * @throws AffiantError engine_failed, catalogue_failed, journal_*: what is open then is finished by the next run
 */
export async function runRetention(ports: RetentionPorts): Promise<RetentionRun> {
  const done: { dropped: RetentionDrop[]; abandoned: RetentionDrop[] } = { dropped: [], abandoned: [] };
  const take = async (drop: RetentionDrop): Promise<void> => {
    const dropped = await carryOut(ports, drop);
    (dropped ? done.dropped : done.abandoned).push(drop);
  };
  // A drop that has begun holds the table of what stays: it comes first.
  const open = (await ports.book.drops(['intended', 'dropping'])).sort((a, b) => rank(a) - rank(b));
  for (const drop of open) await take(drop);
  const { content, decisions } = ports.policy();
  if (content === undefined && decisions === undefined) return done;
  const tried = new Set<string>();
  // Planned anew after each drop: a hold that stopped one mostly keeps others too.
  for (;;) {
    const due = (await planNow(ports)).find((one) => one.verdict === 'due' && !tried.has(nameOf(one)));
    if (due === undefined) return done;
    tried.add(nameOf(due));
    await take(await intend(ports, due));
  }
}

const nameOf = ({ partition, record_class }: PlannedDrop): string => `${partition}/${record_class}`;

const rank = ({ state }: RetentionDrop): number => (state === 'dropping' ? 0 : 1);

/** What would go, without touching anything. */
export async function planNow(ports: PlanPorts): Promise<PlannedDrop[]> {
  const { store, policy, nowMs } = ports;
  const parts = await store.parts(await store.frontiers());
  const holds = await activeHolds(ports);
  return planRetention({ policy: policy(), parts, holds, nowMs: nowMs(), covered: (...args) => store.covered(...args) });
}

/** The catalogue's word counts where it has one; what only the ledger tells of is in force until it tells of the release. */
export async function activeHolds({ book, store, codec }: HoldPorts): Promise<Hold[]> {
  const known = await book.list();
  const ids = new Set(known.map(({ id }) => id));
  const lost = (await recordedHolds(store, codec)).filter(({ id }) => !ids.has(id));
  return [...known, ...lost].filter(({ state }) => state === 'placed');
}

async function intend(ports: RetentionPorts, planned: PlannedDrop): Promise<RetentionDrop> {
  const { book, store, policy, nowMs } = ports;
  const { partition, record_class, rows, from_us, to_us } = planned;
  const before = (await book.drops()).filter((drop) => drop.partition === partition && drop.record_class === record_class);
  return book.intend({
    id: `${nameOf(planned)}/${before.length + 1}`,
    partition,
    record_class,
    state: 'intended',
    rows,
    from_us,
    to_us,
    policy_digest: policyDigest(policy()),
    frontiers: await store.frontiers(),
    intended_at: nowMs(),
    ended_at: null,
  });
  // A crash here leaves an intent nobody was told of: the next run begins with it.
}

/** True when it was dropped, false when a hold stopped it. The same for a fresh drop and for one that a crash left open. */
async function carryOut(ports: RetentionPorts, drop: RetentionDrop): Promise<boolean> {
  const { book, store, recorder, nowMs } = ports;
  if (drop.state === 'intended') {
    await recorder.record([draft('retention.intended', drop, JSON.stringify(drop.frontiers))]);
    // A crash here leaves an open intent in the log: the next run tells it again, and asks for holds again.
    const stopped = await beginUnlessHeld(ports, drop);
    if (stopped.length > 0) {
      await recorder.record([draft('retention.abandoned', drop, null, { holds: stopped.join(' ') })]);
      await book.end(drop.id, 'abandoned', nowMs());
      return false;
    }
  }
  // A crash from here on leaves a drop that has begun: the next run finishes it, whatever was placed meanwhile, and says so.
  await store.drop(drop.partition, CLASS_TYPES[drop.record_class], drop.frontiers);
  await recorder.record([draft('retention.dropped', drop, null)]);
  await book.end(drop.id, 'dropped', nowMs());
  return true;
}

/** Ids of the holds that stop it; none = it has begun, and no hold that was placed before that moment was overlooked. */
async function beginUnlessHeld(ports: RetentionPorts, drop: RetentionDrop): Promise<string[]> {
  for (;;) {
    const holds = await activeHolds(ports);
    const by = await holdsOver(drop.partition, holds, (...args) => ports.store.covered(...args));
    if (by.length > 0) return by;
    if (
      await ports.book.begin(
        drop.id,
        holds.map(({ id }) => id),
      )
    )
      return [];
  }
}

function draft(kind: string, drop: RetentionDrop, detail: string | null, more: Readonly<Record<string, string>> = {}): EventDraft {
  const { id, partition, record_class, rows, from_us, to_us, policy_digest } = drop;
  const facts = {
    partition: String(partition),
    class: record_class,
    rows: String(rows),
    from_us: String(from_us),
    to_us: String(to_us),
    policy_digest,
  };
  const attributes = Object.entries({ ...facts, ...more }).map(([name, value]) => ({ name, value }));
  const outcome = kind === 'retention.abandoned' ? 'failure' : 'success';
  return { context: SYSTEM_CONTEXT, type: 'control', event: { kind, outcome, subject: id, attributes, detail } };
}

/** Whether what a run threw passes by itself. */
export const passes = (error: unknown): boolean => isAffiantError(error) && /_failed$|^journal_full$/.test(error.code);
