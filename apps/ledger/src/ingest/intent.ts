import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AffiantError } from '#errors';
import type { Committed, LogBatch } from '#event-log';
import type { EventRow } from '#ledger-store';

/**
 * What is about to be inserted, kept as metadata of the committed offset BEFORE the INSERT (research: exactly-once recipe).
 * After a crash the same range is read again and inserted under the same token, which completes or repeats nothing.
 */
export interface Intent {
  /** Last offset of the range, included. */
  readonly to: number;
  readonly token: string;
}

const INTENT = z.strictObject({ to: z.int().nonnegative(), token: z.string().min(1) });

export function formatIntent(intent: Intent): string {
  return JSON.stringify({ to: intent.to, token: intent.token });
}

/** Null when no intent is open. @throws AffiantError ledger_conflict when the metadata is not an intent of ours. */
export function parseIntent({ metadata }: Committed): Intent | null {
  if (metadata === null || metadata === '') return null;
  try {
    return INTENT.parse(JSON.parse(metadata));
  } catch (cause) {
    throw new AffiantError('ledger_conflict', 'the committed offset of the ingest carries something that is no intent', { cause });
  }
}

/** For SubscribeOptions.replayTo: the first batch after a crash must be cut where it was cut before. */
export function replayTo(committed: Committed): number | null {
  return parseIntent(committed)?.to ?? null;
}

/** Names the range and what is in it: the digest makes "same token, other rows" impossible. */
export function tokenOf(batch: LogBatch, rows: readonly EventRow[]): string {
  return `${batch.partition}/${batch.firstOffset}-${batch.lastOffset}/${digestOf(rows)}`;
}

/** Hex SHA-256 over the payload hashes in the order given; what LedgerStore.rangeDigest answers for a dense run in seq order. */
export function digestOf(rows: readonly EventRow[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(row.payload_hash);
  return hash.digest('hex');
}
