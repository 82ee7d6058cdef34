import { createHash } from 'node:crypto';
import { coversMonth, monthBounds, type Hold, type HoldScope, type RecordClass } from '#catalogue';
import type { PartitionPart, RetentionStore, RowScope } from '#ledger-store';

/** Milliseconds; absent = for ever. */
export interface RetentionPolicy {
  readonly content?: number | undefined;
  readonly decisions?: number | undefined;
}

/** What of the events belongs to a class. Control events, checkpoints and what could not be decoded belong to none: they stay. */
export const CLASS_TYPES: Readonly<Record<RecordClass, readonly string[]>> = {
  content: ['request', 'segment', 'response', 'dead_letter'],
  decisions: ['decision'],
};

/** One class of one month. */
export interface PlannedDrop {
  readonly partition: number;
  readonly record_class: RecordClass;
  readonly rows: number;
  readonly from_us: number;
  readonly to_us: number;
  /** `due`: goes at the next run. Otherwise why it stays. */
  readonly verdict: 'due' | 'young' | 'unsealed' | 'held';
  /** Ids of the holds that keep it. */
  readonly holds: readonly string[];
  /** When it may go, milliseconds. */
  readonly due_at: number;
}

/** Names the policy in force in every event about it. */
export function policyDigest({ content, decisions }: RetentionPolicy): string {
  return createHash('sha256')
    .update(`affiant-retention/1\ncontent ${content ?? 'for ever'}\ndecisions ${decisions ?? 'for ever'}\n`)
    .digest('hex');
}

export interface PlanInput {
  readonly policy: RetentionPolicy;
  readonly parts: readonly PartitionPart[];
  readonly holds: readonly Hold[];
  readonly nowMs: number;
  readonly covered: RetentionStore['covered'];
}

/**
 * What would go and what stays, and why, by month and class. A month is due when all of it is older than the class is kept, also by when it was taken in; it
 * stays whole while any row of the class in it is not sealed, or a hold covers any row of the month.
 */
export async function planRetention({ policy, parts, holds, nowMs, covered }: PlanInput): Promise<PlannedDrop[]> {
  const planned: PlannedDrop[] = [];
  for (const record_class of Object.keys(CLASS_TYPES) as RecordClass[]) {
    const kept = policy[record_class];
    if (kept === undefined) continue;
    const mine = parts.filter(({ event_type }) => CLASS_TYPES[record_class].includes(event_type));
    for (const partition of [...new Set(mine.map((part) => part.partition))].sort((a, b) => a - b)) {
      const here = mine.filter((part) => part.partition === partition);
      const ingestedMs = Math.max(...here.map(({ ingested }) => ingested)) / 1000;
      const due_at = Math.ceil(Math.max(monthBounds(partition).to, ingestedMs) + kept);
      const young = nowMs < due_at;
      const unsealed = here.some((part) => part.unsealed > 0);
      const by = young || unsealed ? [] : await holdsOver(partition, holds, covered);
      planned.push({
        partition,
        record_class,
        rows: here.reduce((sum, { rows }) => sum + rows, 0),
        from_us: Math.min(...here.map(({ first }) => first)),
        to_us: Math.max(...here.map(({ last }) => last)),
        verdict: young ? 'young' : unsealed ? 'unsealed' : by.length > 0 ? 'held' : 'due',
        holds: by,
        due_at,
      });
    }
  }
  return planned;
}

/** Active holds that cover a row of the month, or a session that goes on into their time. */
export async function holdsOver(partition: number, holds: readonly Hold[], covered: RetentionStore['covered']): Promise<string[]> {
  const by: string[] = [];
  for (const { id, state, scope } of holds) {
    if (state !== 'placed') continue;
    const bounded = scope.from !== null || scope.to !== null;
    const named = scope.session !== null || scope.principal !== null || scope.connection !== null;
    // Without a name every row of the time is covered, so the month is when the times touch; sessions that reach into it are asked for all the same.
    if (!named && coversMonth(scope, partition)) by.push(id);
    else if (bounded || named) {
      if ((await covered(partition, rowScopeOf(scope))) > 0) by.push(id);
    }
  }
  return by;
}

/** The scope of a hold as the ledger store asks for it. */
export function rowScopeOf({ from, to, session, principal, connection }: HoldScope): RowScope {
  const us = (ms: number | null): number | null => (ms === null ? null : ms * 1000);
  return { from_us: us(from), to_us: us(to), session, principal, connection };
}
