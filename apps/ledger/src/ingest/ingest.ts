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

  /** Makes a batch queryable. @throws AffiantError ledger_conflict, Stopped */
  async ingest(batch: LogBatch): Promise<void> {
    const { eventLog, store, clock } = this.ports;
    const now = clock.nowUs();
    const rows = batch.records.map((record) => this.#row(record, now));
    const runs = denseRuns(rows);
    const { partition, firstOffset, lastOffset } = batch;
    const { token, missing } = await this.#plan(batch, runs);

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
