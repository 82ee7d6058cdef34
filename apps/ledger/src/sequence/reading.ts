import type { Committed, LogBatch, LogRecord } from '#event-log';
import type { SealedState } from '#tlog';
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
  readonly #first = new Map<string, number>();
  readonly #next = new Map<string, number>();
  /** Offsets that must be read whatever the backlog holds, because recovery waits for them. */
  readonly #wanted = new Map<string, number>();
  #sealedOffsets: Readonly<Record<string, number>>;

  constructor(
    sealed: SealedState,
    private readonly reader: EventReader,
    private readonly ownSource: string,
    private readonly changes: Changes,
    maxLeaves: number,
  ) {
    this.backlog = new Backlog(maxLeaves);
    this.#chains = new SourceChains(sealed);
    this.#sealedOffsets = sealed.offsets;
  }

  /** Takes a batch when there is room for it. @throws AffiantError ledger_conflict when a chain breaks; Stopped */
  async take(batch: LogBatch): Promise<void> {
    const { partition, firstOffset, lastOffset } = batch;
    if (!this.#first.has(partition)) this.#first.set(partition, firstOffset);
    await this.changes.until(() => this.backlog.hasRoom(partition) || firstOffset < (this.#wanted.get(partition) ?? 0));
    for (const record of batch.records) this.#takeOne(record);
    this.#next.set(partition, lastOffset + 1);
    this.changes.notify();
  }

  /** Offset of the first record that came from the partition. */
  first(partition: string): number | undefined {
    return this.#first.get(partition);
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

  #takeOne(record: LogRecord): void {
    const event = this.reader.read(record);
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

  #listen({ decoded }: ReadEvent): void {
    if (decoded?.type === 'checkpoint') this.told.checkpoint(decoded.event.round);
    if (decoded?.type === 'dead_letter') this.told.deadLetter(decoded.event);
  }
}
