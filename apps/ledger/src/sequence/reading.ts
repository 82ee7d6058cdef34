import type { Committed, LogBatch, LogRecord } from '#event-log';
import type { SealedState } from '#tlog';
import type { Handover } from '../handover.js';
import { Told } from '../seal/told.js';
import type { EventReader, ReadEvent } from '../read-event.js';
import { Backlog, type DeadRecord } from './backlog.js';
import { SourceChains } from './chain.js';
import type { Changes } from './changes.js';

/**
 * Read side of the sequencer: what came out of the event log and is not sealed yet.
 * Positions, chains and backlog follow the log; only `dropSealed` makes them forget.
 */
export class Reading {
  readonly backlog: Backlog;
  readonly told = new Told();
  /** Undecodable records of sealed rounds that no dead letter tells of yet. */
  dead: DeadRecord[] = [];
  readonly #chains: SourceChains;
  readonly #ingested = new Map<string, number>();
  readonly #first = new Map<string, number>();
  readonly #next = new Map<string, number>();
  /** Offsets that must be read at once, whatever ingest and backlog say, because recovery waits for them. */
  readonly #wanted = new Map<string, number>();
  #sealedOffsets: Readonly<Record<string, number>>;

  constructor(
    sealed: SealedState,
    private readonly reader: EventReader,
    private readonly handover: Handover | null,
    private readonly ownSource: string,
    private readonly changes: Changes,
    maxLeaves: number,
  ) {
    this.backlog = new Backlog(maxLeaves);
    this.#chains = new SourceChains(sealed);
    this.#sealedOffsets = sealed.offsets;
  }

  /** Takes a batch record by record, as the ingest gets past them and there is room. @throws AffiantError ledger_conflict when a chain breaks; Stopped */
  async take(batch: LogBatch): Promise<void> {
    const { partition, firstOffset } = batch;
    if (!this.#first.has(partition)) {
      this.#first.set(partition, firstOffset);
      this.#next.set(partition, firstOffset);
      this.changes.notify();
    }
    for (const record of batch.records) {
      const allowed = (): boolean => record.offset < this.#limit(partition);
      if (!allowed()) {
        this.changes.notify();
        await this.changes.until(allowed);
      }
      this.#takeOne(record);
      this.#next.set(partition, record.offset + 1);
    }
    this.changes.notify();
  }

  /** Offset of the first record that came from the partition. */
  first(partition: string): number | undefined {
    return this.#first.get(partition);
  }

  /** The ingest has made everything before these offsets queryable. */
  ingested(positions: Iterable<readonly [string, number]>): void {
    for (const [partition, offset] of positions) this.#ingested.set(partition, Math.max(offset, this.#ingested.get(partition) ?? 0));
    this.changes.notify();
  }

  /** Resolves when everything before `offset` has been read. */
  async reach(partition: string, offset: number): Promise<void> {
    this.#wanted.set(partition, Math.max(offset, this.#wanted.get(partition) ?? 0));
    this.changes.notify();
    await this.changes.until(() => (this.#next.get(partition) ?? 0) >= offset);
  }

  /** True when everything before these positions has been read. */
  has(positions: ReadonlyMap<string, Committed>): boolean {
    return [...positions].every(([partition, { offset }]) => (this.#next.get(partition) ?? this.#sealedOffsets[partition] ?? 0) >= offset);
  }

  /** Takes notice of what a record of our own source tells, without taking it into the backlog. */
  hear(record: LogRecord): void {
    this.#listen(this.reader.read(record).event);
  }

  dropSealed(sealed: SealedState): void {
    this.#sealedOffsets = sealed.offsets;
    this.dead.push(...this.backlog.dropSealed(sealed.offsets));
    this.changes.notify();
  }

  /** After everything about a round was told. */
  forgetTold(): void {
    this.dead = [];
    this.told.forgetDeadLetters();
  }

  /** First offset that may not be read now. */
  #limit(partition: string): number {
    const ingested = this.backlog.hasRoom(partition) ? (this.#ingested.get(partition) ?? 0) : 0;
    return Math.max(ingested, this.#wanted.get(partition) ?? 0);
  }

  #takeOne(record: LogRecord): void {
    const event = this.handover?.take(record) ?? this.reader.read(record).event;
    if (event.source_id === this.ownSource) this.#listen(event);
    const dead = event.problem === null ? null : { record, code: event.problem.code, reason: event.problem.message };
    if (record.offset < (this.#sealedOffsets[record.partition] ?? 0)) {
      // Sealed before a crash, read again because its publication was not confirmed.
      if (dead !== null) this.dead.push(dead);
      return;
    }
    const outcome = this.#chains.accept(event, record);
    this.backlog.add(record.partition, {
      offset: record.offset,
      source_id: event.source_id,
      seq: event.seq,
      payload_hash: event.payload_hash,
      leaf: event.type === 'checkpoint' || outcome === 'duplicate' ? null : event.leaf,
      chained: outcome === 'next',
      dead: outcome === 'duplicate' ? null : dead,
    });
  }

  #listen({ tells }: ReadEvent): void {
    if (tells === null) return;
    if ('round' in tells) this.told.checkpoint(tells.round);
    else this.told.deadLetter(tells);
  }
}
