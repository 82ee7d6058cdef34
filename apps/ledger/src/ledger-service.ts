import { ALL_TOPICS, type Topic } from '#events';
import { parsePartition, type EventLog, type LogBatch, type SubscribeOptions, type Subscription } from '#event-log';
import type { SealedState } from '#tlog';
import { Alarm, type Stage } from './alarm.js';
import { Handover } from './handover.js';
import { Ingest } from './ingest/ingest.js';
import { replayTo } from './ingest/intent.js';
import { verifyLastRecord } from './ingest/verify.js';
import { DEFAULTS, GROUPS, type LedgerGap, type LedgerHealth, type LedgerPorts, type LedgerRole } from './ports.js';
import { EventReader } from './read-event.js';
import { isConflict, Stopped, systemPause, Withdrawn, unlessGivenUp, untilDone, type RetryOptions } from './retry.js';
import { runCandidate } from './sequence/candidate.js';
import { Sequencer, Superseded } from './sequence/sequencer.js';
import { Testimony } from './testify/testimony.js';

const RETRY_WAIT = 250;
const DRAIN_POLL = 50;
/** How long a stop lets the batch in hand finish, e.g. while the engine does not answer. */
const STOP_GRACE = 5_000;
/** Batches per partition that the ingest may be ahead of the sequencer before the latter has to decode by itself. */
const HANDED_BATCHES = 4;

/** One consumer of the event log; it commits by itself. */
export interface LedgerConsumer {
  readonly eventLog: EventLog;
  readonly options: SubscribeOptions;
  readonly onBatch: (batch: LogBatch) => Promise<void>;
}

/**
 * The ledger at work: ingest and sequencer over one event log, whatever transport brings the batches.
 * Order: `open`, subscribe the consumers, … `stop`, end the subscriptions, `finished`.
 */
export class LedgerService {
  /** Nothing new is begun once this fires. */
  readonly #stopping = new AbortController();
  /** Work in hand is given up once this fires. */
  readonly #givingUp = new AbortController();
  readonly #retry: RetryOptions;
  readonly #alarm: Alarm;
  readonly #options: Required<LedgerPorts['options']>;
  readonly #roles: readonly LedgerRole[];
  readonly #sequencerLog: EventLog;
  readonly #reader: EventReader;
  readonly #handover: Handover;
  readonly #ingest: Ingest;
  #sequencer: Sequencer | undefined;
  /** Fires when what the sequencer's handlers wait for will not come any more. */
  #term: AbortSignal = this.#stopping.signal;
  #rounds: Promise<unknown> = Promise.resolve();
  /** Ends the wait between two rounds. */
  #hurry = new AbortController();
  /** Ends the waits in which events gather. */
  #gathered = new AbortController();
  /** By partition: the last wait in which events gathered, milliseconds, and when it ended, monotonic microseconds. */
  readonly #gathering = new Map<string, { readonly waited: number; readonly endedAt: number }>();

  constructor(private readonly ports: LedgerPorts) {
    const gatherMost = ports.options.gather ?? DEFAULTS.gather;
    this.#options = { ...DEFAULTS, gatherMost, pause: systemPause, ...withoutUndefined(ports.options) };
    this.#retry = { signal: this.#givingUp.signal, pause: this.#options.pause, logger: ports.logger };
    this.#alarm = new Alarm(ports);
    this.#reader = new EventReader(ports.codec);
    this.#roles = ports.roles ?? ['ingest', 'sequencer'];
    this.#sequencerLog = ports.sequencerLog ?? ports.eventLog;
    this.#handover = new Handover(this.#options.maxBatchRecords * HANDED_BATCHES);
    const shared = this.#roles.includes('sequencer') && ports.sequencerLog === undefined;
    this.#ingest = new Ingest(ports, this.#reader, shared ? this.#handover : null, this.#retry);
  }

