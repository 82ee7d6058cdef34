import { toAffiantError } from '#errors';
import { ALL_TOPICS, SYSTEM_CONTEXT } from '#events';
import type { LogBatch, RetryOptions, Subscription } from '#event-log';
import { ocsfRecord, type OcsfRecord } from '#ocsf';
import { Stopped, unlessGivenUp } from '../retry.js';
import { Delivered } from './delivered.js';
import { siemGroup, type FeedPorts, type RecordSink, type SinkHealth } from './ports.js';

const MAX_BATCH_RECORDS = 500;
const MAX_BATCH_BYTES = 1 << 20;
/** For ever: a sink that is away lags, however long. */
const RETRY: RetryOptions = { attempts: Number.MAX_SAFE_INTEGER, firstMs: 250, maxMs: 30_000 };

/**
 * Event log -> one sink, in a group of its own, so that a sink that is away holds up nobody else.
 * Order: as in the partition, so of one source and topic; with the embedded log of one source altogether.
 */
export class SinkFeed {
  readonly #group: string;
  readonly #delivered = new Delivered();
  /** Sources seen in a partition; embedded, the partition is the source. */
  readonly #sources = new Map<string, Set<string>>();
  readonly #toldGaps = new Set<string>();
  /** Offset that the next batch of a partition begins at when nothing was deleted before it could be read. */
  readonly #next = new Map<string, number>();
  readonly #stopping = new AbortController();
  #subscription: Subscription | null = null;
  #count = 0;
  #failing: string | null = null;

  constructor(
    private readonly ports: FeedPorts,
    private readonly sink: RecordSink,
  ) {
    this.#group = siemGroup(sink.name);
  }

  /** Resolves when subscribed, also while brokers or sinks are away. */
  async start(): Promise<void> {
    const { eventLog, logger, options = {} } = this.ports;
    const { maxBatchRecords = MAX_BATCH_RECORDS, maxBatchBytes = MAX_BATCH_BYTES, retry = RETRY } = options;
    this.#subscription = await eventLog.subscribe(
      // Skip: what is no longer retained cannot be delivered any more; the gap is recorded, and a reader sees it in metadata.sequence.
      { group: this.#group, topics: ALL_TOPICS, maxBatchRecords, maxBatchBytes, whenTrimmed: 'skip', retry },
      (batch) => this.#take(batch),
    );
    this.#subscription.failed.catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      this.#failing = `the event log: ${messageOf(error)}`;
      logger.error({ sink: this.sink.name, reason: messageOf(error) }, 'the SIEM feed ended');
    });
  }

  async health(): Promise<SinkHealth> {
    let lag = 0;
    for (const waiting of (await this.ports.eventLog.lag(this.#group)).values()) lag += waiting;
    return { sink: this.sink.name, lag, delivered: this.#count, failing: this.#failing };
  }

  /** Ends after the delivery in hand, or at once when the sink does not answer: what is not committed is delivered after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#subscription?.stop();
    await this.sink.close();
  }

  /** Fails with what the log tries again, for ever: waiting is the log's, so that a partition can be given to somebody else meanwhile. */
  async #take(batch: LogBatch): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    try {
      await this.#assigned(batch);
      const records = this.#newRecords(batch);
      if (records.length > 0) await unlessGivenUp(this.sink.deliver(records), signal);
      for (const { sourceId, seq } of records) this.#delivered.add(sourceId, seq);
      this.#count += records.length;
      // A crash here leaves records that are delivered and not committed: they are delivered again, the same to the byte, and known by their uid.
      await this.ports.eventLog.commit(this.#group, batch.partition, batch.lastOffset + 1, this.#metadata(batch, records));
      this.#next.set(batch.partition, batch.lastOffset + 1);
      this.#failing = null;
    } catch (error) {
      // Stopped: nothing is committed, the batch comes again after the next start.
      if (error instanceof Stopped) return;
      const reason = messageOf(error);
      if (reason !== this.#failing) this.ports.logger.warn({ sink: this.sink.name, reason }, 'the SIEM sink lags; trying again');
      this.#failing = reason;
      throw toAffiantError(error, 'siem_failed', 'the SIEM sink failed');
    }
  }

  /** Where this run of the partition begins: what was committed with it is known again, by whichever process. */
  async #assigned(batch: LogBatch): Promise<void> {
    const { partition, assigned } = batch;
    if (assigned !== undefined) {
      this.#delivered.merge(assigned.committed?.metadata ?? null);
      if (assigned.committed === null) this.#next.delete(partition);
      else this.#next.set(partition, assigned.committed.offset);
    }
    await this.#tellGap(batch, this.#next.get(partition) ?? batch.firstOffset);
  }

  /** Without what the sink has already, and without what cannot be decoded: of that a dead-letter event tells. */
  #newRecords(batch: LogBatch): readonly OcsfRecord[] {
    const { codec, origin, logger } = this.ports;
    const records = new Map<string, OcsfRecord>();
    for (const { value, topic, offset } of batch.records) {
      try {
        const record = ocsfRecord(codec.decode(value), value, origin);
        const place = `${record.seq} ${record.sourceId}`;
        if (!records.has(place) && !this.#delivered.has(record.sourceId, record.seq)) records.set(place, record);
      } catch (error) {
        logger.warn(
          { topic, partition: batch.partition, offset, reason: messageOf(error) },
          'not decodable; left to the dead-letter event',
        );
      }
    }
    return [...records.values()];
  }

  /** Embedded, the committed offset says it all; in Kafka an event may come again at another offset. */
  #metadata({ partition }: LogBatch, records: readonly OcsfRecord[]): string | null {
    let sources = this.#sources.get(partition);
    if (sources === undefined) this.#sources.set(partition, (sources = new Set()));
    for (const { sourceId } of records) sources.add(sourceId);
    return [...sources].every((source) => source === partition) ? null : this.#delivered.toMetadata(sources);
  }

  /** Records once that events were deleted before this sink had them: by retention, or while it was out of the configuration. */
  async #tellGap({ partition, firstOffset }: LogBatch, expected: number): Promise<void> {
    if (firstOffset <= expected || this.#toldGaps.has(`${partition} ${expected}`)) return;
    this.#toldGaps.add(`${partition} ${expected}`);
    const { recorder, logger } = this.ports;
    const gap = { sink: this.sink.name, partition, from: String(expected), to: String(firstOffset - 1) };
    logger.error(gap, 'events were deleted from the log before the SIEM sink had them');
    const attributes = Object.entries(gap).map(([name, value]) => ({ name, value }));
    await recorder
      .record([
        {
          type: 'control',
          context: SYSTEM_CONTEXT,
          event: { kind: 'siem.gap', outcome: 'failure', subject: this.sink.name, attributes, detail: null },
        },
      ])
      .catch((error: unknown) => logger.error({ reason: messageOf(error) }, 'the gap could not be recorded'));
  }
}

const messageOf = (error: unknown): string => toAffiantError(error, 'siem_failed', String(error)).message;
