import type { DataSource, EntityManager } from 'typeorm';
import type { DecodedEvent } from '#events';
import { askCatalogue } from '../ask.js';
import { ApprovalEntity, PacketEntity, type ApprovalRow, type PacketRow } from '../entities.js';
import { DropEntity, HoldEntity, type DropRow, type HoldRow } from '../holds/entities.js';
import { HoldFold } from './fold-holds.js';
import { ApprovalFold, type Unfinished } from './fold-approvals.js';
import { PacketFold, type FindFile } from './fold-packets.js';

export interface RebuildOptions {
  readonly source: DataSource;
  /** Decision and control events in any order, all that there are; others are passed over. */
  readonly events: AsyncIterable<DecodedEvent>;
  readonly nowMs: () => number;
  readonly find: FindFile;
  /**
   * `expire` (default): approvals that were pending, or granted and not used, are rebuilt as expired, because what the ledger has not
   * received yet may have used them; agents ask again. `keep` only when every source is known to be in the ledger up to its end.
   */
  readonly unfinished?: Unfinished;
}

export interface Rebuilt {
  readonly approvals: number;
  readonly packets: number;
  readonly holds: number;
  readonly drops: number;
  /** Approvals and packets of which there are events but not the first: their request is no longer, or not yet, in the ledger. */
  readonly incomplete: number;
}

const TOGETHER = 500;

/**
 * Rebuilds approvals, packets, holds and drops from the event log, into an empty catalogue or over an old copy: what is there and open is brought up
 * to date, what is there and ended stays. Idempotent; a crash leaves a part, and the next run does the rest.
 * Not in the events: the summary approvers were shown, and which of several approver groups a rule belongs to before somebody voted.
 * @throws AffiantError catalogue_failed; what `events` throws
 */
export async function rebuildCatalogue(options: RebuildOptions): Promise<Rebuilt> {
  const [approvals, packets, holds] = [new ApprovalFold(), new PacketFold(), new HoldFold()];
  for await (const { type, event } of options.events) {
    if (type === 'decision') approvals.take(event);
    else if (type === 'control') {
      packets.take(event);
      holds.take(event);
    }
  }
  const made = approvals.result(options.unfinished ?? 'expire', options.nowMs());
  const found = await packets.result(options.find);
  await inParts(options.source, made.rows, putApprovals);
  await inParts(options.source, found.rows, putPackets);
  const [held, drops] = [holds.holds(), holds.drops()];
  await inParts(options.source, held, putHolds);
  await inParts(options.source, drops, putDrops);
  const counts = { approvals: made.rows.length, packets: found.rows.length, holds: held.length, drops: drops.length };
  return { ...counts, incomplete: made.incomplete + found.incomplete };
}

async function inParts<T>(
  source: DataSource,
  rows: readonly T[],
  put: (manager: EntityManager, part: readonly T[]) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < rows.length; at += TOGETHER) {
    await askCatalogue(() => source.transaction((manager) => put(manager, rows.slice(at, at + TOGETHER))));
  }
}

async function putApprovals(manager: EntityManager, rows: readonly ApprovalRow[]): Promise<void> {
  await manager
    .createQueryBuilder()
    .insert()
    .into(ApprovalEntity)
    .values([...rows])
    .orIgnore()
    .execute();
  for (const { id, state, votes, decided_at } of rows) {
    await manager
      .createQueryBuilder()
      .update(ApprovalEntity)
      .set({ state, votes, decided_at, version: () => 'version + 1' })
      .where(`id = :id AND state IN ('pending', 'granted') AND (state = 'pending' OR :state <> 'pending')`, { id, state })
      .andWhere('(state <> :state OR jsonb_array_length(votes) < :count)', { count: votes.length })
      .execute();
  }
}

async function putPackets(manager: EntityManager, rows: readonly PacketRow[]): Promise<void> {
  await manager
    .createQueryBuilder()
    .insert()
    .into(PacketEntity)
    .values([...rows])
    .orIgnore()
    .execute();
  for (const { id, job: _job, requeues: _requeues, ...record } of rows) {
    if (record.state === 'queued') continue;
    await manager
      .createQueryBuilder()
      .update(PacketEntity)
      .set(record)
      .where(`id = :id AND state NOT IN ('done', 'refused')`, { id })
      .execute();
  }
}

/** A release that the ledger tells of is never undone, and neither is one that only the catalogue knows: it was recorded before it was made. */
async function putHolds(manager: EntityManager, rows: readonly HoldRow[]): Promise<void> {
  await manager
    .createQueryBuilder()
    .insert()
    .into(HoldEntity)
    .values([...rows])
    .orIgnore()
    .execute();
  for (const { id, state, released_by, released_at, release_reason } of rows) {
    if (state === 'placed') continue;
    await manager.update(HoldEntity, { id, state: 'placed' }, { state, released_by: released_by as never, released_at, release_reason });
  }
}

async function putDrops(manager: EntityManager, rows: readonly DropRow[]): Promise<void> {
  await manager
    .createQueryBuilder()
    .insert()
    .into(DropEntity)
    .values([...rows])
    .orIgnore()
    .execute();
  for (const { id, state, ended_at } of rows) if (ended_at !== null) await manager.update(DropEntity, { id }, { state, ended_at });
}
