import { ALL_TOPICS } from '#events';
import type { LogBatch, Subscription, SubscribeOptions } from '#event-log';
import { Alarm } from './alarm.js';
import { Ingest } from './ingest/ingest.js';
import { DEFAULTS, GROUPS, type LedgerHealth, type LedgerPorts } from './ports.js';
import { EventReader } from './read-event.js';
import { isConflict, Stopped, systemPause, type RetryOptions } from './retry.js';
import { Sequencer } from './sequence/sequencer.js';

const RETRY_WAIT = 250;
const DRAIN_POLL = 20;
/** How long a stop lets the batch in hand finish, e.g. while the engine does not answer. */
const STOP_GRACE = 5_000;

/** One consumer of the event log, as a transport drives it. */
export interface LedgerConsumer {
  readonly options: SubscribeOptions;
  readonly onBatch: (batch: LogBatch) => Promise<void>;
}

/**
 * The ledger at work: ingest and sequencer over one event log.
 * `open`, then subscribe `consumers` (or `start`, which does both), then `stop`.
 */
export class LedgerService {
  /** Nothing new is begun once this fires. */
  readonly #stopping = new AbortController();
  /** Work in hand is given up once this fires. */
  readonly #givingUp = new AbortController();
  readonly #retry: RetryOptions;
  readonly #alarm: Alarm;
  readonly #options: Required<LedgerPorts['options']>;
  readonly #reader: EventReader;
  #ingest: Ingest | undefined;
  #sequencer: Sequencer | undefined;
  #rounds: Promise<void> = Promise.resolve();
  #subscriptions: Subscription[] = [];
  /** Ends the wait between two rounds. */
  #hurry = new AbortController();

  constructor(private readonly ports: LedgerPorts) {
    this.#options = { ...DEFAULTS, pause: systemPause, ...withoutUndefined(ports.options) };
    this.#retry = { signal: this.#givingUp.signal, pause: this.#options.pause, logger: ports.logger };
    this.#alarm = new Alarm(ports);
    this.#reader = new EventReader(ports.codec);
  }

  /** Reads where ingest and sequencer stand and starts the rounds. */
  async open(): Promise<void> {
    this.#ingest = new Ingest(this.ports, this.#reader, this.#retry);
    try {
      await this.#ingest.prepare();
      this.#sequencer = await Sequencer.open(this.ports, this.#reader, this.#options.maxRoundLeaves, this.#retry, this.#stopping.signal);
    } catch (error) {
      await this.#end('sequence', error);
      return;
    }
    this.#rounds = this.#runRounds(this.#sequencer);
  }

  /** What has to be subscribed; valid after `open`. */
  consumers(): readonly LedgerConsumer[] {
    const { maxBatchRecords, maxBatchBytes } = this.#options;
    const common = { topics: ALL_TOPICS, maxBatchRecords, maxBatchBytes };
    const ingest = this.#ingest;
    const sequencer = this.#sequencer;
    return [
      {
        options: { ...common, group: GROUPS.ingest, replayTo: (committed) => ingest?.replayTo(committed) ?? null },
        onBatch: (batch) => this.#guard('ingest', async () => this.#ingestAndGather(ingest, batch)),
      },
      {
        options: { ...common, group: GROUPS.sequencer },
        onBatch: (batch) => this.#guard('sequence', async () => sequencer?.read(batch)),
      },
    ];
  }

  async start(): Promise<void> {
    await this.open();
    for (const { options, onBatch } of this.consumers()) {
      const subscription = await this.ports.eventLog.subscribe(options, onBatch);
      subscription.failed.catch((error: unknown) => this.#end(options.group === GROUPS.ingest ? 'ingest' : 'sequence', error));
      this.#subscriptions.push(subscription);
    }
  }

  /** Waits until all that is durable now is queryable and sealed, for at most `milliseconds`. False when time ran out. */
  async drain(milliseconds: number): Promise<boolean> {
    const end = this.ports.clock.nowMs() + milliseconds;
    while (this.#alarm.halted === null && !this.#stopping.signal.aborted && this.ports.clock.nowMs() < end) {
      if (await this.#quiet()) return true;
      this.#hurry.abort();
      await this.#options.pause(DRAIN_POLL, this.#stopping.signal);
    }
    return false;
  }

  /** Ends after the batch and the round in hand; a crash instead would lose nothing either. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#hurry.abort();
    const grace = setTimeout(() => this.#givingUp.abort(), STOP_GRACE);
    await this.#rounds;
    await Promise.all(this.#subscriptions.map((subscription) => subscription.stop()));
    this.#subscriptions = [];
    clearTimeout(grace);
    this.#givingUp.abort();
  }

  /** Why it halted; null while all is well. */
  get halted(): string | null {
    return this.#alarm.halted;
  }

  async health(): Promise<LedgerHealth> {
    const sealed = this.#sequencer?.sealed;
    return {
      ingestLag: await this.#ingestLag(),
      sealedSize: sealed?.tree_size ?? 0,
      sealedRound: sealed?.round ?? 0,
      lastSealAt: sealed === undefined || sealed.round === 0 ? null : sealed.sealed_at,
      halted: this.#alarm.halted,
    };
  }

  async #ingestAndGather(ingest: Ingest | undefined, batch: LogBatch): Promise<void> {
    await ingest?.ingest(batch);
    // Few events: let more come before the next INSERT, so that the engine does not get a part per event. A busy log does not wait.
    const small = batch.records.length < this.#options.maxBatchRecords / 2;
    if (small) await this.#options.pause(this.#options.gather, this.#stopping.signal);
  }

  async #runRounds(sequencer: Sequencer): Promise<void> {
    const { pause, checkpointInterval } = this.#options;
    while (!this.#stopping.signal.aborted && this.#alarm.halted === null) {
      let wait = checkpointInterval;
      try {
        if (await sequencer.round()) wait = 0;
      } catch (error) {
        if (isConflict(error) || error instanceof Stopped) return this.#end('sequence', error);
        this.ports.logger.warn({ reason: String(error) }, 'a round failed; finding out what it left behind');
        wait = RETRY_WAIT;
      }
      this.#hurry = new AbortController();
      if (this.#stopping.signal.aborted) this.#hurry.abort();
      await pause(wait, this.#hurry.signal);
    }
  }

  /** A consumer that met a contradiction, or is being stopped, takes nothing more: what it did not finish stays uncommitted. */
  async #guard(stage: 'ingest' | 'sequence', work: () => Promise<void>): Promise<void> {
    try {
      if (this.#alarm.halted === null || stage === 'ingest') return await work();
    } catch (error) {
      await this.#end(stage, error);
    }
    await this.#parked();
  }

  #parked(): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async #end(stage: 'ingest' | 'sequence', error: unknown): Promise<void> {
    if (!(error instanceof Stopped)) await this.#alarm.raise(stage, error);
  }

  async #quiet(): Promise<boolean> {
    try {
      return (await this.#ingestLag()) === 0 && (await this.#sequencer?.idle()) === true;
    } catch (error) {
      this.ports.logger.warn({ reason: String(error) }, 'the event log did not say how far it is');
      return false;
    }
  }

  async #ingestLag(): Promise<number> {
    let sum = 0;
    for (const waiting of (await this.ports.eventLog.lag(GROUPS.ingest)).values()) sum += waiting;
    return sum;
  }
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
