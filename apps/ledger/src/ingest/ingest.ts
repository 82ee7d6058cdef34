import { AffiantError } from '#errors';
import type { LogBatch, LogRecord } from '#event-log';
import type { EventRow } from '#ledger-store';
import type { Handover } from '../handover.js';
import { GROUPS, type LedgerPorts } from '../ports.js';
import type { EventReader } from '../read-event.js';
import { untilDone, type RetryOptions } from '../retry.js';
import { buildRow } from './build-row.js';
import { formatIntent, parseIntent, tokenOf, type Intent } from './intent.js';
import { denseRuns, missingPart, verifyRun, type Run } from './runs.js';

type IngestPorts = Pick<LedgerPorts, 'eventLog' | 'store' | 'clock'>;

/**
 * Copies the event log into ledger.events, exactly once per event:
 * intent, INSERT under the intent's token, read back, commit. Every step is idempotent and repeated until it succeeds.
 */
export class Ingest {
  /** Intents found open at start, per partition; the first batch must be their very range. */
  readonly #open = new Map<string, Intent>();
  /** Per partition the batch that is being carried out. */
  readonly #onTheWay = new Map<string, Promise<void>>();
  /** source -> highest seq this process has ingested; beyond it nothing can be in the ledger yet. */
  readonly #highWater = new Map<string, number>();

  constructor(
    private readonly ports: IngestPorts,
    private readonly reader: EventReader,
    private readonly handover: Handover,
    private readonly retry: RetryOptions,
  ) {}

  /** Before subscribing: remembers the intents a crash left open. @throws AffiantError ledger_conflict */
  async prepare(): Promise<void> {
    const committed = await untilDone('ingest offsets', () => this.ports.eventLog.committed(GROUPS.ingest), this.retry);
    for (const [partition, position] of committed) {
      const intent = parseIntent(position);
      if (intent !== null) this.#open.set(partition, intent);
    }
  }

  /**
   * Begins to make a batch queryable: resolves when the batch before it (of its partition) is committed and this one is on its way;
   * `done` resolves when it is committed too. Rows are built while the engine still works on the batch before.
   * @throws AffiantError ledger_conflict, Stopped; `done` likewise
   */
  async begin(batch: LogBatch): Promise<{ readonly done: Promise<void> }> {
    const now = this.ports.clock.nowUs();
    const runs = denseRuns(batch.records.map((record) => this.#row(record, now)));
    await this.#onTheWay.get(batch.partition);
    const { token, missing } = await this.#plan(batch, runs);
    const done = this.#carryOut(batch, token, missing);
    // Whoever waits for it hears of a failure; the next batch waits for it.
    done.catch(() => undefined);
    this.#onTheWay.set(batch.partition, done);
    return { done };
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#onTheWay.values());
  }

  async #carryOut({ partition, firstOffset, lastOffset }: LogBatch, token: string, missing: readonly Run[]): Promise<void> {
    const { eventLog, store } = this.ports;
    if (missing.length > 0) {
      const metadata = formatIntent({ to: lastOffset, token });
      await this.#step('intent', () => eventLog.commit(GROUPS.ingest, partition, firstOffset, metadata));
      // A crash here leaves an intent without rows: the restart reads the same range and inserts it.
      await this.#step('insert', () => store.appendEvents(token, missing.flat()));
      // A crash here leaves rows and the intent: the restart repeats the insert under the same token, which changes nothing.
      for (const run of missing) await this.#step('read back', () => verifyRun(store, run));
    }
    await this.#step('commit', () => eventLog.commit(GROUPS.ingest, partition, lastOffset + 1, null));
    // A crash before the commit repeats the batch as above; after it the next batch is read.
    this.#open.delete(partition);
    // Not for runs that were all there: the ledger may hold more behind them.
    for (const run of missing) this.#raise(run);
  }

  #row(record: LogRecord, now: number): EventRow {
    const read = this.reader.read(record);
    this.handover.give(record, read.event);
    return buildRow(record, read, now);
  }

  /** Which rows are to be inserted, and under which token. */
  async #plan(batch: LogBatch, runs: readonly Run[]): Promise<{ token: string; missing: readonly Run[] }> {
    const intent = this.#open.get(batch.partition);
    const whole = tokenOf(batch, runs.flat());
    if (intent?.token === whole) return { token: whole, missing: runs };
    const missing = await this.#missing(runs);
    const token = tokenOf(batch, missing.flat());
    if (intent !== undefined && missing.length > 0 && (intent.to !== batch.lastOffset || intent.token !== token)) {
      throw new AffiantError('ledger_conflict', 'the event log gives other events than when the insert was intended', {
        where: `${batch.partition} ${batch.firstOffset}-${batch.lastOffset}`,
      });
    }
    return { token, missing };
  }

  async #missing(runs: readonly Run[]): Promise<readonly Run[]> {
    const missing: Run[] = [];
    for (const run of runs) {
      const known = this.#highWater.get(run[0].source_id);
      const part = known !== undefined && run[0].seq > known ? run : await this.#step('look up', () => missingPart(this.ports.store, run));
      if (part !== null) missing.push(part);
    }
    return missing;
  }

  #raise(run: Run): void {
    const { source_id, seq } = run.at(-1)!;
    this.#highWater.set(source_id, Math.max(seq, this.#highWater.get(source_id) ?? 0));
  }

  #step<T>(what: string, step: () => Promise<T>): Promise<T> {
    return untilDone(`ingest ${what}`, step, this.retry);
  }
}
