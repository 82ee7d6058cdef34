import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AffiantError } from '#errors';
import type { Committed } from '#event-log';
import type { EventRow } from '#ledger-store';
import { formatOffsets, parseOffsets } from './offset-list.js';

/**
 * What is about to be inserted, kept as metadata of the committed offset BEFORE the INSERT (research: exactly-once recipe).
 * After a crash the same range is read again, by whatever process, and the same rows are inserted under the same token, which completes or repeats nothing.
 */
export interface Intent {
  /** Last offset of the range, included. */
  readonly to: number;
  readonly token: string;
  /** Offsets of the range that are no rows, because the ledger held their events before. */
  readonly dropped: readonly number[];
  /** `ingested_at` of the rows; null for an intent of a build before this was kept. */
  readonly at: number | null;
}

/** A broker keeps at most 4,096 bytes with an offset; what the ports promise is a little less. */
export const MAX_INTENT_BYTES = 4_000;

const INTENT = z.strictObject({
  to: z.int().nonnegative(),
  token: z.string().min(1),
  at: z.int().nonnegative().optional(),
  dropped: z.string().optional(),
});

/** `from` is the first offset of the range. */
export function formatIntent({ to, token, dropped, at }: Intent, from: number): string {
  const list = dropped.length === 0 ? {} : { dropped: formatOffsets(dropped, from) };
  return JSON.stringify({ to, token, ...(at === null ? {} : { at }), ...list });
}

/** Null when no intent is open. @throws AffiantError ledger_conflict when the metadata is not an intent of ours. */
export function parseIntent({ offset, metadata }: Committed): Intent | null {
  if (metadata === null || metadata === '') return null;
  try {
    const { to, token, at, dropped } = INTENT.parse(JSON.parse(metadata));
    return { to, token, at: at ?? null, dropped: parseOffsets(dropped ?? '', offset) };
  } catch (cause) {
    throw new AffiantError('ledger_conflict', 'the committed offset of the ingest carries something that is no intent', { cause });
  }
}

/** For SubscribeOptions.replayTo: the first batch after a crash must be cut where it was cut before. */
export function replayTo(committed: Committed): number | null {
  return parseIntent(committed)?.to ?? null;
}

/** Names the range and what is in it: the digest makes "same token, other rows" impossible. */
export function tokenOf(partition: string, from: number, to: number, rows: readonly EventRow[]): string {
  return `${partition}/${from}-${to}/${digestOf(rows)}`;
}

/** Hex SHA-256 over the payload hashes in the order given; what LedgerStore.logDigest answers for rows in the order of their offsets. */
export function digestOf(rows: readonly EventRow[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(row.payload_hash);
  return hash.digest('hex');
}
