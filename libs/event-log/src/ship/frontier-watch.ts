import { setTimeout as delay } from 'node:timers/promises';
import { TOPICS, type EventCodec } from '#events';
import type { Logger } from '#observability';
import type { EventLog, LogBatch, Subscription } from '../port.js';

const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 30_000;

export interface FrontierWatchOptions {
  readonly eventLog: EventLog;
  /** Own to the source. */
  readonly group: string;
  readonly sourceId: string;
  readonly codec: EventCodec;
  readonly logger: Logger;
  /** How far the ledger has sealed this source; 0 when it knows nothing of it. May repeat, and may go back. */
  readonly onFrontier: (seq: number) => Promise<void>;
}

/**
 * Reads the checkpoints and tells their frontier of one source. The event log may be away when it starts or go away later: it subscribes again for ever. Meanwhile
 * nothing is acknowledged, the journal keeps everything, and status shows how it fills.
 */
export class FrontierWatch {
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly options: FrontierWatchOptions) {}

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    for (let wait = FIRST_PAUSE_MS; !signal.aborted; wait = Math.min(wait * 2, LAST_PAUSE_MS)) {
      let subscription: Subscription | null = null;
      try {
        subscription = await this.#subscribe(() => (wait = FIRST_PAUSE_MS));
        await Promise.race([subscription.failed, stopped]);
      } catch (error) {
        this.options.logger.warn({ reason: (error as Error).message }, 'checkpoints cannot be read; trying again');
        await delay(wait, undefined, { signal }).catch(() => undefined);
      } finally {
        await subscription?.stop().catch(() => undefined);
      }
    }
  }

  #subscribe(works: () => void): Promise<Subscription> {
    const { eventLog, group } = this.options;
    // A checkpoint tells everything the earlier ones did: a trimmed one is skipped.
    const options = { group, topics: [TOPICS.checkpoint], maxBatchRecords: 1_000, maxBatchBytes: 4 << 20, whenTrimmed: 'skip' } as const;
    return eventLog.subscribe(options, async (batch) => {
      await this.#see(batch);
      await eventLog.commit(group, batch.partition, batch.lastOffset + 1);
      works();
    });
  }

  /** A crash before the commit reads the same checkpoints again, which changes nothing. */
  async #see(batch: LogBatch): Promise<void> {
    const { codec, sourceId, onFrontier } = this.options;
    const last = batch.records.at(-1);
    if (last === undefined) return;
    const decoded = codec.decode(last.value);
    if (decoded.type !== 'checkpoint') return;
    await onFrontier(decoded.event.frontiers.find(({ source_id }) => source_id === sourceId)?.seq ?? 0);
  }
}
