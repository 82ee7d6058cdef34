import { setTimeout as delay } from 'node:timers/promises';
import type { EachBatchPayload, Kafka } from 'kafkajs';
import { AffiantError, isAffiantError, toAffiantError } from '#errors';
import type { Topic } from '#events';
import type { BatchHandler, LogRecord, SubscribeOptions, Subscription } from '../port.js';
import { isRetryable } from '../retry.js';
import { OUT_OF_RANGE } from './no-offset-reset.js';
import { GroupMember, type Assignment, type MemberEvents } from './group-member.js';
import type { OffsetReader } from './group-offsets-admin.js';
import { parsePartition, partitionName } from './partition-of.js';
import { PartitionWorker, type WorkerStart } from './partition-worker.js';
import { startingPoints } from './starting-points.js';

const AGAIN_MS = 500;

export interface KafkaSubscriptionOptions {
  readonly kafka: Kafka;
  readonly offsets: OffsetReader;
  readonly prefix: string;
  /** How long the group may be out of reach before the subscription fails, in ms. */
  readonly patienceMs: number;
  readonly settleMs?: number;
  readonly maxWaitMs: number;
  readonly report: (message: string) => void;
}

interface Running {
  readonly worker: PartitionWorker;
  /** Over when the handler has returned for the last time. Never rejects. */
  readonly done: Promise<void>;
}

