import { AffiantError } from '#errors';
import type { ContentKeys } from '#content-keys';
import { ALL_TOPICS, type Clock, type EventCodec } from '#events';
import type { EventLog } from '#event-log';
import type { Logger } from '#observability';
import { Ingest } from '../ingest/ingest.js';
import { replayTo } from '../ingest/intent.js';
import { DEFAULTS, type Pause } from '../ports.js';
import { EventReader } from '../read-event.js';
import { systemPause } from '../retry.js';
import { returnedDrops, type ReturnedDrop } from './returned-drops.js';
import { restoreTree, type RestoredTree, type TreePorts } from './restore-tree.js';

const POLL_MS = 100;

export interface RebuildPorts extends TreePorts {
  /** Everything that is retained: the broker's topics, or the directory of journals that were kept. */
  readonly eventLog: EventLog;
  /** Migrated, and empty; or what an interrupted rebuild has left. */
  readonly store: TreePorts['store'];
  /** Opens what events carry sealed; content whose key was destroyed stays away. */
  readonly contentKeys: ContentKeys;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Group of this rebuild; a name of its own per empty ledger, the same again to go on after an interruption. */
  readonly group: string;
  readonly pause?: Pause;
  /** Called with plain words. */
  readonly progress?: (step: string) => void;
}

export interface Rebuilt extends RestoredTree {
  /** Events the ledger holds now. */
  readonly events: number;
  /** What retention had dropped and the event log brought back: the next run of retention drops it again, recorded anew. */
  readonly returned: readonly ReturnedDrop[];
}

/**
 * Fills a ledger store anew: events from the event log by the ingest itself, leaves, runs and checkpoints from tiles and sealed state, which stay as
 * they are. Every leaf is compared with the event it stands for, every round with its signed root. Nothing is sealed and no event is recorded.
 * Stop ingest and sequencer meanwhile. Repeating it after an interruption goes on where it was.
 * @throws AffiantError ledger_conflict when events, tiles and sealed state contradict each other
 */
export async function rebuildLedger(ports: RebuildPorts): Promise<Rebuilt> {
  const progress = ports.progress ?? (() => undefined);
  progress('reading the event log');
  const events = await ingestAll(ports, progress);
  progress('restoring the tree');
  const tree = await restoreTree(ports, progress);
  return { events, ...tree, returned: await returnedDrops(ports.store) };
}

async function ingestAll(
  { eventLog, store, contentKeys, codec, clock, logger, group, pause = systemPause }: RebuildPorts,
  progress: (step: string) => void,
): Promise<number> {
  const stopping = new AbortController();
  const ingest = new Ingest(
    { eventLog, store, clock, contentKeys },
    new EventReader(codec),
    null,
    { signal: stopping.signal, pause, logger },
    group,
  );
  const { maxBatchRecords, maxBatchBytes } = DEFAULTS;
  let events = 0;
  const subscription = await eventLog.subscribe({ group, topics: ALL_TOPICS, maxBatchRecords, maxBatchBytes, replayTo }, async (batch) => {
    const { done } = await ingest.begin(batch);
    await done;
    events += batch.records.length;
  });
  let failure: unknown;
  subscription.failed.catch((error: unknown) => (failure = error));
  try {
    for (;;) {
      if (failure !== undefined) throw failure;
      const waiting = [...(await eventLog.lag(group)).values()].reduce((sum, lag) => sum + lag, 0);
      if (waiting === 0) return events;
      progress(`${waiting} records to read`);
      await pause(POLL_MS, stopping.signal);
    }
  } finally {
    await subscription.stop();
    stopping.abort();
    await ingest.settled();
  }
}

/** For a group name: letters, digits, dots and dashes. @throws AffiantError usage_invalid */
export function rebuildGroup(tag: string): string {
  if (!/^[A-Za-z0-9-]{1,40}$/.test(tag)) throw new AffiantError('usage_invalid', `not a name for a rebuild: ${tag}`);
  return `ledger.rebuild.${tag}`;
}