  /** Reads where the sequencer stands and starts the rounds, or the candidacy. A contradiction halts; it does not throw. */
  async open(): Promise<void> {
    if (!this.#roles.includes('sequencer')) return;
    const { leadership, logger } = this.ports;
    const { signal } = this.#stopping;
    if (leadership === undefined) {
      await this.#guard('sequence', async () => {
        const sequencer = await this.#openSequencer(signal);
        this.#rounds = this.#guard('sequence', () => this.#runRounds(sequencer, signal));
      });
      return;
    }
    const lead = (term: AbortSignal): Promise<void> => this.#lead(term);
    this.#rounds = this.#guard('sequence', () => runCandidate({ leadership, logger, pause: this.#options.pause, stopping: signal, lead }));
  }

  /** What somebody else must subscribe. A candidate for the lead subscribes its sequencer itself, when it leads. */
  consumers(): readonly LedgerConsumer[] {
    const roles = this.#roles.filter((role) => role === 'ingest' || this.ports.leadership === undefined);
    return roles.map((role) => (role === 'ingest' ? this.#ingestConsumer() : this.#sequencerConsumer()));
  }

  #ingestConsumer(): LedgerConsumer {
    const options = { ...this.#batches(), group: GROUPS.ingest, replayTo, verifyLast: this.verifyLast };
    return { eventLog: this.ports.eventLog, options, onBatch: (batch) => this.ingest(batch) };
  }

  #sequencerConsumer(): LedgerConsumer {
    const options = { ...this.#batches(), group: GROUPS.sequencer };
    return { eventLog: this.#sequencerLog, options, onBatch: (batch) => this.sequence(batch) };
  }

  #batches(): Pick<SubscribeOptions, 'topics' | 'maxBatchRecords' | 'maxBatchBytes'> {
    const { maxBatchRecords, maxBatchBytes } = this.#options;
    return { topics: ALL_TOPICS, maxBatchRecords, maxBatchBytes };
  }

  async #openSequencer(signal: AbortSignal): Promise<Sequencer> {
    const ports = { ...this.ports, eventLog: this.#sequencerLog };
    const handover = this.ports.sequencerLog === undefined ? this.#handover : null;
    const { maxRoundLeaves } = this.#options;
    const reader = this.ports.sequencerLog === undefined ? this.#reader : new EventReader(this.ports.codec, true);
    this.#term = signal;
    this.#sequencer = await Sequencer.open(ports, reader, handover, maxRoundLeaves, this.#retry, signal);
    return this.#sequencer;
  }

  /** One term: from what is stored, until the signal fires or something ends it. The lead passes on only when nothing of ours runs any more. */
  async #lead(signal: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const term = AbortSignal.any([signal, ending.signal]);
    let subscription: Subscription | undefined;
    try {
      const sequencer = await this.#openSequencer(term);
      const { eventLog, options, onBatch } = this.#sequencerConsumer();
      subscription = await eventLog.subscribe(options, onBatch);
      await Promise.race([this.#runRounds(sequencer, term), subscription.failed]);
      await this.#parked(signal);
    } catch (error) {
      if (!isConflict(error) || error instanceof Superseded) throw error;
      await this.#alarm.raise('sequence', error);
      // Halted: keep the lead, so that no other runs into the same contradiction again and again.
      await this.#parked(signal);
    } finally {
      this.#sequencer = undefined;
      ending.abort();
      await subscription?.stop();
    }
  }

  /**
   * Handler of group `ledger.ingest`. A small batch: resolves when it is queryable and committed, and a moment after it. A large one: resolves
   * when the batch before it is, so that the next is read and decoded while the engine works.
   */
  async ingest(batch: LogBatch): Promise<void> {
    let queryable: Promise<boolean> = Promise.resolve(true);
    const begun = await this.#guard('ingest', async () => {
      const { done } = await this.#ingest.begin(batch);
      queryable = this.#ingested(batch, done);
    });
    if (!begun) return this.#parked();
    if (this.#isFull(batch)) return;
    const wait = this.#gatherFor(batch.partition);
    if (!(await queryable)) return this.#parked();
    // Few events: let more come before the next INSERT, so that the engine does not get a part per event.
    await this.#options.pause(wait, this.#gathered.signal);
    this.#gathering.set(batch.partition, { waited: wait, endedAt: this.ports.clock.monotonicUs() });
  }

  /** So many events that the engine should get them as they come, or so large ones that no other like them would have found room. */
  #isFull({ records }: LogBatch): boolean {
    const { maxBatchRecords, maxBatchBytes } = this.#options;
    if (records.length >= maxBatchRecords / 2) return true;
    let [bytes, largest] = [0, 0];
    for (const { value } of records) {
      bytes += value.length;
      largest = Math.max(largest, value.length);
    }
    return bytes + largest > maxBatchBytes;
  }

  /** Twice as long as the last time when this batch had been waiting by then; what comes alone is not kept waiting. */
  #gatherFor(partition: string): number {
    const { gather, gatherMost } = this.#options;
    const last = this.#gathering.get(partition);
    const isSteady = last !== undefined && this.ports.clock.monotonicUs() - last.endedAt < gather * 500;
    return isSteady ? Math.min(last.waited * 2, gatherMost) : gather;
  }

  /** For SubscribeOptions.verifyLast of group `ledger.ingest`. @throws AffiantError ledger_conflict; Stopped */
  readonly verifyLast: NonNullable<SubscribeOptions['verifyLast']> = (partition, offset, value) => {
    const topic = (parsePartition(partition)?.topic ?? ALL_TOPICS[0]) as Topic;
    const record = { topic, partition, offset, value };
    return untilDone('compare the last record', () => verifyLastRecord(this.ports.store, record, this.ports.codec), this.#retry);
  };

  /** Handler of group `ledger.sequencer`: resolves when the batch is read; the offsets are committed when it is sealed. */
  async sequence(batch: LogBatch): Promise<void> {
    const sequencer = this.#sequencer;
    const term = this.#term;
    const taken = this.halted === null && sequencer !== undefined && (await this.#guard('sequence', () => sequencer.read(batch)));
    if (!taken) await this.#parked(term);
  }

  /** A subscription ended by a failure of the event log. */
  async fail(group: string, error: unknown): Promise<void> {
    await this.#alarm.raise(group === GROUPS.ingest ? 'ingest' : 'sequence', error);
  }

  /** Waits until all that is durable now is queryable and sealed, for at most `milliseconds`. False when time ran out. */
  async drain(milliseconds: number): Promise<boolean> {
    const end = this.ports.clock.nowMs() + milliseconds;
    while (this.halted === null && !this.#stopping.signal.aborted && this.ports.clock.nowMs() < end) {
      if (await this.#quiet()) return true;
      this.#hurry.abort();
      this.#gathered.abort();
      this.#gathered = new AbortController();
      await this.#options.pause(DRAIN_POLL, this.#stopping.signal);
    }
    return false;
  }

  /** Lets handlers and rounds end after what they have in hand. A crash instead would lose nothing either. */
  stop(): void {
    this.#stopping.abort();
    this.#hurry.abort();
    this.#gathered.abort();
    const grace = setTimeout(() => this.#givingUp.abort(), STOP_GRACE);
    grace.unref();
  }

  /** After the subscriptions have ended. */
  async finished(): Promise<void> {
    await this.#ingest.settled();
    await this.#rounds;
    this.#givingUp.abort();
  }

  /** Why it halted; null while all is well. */
  get halted(): string | null {
    return this.#alarm.halted;
  }

  /** What is sealed, for whoever shows it to witnesses: null while this process does not lead, and once nothing may be signed any more. */
  sealed(): SealedState | null {
    return this.halted === null ? (this.#sequencer?.sealed ?? null) : null;
  }

  #gaps(): readonly LedgerGap[] {
    return this.ports.sequencerLog?.gaps?.() ?? [];
  }

  async health(): Promise<LedgerHealth> {
    const own = this.#sequencer?.sealed;
    // One that follows reads what the leader has sealed; while the store is away it is known to nobody here.
    const sealed = own ?? (await this.ports.checkpoints.fetch().catch(() => null)) ?? undefined;
    const ingestLag = await this.#ingestLag();
    return {
      ingestLag,
      unsealed: (await this.#quiet()) ? 0 : Math.max(1, ingestLag),
      sealedSize: sealed?.tree_size ?? 0,
      sealedRound: sealed?.round ?? 0,
      lastSealAt: sealed === undefined || sealed.round === 0 ? null : sealed.sealed_at,
      leader: own !== undefined,
      gaps: this.#gaps(),
      halted: this.halted,
    };
  }

  /** @throws AffiantError ledger_conflict; Stopped */
  async #runRounds(sequencer: Sequencer, signal: AbortSignal): Promise<void> {
    const { pause, checkpointInterval } = this.#options;
    const { words, trail } = this.ports;
    const testimony = words === undefined || trail === undefined ? null : new Testimony(this.ports, words, trail, this.#options);
    while (!signal.aborted && this.halted === null) {
      let wait = checkpointInterval;
      try {
        if (await unlessGivenUp(sequencer.round(), this.#retry.signal)) wait = 0;
        // Between two rounds: what is sealed now is what it says, and the next round seals that it was said.
        if (testimony !== null) await unlessGivenUp(testimony.give(sequencer.sealed, this.#gaps()), this.#retry.signal);
      } catch (error) {
        if (isConflict(error) || error instanceof Stopped) throw error;
        this.ports.logger.warn({ reason: String(error) }, 'a round failed; finding out what it left behind');
        wait = RETRY_WAIT;
      }
      this.#hurry = new AbortController();
      if (this.#stopping.signal.aborted) this.#hurry.abort();
      await pause(wait, AbortSignal.any([this.#hurry.signal, signal]));
    }
  }

  async #ingested({ partition, lastOffset }: LogBatch, done: Promise<void>): Promise<boolean> {
    const queryable = await this.#guard('ingest', () => done);
    if (queryable && this.ports.sequencerLog === undefined) this.#sequencer?.ingested(partition, lastOffset + 1);
    return queryable;
  }

  /** True when the work was done, or is another process's by now. What stops or contradicts is not done; the latter raises the alarm. */
  async #guard(stage: Stage, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof Withdrawn) return true;
      if (!(error instanceof Stopped)) await this.#alarm.raise(stage, error);
      return false;
    }
  }

  /** Keeps a handler from taking more: what it did not finish stays uncommitted. */
  #parked(signal: AbortSignal = this.#stopping.signal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async #quiet(): Promise<boolean> {
    try {
      if ((await this.#ingestLag()) > 0) return false;
      // A candidate that does not lead has nothing of its own to wait for.
      if (!this.#roles.includes('sequencer') || (this.#sequencer === undefined && this.ports.leadership !== undefined)) return true;
      return (await this.#sequencer?.idle()) === true;
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
