import { setTimeout as delay } from 'node:timers/promises';
import { AffiantError } from '#errors';
import type { BatchHandler, Committed, EventLog, SubscribeOptions, Subscription } from '#event-log';
import type { Logger } from '#observability';
import type { StoredEvents } from './port.js';
import { Progress, type SourceGap } from './progress.js';
import { StoredSubscription } from './stored-subscription.js';

const POLL_MS = 250;
const GAP_LOOK_US = 10_000_000;

/** Names of the two groups, as the ledger calls them. */
const INGEST = 'ledger.ingest';
const SEQUENCER = 'ledger.sequencer';

/** The part of the sealed state that says where to read on. */
export interface SealedPositions {
  readonly offsets: Readonly<Record<string, number>>;
  /** Ranges of the last sealed round: perhaps not told of yet, so they are read again after a start. */
  readonly last?: readonly { readonly partition: string; readonly from: number }[];
}

export interface StoredEventLogOptions {
  readonly events: StoredEvents;
  readonly checkpoints: { fetch(): Promise<SealedPositions | null> };
  readonly logger: Logger;
  /** Microseconds since the Unix epoch. */
  readonly nowUs?: () => number;
  /** Milliseconds between two looks while nothing comes. Default 250. */
  readonly pollMs?: number;
  /** Waits, or returns early when the signal fires; tests pass one that does not wait. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/**
 * ledger.events as the event log of the sequencer: partition = source id, offset = seq, and only what is held without a hole. However many
 * processes ingest, and in whatever order and however often events came, it reads like the journals themselves (docs/adr/0055-stored-event-log.md).
 *
 * `committed(ledger.ingest)` is the contiguous end per source. Nothing is stored for `ledger.sequencer`: the sealed state says where it stands,
 * and the ranges of the last round are read again after every start, because they may not have been told of.
 */
export class StoredEventLog implements EventLog {
  readonly #options: StoredEventLogOptions;
  readonly #progress: Progress;
  readonly #subscriptions = new Set<StoredSubscription>();
  readonly #nowUs: () => number;
  #refreshing: Promise<boolean> | null = null;
  #lookedAt = 0;
  #begun = false;

  constructor(options: StoredEventLogOptions) {
    this.#options = options;
    this.#nowUs = options.nowUs ?? (() => Date.now() * 1_000);
    this.#progress = new Progress(options.events, this.#nowUs);
  }

  /** @throws AffiantError usage_invalid for any other group than the sequencer's; engine_failed */
  async subscribe(options: SubscribeOptions, onBatch: BatchHandler): Promise<Subscription> {
    if (options.group !== SEQUENCER)
      throw new AffiantError('usage_invalid', `the stored events are read by ${SEQUENCER} only, not ${options.group}`);
    const positions = await this.committed(SEQUENCER);
    const pause =
      this.#options.pause ??
      (async (milliseconds, signal) => void (await delay(milliseconds, undefined, { signal }).catch(() => undefined)));
    const subscription = new StoredSubscription({
      events: this.#options.events,
      ends: this.#progress.ends,
      refresh: () => this.#refresh(),
      positions,
      logger: this.#options.logger,
      pollMs: this.#options.pollMs ?? POLL_MS,
      pause,
      options,
      onBatch,
    });
    this.#subscriptions.add(subscription);
    subscription.start();
    return subscription;
  }

  /** Keeps nothing: where the sequencer stands is in the sealed state, and where the ingest stands is in the store. */
  async commit(): Promise<void> {}

  async committed(group: string): Promise<ReadonlyMap<string, Committed>> {
    if (group === INGEST) {
      await this.#refresh();
      return new Map([...this.#progress.ends].map(([source, offset]) => [source, { offset, metadata: null }]));
    }
    const sealed = await this.#options.checkpoints.fetch();
    const positions = new Map(Object.entries(sealed?.offsets ?? {}));
    for (const { partition, from } of sealed?.last ?? []) positions.set(partition, from);
    return new Map([...positions].map(([source, offset]) => [source, { offset, metadata: null }]));
  }

  async lag(group: string): Promise<ReadonlyMap<string, number>> {
    if (group === INGEST) return new Map();
    const committed = await this.committed(group);
    await this.#refresh();
    return new Map([...this.#progress.ends].map(([source, end]) => [source, Math.max(0, end - (committed.get(source)?.offset ?? 0))]));
  }

  /** Seqs that have been missing for more than a minute although later ones are held. */
  gaps(): readonly SourceGap[] {
    return this.#progress.gaps();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
  }

  /** One at a time: who asks meanwhile gets the answer that is on its way. */
  #refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refreshOnce().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #refreshOnce(): Promise<boolean> {
    if (!this.#begun) {
      // What is sealed was held: it need not be counted again.
      const sealed = await this.#options.checkpoints.fetch();
      this.#progress.begin(Object.entries(sealed?.offsets ?? {}));
      this.#begun = true;
    }
    const more = await this.#progress.refresh();
    if (!more && this.#nowUs() - this.#lookedAt >= GAP_LOOK_US) {
      await this.#progress.look();
      this.#lookedAt = this.#nowUs();
    }
    return more;
  }
}
