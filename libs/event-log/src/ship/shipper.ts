import { setTimeout as delay } from 'node:timers/promises';
import { isAffiantError, type AffiantError } from '#errors';
import { ALL_TOPICS, TOPICS, type Clock } from '#events';
import type { JournalReader, StoredRecord } from '#journal';
import type { Logger } from '#observability';
import { toLogRecord } from '../partition-reader.js';
import { Lane } from './lane.js';
import type { LogSender, ShipperReport } from './port.js';
import { BEGINNING, type PositionStore, type ShipPosition } from './position-file.js';
import { ResendPlan, type SeqRange } from './resend-plan.js';
import { Waiters } from './waiters.js';

/** Longest sleep while nothing comes; also how often the resend is looked at. */
const IDLE_MS = 1_000;
const SAVE_EVERY_MS = 2_000;
const WARN_EVERY_MS = 10_000;

export interface ShipperLimits {
  /** Bounds of one send. */
  readonly batchRecords: number;
  readonly batchBytes: number;
  /** Payload read from the journal and not yet acknowledged; then nothing more is read. */
  readonly queueBytes: number;
  /** Milliseconds before a rejected batch is sent again; doubled each time. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
}

/** research/ledger.md §3.3. */
const LIMITS: ShipperLimits = {
  batchRecords: 500,
  batchBytes: 1_000_000,
  queueBytes: 16 * 1024 * 1024,
  firstPauseMs: 100,
  maxPauseMs: 5_000,
};

export interface ShipperOptions {
  readonly sourceId: string;
  /** Reads the own journal, behind its watermark; closed by the shipper. */
  readonly reader: Pick<JournalReader, 'firstSeq' | 'durableSeq' | 'read' | 'waitBeyond' | 'wake' | 'close'>;
  /** Highest durable seq of the journal, at any time. */
  readonly durableSeq: () => number;
  readonly sender: LogSender;
  /** `partitionOf(sourceId, partitions)`: the same for every topic. */
  readonly partition: number;
  readonly positions: PositionStore;
  readonly resendAfterMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of every failed send. */
  readonly onError?: (error: AffiantError) => void;
  readonly limits?: Partial<ShipperLimits>;
  /** Waits, or returns early when the signal fires; tests pass one that does not wait. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Moves a source's journal to the event log, behind the writer's back: nobody who records waits for it. Each topic-partition is a lane of its own; within a
 * lane the order is that of the journal. Whatever fails is tried again for ever: the journal keeps what the ledger has not acknowledged.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #limits: ShipperLimits;
  readonly #lanes = new Map<number, Lane>();
  readonly #waiters = new Waiters();
  readonly #resend: ResendPlan;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #position: ShipPosition = BEGINNING;
  #saved: ShipPosition = BEGINNING;
  #savedAt = 0;
  /** Next seq to read. */
  #next = 1;
  /** Highest seq read that becomes a leaf. */
  #leafRead = 0;
  #queuedBytes = 0;
  #room: (() => void) | null = null;
  #resent = 0;
  #lastError: ShipperReport['lastError'] = null;
  /** Monotonic milliseconds; null while sends succeed. */
  #failingSince: number | null = null;
  #warnedAt = -Infinity;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#resend = new ResendPlan(options.resendAfterMs);
  }

