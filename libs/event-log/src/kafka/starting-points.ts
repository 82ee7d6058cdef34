import { setTimeout as delay } from 'node:timers/promises';
import { AffiantError } from '#errors';
import type { Committed, PartitionState, SubscribeOptions } from '../port.js';
import type { WorkerStart } from './partition-worker.js';

/** A new leader may for a moment know less than the one before; what is still missing after that is gone. */
export const SETTLE_MS = 10_000;

interface Offsets {
  readonly committed: ReadonlyMap<string, Committed>;
  readonly states: readonly PartitionState[];
}

/**
 * Where to begin in each partition: at the commit, or at the oldest record of a partition without one.
 * @throws AffiantError ledger_conflict when a commit, or the end of an open intent, is not between the start and the end of the log: the topic
 *   was truncated or made anew, or its retention was shorter than the outage
 */
export async function startingPoints(
  partitions: readonly string[],
  options: SubscribeOptions,
  read: () => Promise<Offsets>,
  settleMs = SETTLE_MS,
): Promise<readonly WorkerStart[]> {
  for (const until = Date.now() + settleMs; ;) {
    const { committed, states } = await read();
    const known = new Map(states.map((state) => [state.partition, state]));
    const found = partitions.map((partition) => startOf(partition, committed.get(partition), known.get(partition), options));
    const problem = found.find((each): each is Problem => 'beyond' in each);
    if (problem === undefined) return found as readonly WorkerStart[];
    if (!problem.beyond || Date.now() >= until) throw new AffiantError('ledger_conflict', problem.message, { where: problem.partition });
    await delay(Math.min(200, settleMs));
  }
}

interface Problem {
  readonly partition: string;
  readonly message: string;
  /** It may be there in a moment. */
  readonly beyond: boolean;
}

function startOf(
  partition: string,
  committed: Committed | undefined,
  state: PartitionState | undefined,
  { replayTo, whenTrimmed, verifyLast }: SubscribeOptions,
): WorkerStart | Problem {
  if (state === undefined) return { partition, message: `${partition} is not there any more`, beyond: true };
  const { firstOffset, nextOffset } = state;
  if (committed === undefined) return { partition, position: firstOffset, replayTo: null, verify: false, committed: null };
  const { offset, metadata } = committed;
  if (offset < firstOffset) {
    if (whenTrimmed === 'skip') return { partition, position: firstOffset, replayTo: null, verify: false, committed };
    return { partition, message: `the group has committed ${offset}, but the log begins at ${firstOffset}`, beyond: false };
  }
  const replay = metadata === null ? null : (replayTo?.(committed) ?? null);
  const needed = Math.max(offset, replay === null ? 0 : replay + 1);
  if (needed > nextOffset)
    return { partition, message: `the group needs what is before ${needed}, but the log ends at ${nextOffset}`, beyond: true };
  return { partition, position: offset, replayTo: replay, verify: verifyLast !== undefined && offset > firstOffset, committed };
}