/** A group of one log: the partitions it is given, each with its worker; a new member when the one before has ended. */
export class KafkaSubscription implements Subscription {
  readonly failed: Promise<never>;
  #reject: (error: unknown) => void = () => {};
  #member: GroupMember | null = null;
  #generation = 0;
  #stopping = false;
  #over = false;
  #reachedAt = Date.now();
  readonly #running = new Map<string, Running>();
  #replacing: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: KafkaSubscriptionOptions,
    private readonly options: SubscribeOptions,
    private readonly onBatch: BatchHandler,
  ) {
    this.failed = new Promise<never>((_resolve, reject) => {
      this.#reject = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** Ended, and no handler of it runs any more. */
  get idle(): boolean {
    return (this.#stopping || this.#over) && this.#running.size === 0;
  }

  start(): void {
    this.#join();
  }

  /**
   * What a handler of an earlier assignment still has in hand is refused also when the partition came back, until its first batch is handed out.
   * @throws AffiantError conflict when the partition is not (or no longer) assigned here
   */
  async commit(partition: string, offset: number, metadata: string | null): Promise<void> {
    const at = parsePartition(partition);
    const running = this.#running.get(partition);
    const gone = running === undefined || !running.worker.begun || (running.worker.stopped && !this.#stopping);
    if (at === null || this.#member === null || gone) throw new AffiantError('conflict', `${partition} is not assigned to this consumer`);
    await this.#member.commit(this.context.prefix + at.topic, at.partition, offset, metadata);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { worker } of this.#running.values()) worker.stop();
    // Still a member: the batch in hand may commit.
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    await this.#replacing;
    const member = this.#member;
    this.#member = null;
    await member?.stop();
  }

  #join(): void {
    const { kafka, prefix, maxWaitMs } = this.context;
    const events: MemberEvents = {
      assigned: (assignment) => member === this.#member && this.#assigned(assignment),
      revoked: () => member === this.#member && this.#revoked(),
      batch: (payload) => member === this.#member && this.#fetched(payload),
      position: (topic, partition) => this.#position(topic, partition),
      ended: (error, transient) => {
        if (member === this.#member && !this.#stopping) this.#ended(member, error, transient);
      },
    };
    const member: GroupMember = new GroupMember(kafka, prefix + this.options.group, events, maxWaitMs);
    this.#member = member;
    void member.start(this.options.topics.map((topic) => prefix + topic));
  }

  /** CRASH, STOP or DISCONNECT unasked, or a coordinator that moved: the member is of no more use. */
  #ended(member: GroupMember, error: AffiantError, transient: boolean): void {
    this.#member = null;
    void member.stop();
    const { patienceMs, report } = this.context;
    if (error.message.includes(OUT_OF_RANGE)) {
      this.#fail(new AffiantError('ledger_conflict', error.message, { cause: error }));
    } else if (!transient || Date.now() - this.#reachedAt > patienceMs) {
      this.#fail(error);
    } else {
      report(`${this.options.group}: joining again: ${error.message}`);
      this.#replacing = delay(AGAIN_MS).then(() => {
        if (!this.#stopping && !this.#over) this.#join();
      });
    }
  }

  #assigned(assignment: Assignment): void {
    this.#generation += 1;
    this.#reachedAt = Date.now();
    const names = Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => partitionName(topic.slice(this.context.prefix.length), partition)),
    );
    void this.#begin(names, this.#generation).catch((error: unknown) => this.#fail(error));
  }

  #revoked(): void {
    this.#generation += 1;
    this.#reachedAt = Date.now();
    for (const { worker } of this.#running.values()) worker.stop();
  }

  /** Begins with what was assigned, as soon as nothing of an earlier generation works on it here. */
  async #begin(names: readonly string[], generation: number): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    const { offsets, settleMs } = this.context;
    const { group, topics } = this.options;
    for (;;) {
      if (generation !== this.#generation || this.#stopping) return;
      try {
        const starts = await startingPoints(
          names,
          this.options,
          async () => {
            const [committed, states] = await Promise.all([offsets.committed(group, topics), offsets.states(topics)]);
            return { committed, states };
          },
          settleMs,
        );
        if (generation !== this.#generation || this.#stopping) return;
        for (const start of starts) this.#work(start);
        return;
      } catch (error) {
        // A rebalance comes in time if the brokers are gone; till then they are asked again.
        if (!isRetryable(error)) throw error;
        await delay(AGAIN_MS);
      }
    }
  }

  #work(start: WorkerStart): void {
    const { topic, partition } = parsePartition(start.partition) as { topic: string; partition: number };
    const full = this.context.prefix + topic;
    const member = this.#member as GroupMember;
    const worker = new PartitionWorker(start, this.options, this.onBatch, {
      pause: () => member.pause(full, partition),
      resume: () => member.resume(full, partition),
    });
    member.seek(full, partition, worker.fetchFrom);
    const done = worker
      .run()
      .catch((error: unknown) => {
        // After the partition was lost, the one who has it now will see the same, if it is so.
        // A refused commit means that the assignment is over, or about to be: the next one begins anew.
        if (!worker.stopped && !(isAffiantError(error) && error.code === 'conflict')) this.#fail(error);
      })
      .finally(() => {
        if (this.#running.get(start.partition)?.worker === worker) this.#running.delete(start.partition);
      });
    this.#running.set(start.partition, { worker, done });
  }

  #fetched({ batch, resolveOffset }: EachBatchPayload): void {
    const topic = batch.topic.slice(this.context.prefix.length);
    const partition = partitionName(topic, batch.partition);
    const worker = this.#running.get(partition)?.worker;
    if (worker === undefined || worker.stopped) return;
    // A fetch of the generation before may come in late; whatever does not begin where we are is none of ours.
    if (Number((batch as typeof batch & { fetchedOffset: string }).fetchedOffset) !== worker.fetchFrom) {
      this.#member?.seek(batch.topic, batch.partition, worker.fetchFrom);
      return;
    }
    worker.offer(
      batch.messages.map(({ offset, value }): LogRecord => ({
        topic: topic as Topic,
        partition,
        offset: Number(offset),
        value: value ?? Buffer.alloc(0),
      })),
    );
    resolveOffset(batch.lastOffset());
  }

  #position(topic: string, partition: number): number | null {
    const worker = this.#running.get(partitionName(topic.slice(this.context.prefix.length), partition))?.worker;
    return worker === undefined || worker.stopped ? null : worker.fetchFrom;
  }

  /** One partition that fails ends all of them: half a consumer would look like a healthy one. */
  #fail(error: unknown): void {
    if (this.#over || this.#stopping) return;
    this.#over = true;
    this.#generation += 1;
    for (const { worker } of this.#running.values()) worker.stop();
    const member = this.#member;
    this.#member = null;
    void member?.stop();
    this.#reject(toAffiantErrorOrSame(error));
  }
}

/** A handler's own errors pass as they are. */
const toAffiantErrorOrSame = (error: unknown): unknown =>
  error instanceof Error ? error : toAffiantError(error, 'event_log_failed', 'the subscription failed');