  /** Begins behind the stored position. */
  async start(): Promise<void> {
    const { positions, durableSeq, logger, sourceId } = this.#options;
    const stored = await positions.load();
    // A position ahead of the journal is of another journal: begin with what there is.
    this.#position = stored.shipped > durableSeq() ? BEGINNING : stored;
    if (this.#position !== stored) logger.warn({ source: sourceId, stored: stored.shipped }, 'the stored position is ahead of the journal');
    this.#saved = this.#position;
    this.#leafRead = this.#position.leaf;
    this.#next = this.#position.shipped + 1;
    this.#running = this.#run();
  }

  get shippedSeq(): number {
    return this.#position.shipped;
  }

  report(): ShipperReport {
    const durable = this.#options.durableSeq();
    const { shipped } = this.#position;
    const frontier = this.#position.frontier ?? 0;
    // Behind the last leaf there are only checkpoints, which nothing acknowledges.
    const isAllAcknowledged = this.#next > durable && frontier >= this.#leafRead;
    return {
      shippedSeq: shipped,
      lag: Math.max(0, durable - shipped),
      frontier,
      unacknowledged: isAllAcknowledged ? 0 : Math.max(0, durable - frontier),
      resent: this.#resent,
      lastError: this.#lastError,
    };
  }

  /** The ledger holds and has sealed everything up to `seq`. Never goes back. */
  acknowledged(seq: number): void {
    if (this.#position.frontier !== null && seq <= this.#position.frontier) return;
    this.#position = { ...this.#position, frontier: seq };
  }

  /**
   * Resolves true when all in-sync replicas of the event log hold everything up to `seq`, false when that takes longer than `timeoutMs`, or at once when sends
   * have been failing for that long already: a caller must not wait for what is known to be away.
   */
  async replicatedThrough(seq: number, timeoutMs: number): Promise<boolean> {
    if (seq <= this.#position.shipped) return true;
    if (this.#stop.signal.aborted) return false;
    if (this.#failingSince !== null && this.#nowMs() - this.#failingSince > timeoutMs) return false;
    return this.#waiters.wait(seq, timeoutMs);
  }

  /** Ships what is durable now, for at most `timeoutMs`, then ends. False when something was left for the next start. */
  async stop(timeoutMs: number): Promise<boolean> {
    const all = await this.replicatedThrough(this.#options.durableSeq(), timeoutMs);
    this.#stop.abort();
    this.#options.reader.wake();
    this.#room?.();
    this.#waiters.releaseAll();
    await this.#running;
    await Promise.race([Promise.all([...this.#lanes.values()].map((lane) => lane.ended())), delay(timeoutMs, undefined, { ref: false })]);
    await this.#save();
    await this.#options.reader.close();
    return all;
  }

  async #run(): Promise<void> {
    const { reader, logger } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const read = await this.#shipNew();
        await this.#shipAgain();
        await this.#saveNowAndThen();
        if (!read && !signal.aborted) await reader.waitBeyond(this.#next - 1, IDLE_MS);
      } catch (error) {
        // The journal could not be read, or the position not be written: neither may end the shipping.
        this.#failed(isAffiantError(error) ? error.code : 'internal', (error as Error).message);
        logger.error({ reason: (error as Error).message }, 'shipping stumbled; trying again');
        await this.#pause(IDLE_MS, signal);
      }
    }
  }

  /** True when there was something. */
  async #shipNew(): Promise<boolean> {
    const records = await this.#read(this.#next, Infinity);
    if (records.length === 0) return false;
    for (const record of records) {
      if (isLeaf(record)) this.#leafRead = record.seq;
      this.#push(record);
    }
    this.#next = (records.at(-1) as StoredRecord).seq + 1;
    await this.#untilRoom();
    return true;
  }

  async #shipAgain(): Promise<void> {
    const { shipped, leaf, frontier } = this.#position;
    const range = this.#resend.due(frontier, Math.min(leaf, shipped), this.#nowMs());
    if (range === null) return;
    const count = await this.#shipRange(range);
    this.#resent += count;
    this.#options.logger.warn({ ...range, sent: count }, 'the ledger has not acknowledged these events in time; sent again');
  }

  async #shipRange({ from, to }: SeqRange): Promise<number> {
    let count = 0;
    for (let next = from; next <= to && !this.#stop.signal.aborted;) {
      const records = await this.#read(next, to - next + 1);
      if (records.length === 0) break;
      for (const record of records) this.#push(record);
      count += records.length;
      next = (records.at(-1) as StoredRecord).seq + 1;
      await this.#untilRoom();
    }
    return count;
  }

  /** What was trimmed is acknowledged by the ledger: it goes on at the oldest record there is. */
  async #read(from: number, count: number): Promise<readonly StoredRecord[]> {
    const { reader } = this.#options;
    const limits = { maxRecords: Math.min(count, 2 * this.#limits.batchRecords), maxBytes: 4 * this.#limits.batchBytes };
    try {
      return await reader.read(from, limits);
    } catch (error) {
      const first = await reader.firstSeq();
      if (!isAffiantError(error) || error.code !== 'not_found' || first <= from) throw error;
      if (from === this.#next) this.#next = first;
      return reader.read(first, limits);
    }
  }

  #push(record: StoredRecord): void {
    this.#queuedBytes += record.payload.length;
    this.#laneOf(record).push(record);
  }

  #laneOf(record: StoredRecord): Lane {
    let lane = this.#lanes.get(record.topic);
    if (lane === undefined) {
      const { sender, partition, sourceId } = this.#options;
      const { batchRecords: maxRecords, batchBytes: maxBytes, firstPauseMs, maxPauseMs } = this.#limits;
      lane = new Lane({
        topic: toLogRecord(sourceId, record).topic,
        partition,
        key: sourceId,
        sender,
        maxRecords,
        maxBytes,
        firstPauseMs,
        maxPauseMs,
        pause: (milliseconds, signal) => this.#pause(milliseconds, signal),
        signal: this.#stop.signal,
        onSent: (bytes) => this.#sent(bytes),
        onError: (error) => this.#sendFailed(error),
      });
      this.#lanes.set(record.topic, lane);
    }
    return lane;
  }

  #sent(bytes: number): void {
    this.#failingSince = null;
    this.#queuedBytes -= bytes;
    if (this.#queuedBytes < this.#limits.queueBytes) this.#room?.();
    let first = this.#next;
    for (const lane of this.#lanes.values()) first = Math.min(first, lane.firstSeq ?? Infinity);
    // While something older is sent again, the mark stays where it was.
    if (first - 1 <= this.#position.shipped) return;
    const leaf = Math.min(first - 1, this.#leafRead);
    this.#position = { ...this.#position, shipped: first - 1, leaf };
    this.#waiters.reached(first - 1);
  }

  #sendFailed(error: AffiantError): void {
    this.#failingSince ??= this.#nowMs();
    this.#failed(error.code, error.message);
    this.#options.onError?.(error);
    if (this.#nowMs() - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = this.#nowMs();
    const { lag } = this.report();
    this.#options.logger.warn({ code: error.code, reason: error.message, lag }, 'the event log takes nothing; trying again');
  }

  #failed(code: string, message: string): void {
    this.#lastError = { code, message, atUs: this.#options.clock.nowUs() };
  }

  async #untilRoom(): Promise<void> {
    while (this.#queuedBytes >= this.#limits.queueBytes && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => (this.#room = resolve));
      this.#room = null;
    }
  }

  async #saveNowAndThen(): Promise<void> {
    if (this.#nowMs() - this.#savedAt < SAVE_EVERY_MS) return;
    this.#savedAt = this.#nowMs();
    await this.#save();
  }

  /** A crash before it, or a power loss that undoes it, sends the records since the last one again. */
  async #save(): Promise<void> {
    const position = this.#position;
    if (position === this.#saved) return;
    await this.#options.positions.save(position);
    this.#saved = position;
  }

  #nowMs(): number {
    return this.#options.clock.monotonicUs() / 1000;
  }

  #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return (this.#options.pause ?? systemPause)(milliseconds, signal);
  }
}

/** A checkpoint acknowledges leaves and is none itself: nothing acknowledges the last one. */
const isLeaf = (record: StoredRecord): boolean => ALL_TOPICS[record.topic] !== TOPICS.checkpoint;

const systemPause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  delay(milliseconds, undefined, { signal }).then(
    () => undefined,
    () => undefined,
  );
