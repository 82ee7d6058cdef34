import { PartitionAssigners, type Consumer, type EachBatchPayload, type Kafka, type PartitionAssigner } from 'kafkajs';
import { AffiantError } from '#errors';
import { failed, isTransient, kafkaErrorType } from './errors.js';
import { askMember, forbidOffsetReset } from './no-offset-reset.js';

const SESSION_TIMEOUT_MS = 15_000;
const REBALANCE_TIMEOUT_MS = 20_000;
const HEARTBEAT_MS = 1_000;
/** A coordinator that has not answered a heartbeat for so many seconds may be another one now; kafkajs would ask the old one for twenty. */
const SILENT_TICKS = 4;
/** Longer than a rebalance that waits for a member which died without a word. */
const REPLACE_TICKS = 45;
const DISCONNECT_MS = 10_000;
const COMMIT_ATTEMPTS = 10;
/** What the broker answers to a member of the past. */
const FENCED = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID']);
const MOVED = new Set(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE']);

export type Assignment = Readonly<Record<string, readonly number[]>>;

export interface MemberEvents {
  /** A new generation has begun; no commit for the one before is accepted any more. Called synchronously, before anything is fetched. */
  assigned(assignment: Assignment): void;
  /** The member is about to join again: what it had may already be somebody else's. */
  revoked(): void;
  batch(payload: EachBatchPayload): void;
  /** Where a partition is read from next; null while that is not decided. */
  position(topic: string, partition: number): number | null;
  /** It will not come back; `transient` when another member in its place might do. Called once. */
  ended(error: AffiantError, transient: boolean): void;
}

/**
 * One membership of a consumer group. kafkajs fetches, joins and heartbeats; commits pass only while the generation they belong to lasts.
 * kafkajs itself would send them with the newest generation, also from a handler of a partition it has lost (H9).
 */
export class GroupMember {
  readonly #consumer: Consumer;
  readonly #events: MemberEvents;
  #generation = 0;
  #stable = false;
  #ended = false;
  #stopping = false;
  #silent = 0;
  /** To join again, as the member that it is: another one would have to wait until this one's session is over. */
  #rejoin = false;
  #watchdog: NodeJS.Timeout | undefined;
  #commitNow: EachBatchPayload['commitOffsetsIfNecessary'] | null = null;
  #unask: () => void = () => {};

  constructor(kafka: Kafka, group: string, events: MemberEvents, maxWaitMs: number) {
    forbidOffsetReset();
    this.#events = events;
    this.#consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: maxWaitMs,
      // kafkajs' own 1 MiB makes a ledger that has to catch up insert small batches.
      maxBytesPerPartition: 4 * 1024 * 1024,
      allowAutoTopicCreation: false,
      // The member is replaced by us, never restarted behind our back.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 20, restartOnFailure: () => Promise.resolve(false) },
      partitionAssigners: [this.#fencing()],
    });
    const { CRASH, STOP, DISCONNECT, GROUP_JOIN, HEARTBEAT, FETCH_START } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#joined(payload.memberId, payload.memberAssignment));
    this.#consumer.on(HEARTBEAT, () => (this.#silent = 0));
    // What a listener throws ends the fetch, and of this kind is what makes kafkajs look up the coordinator and join again.
    this.#consumer.on(FETCH_START, () => {
      if (this.#rejoin) throw new Rejoin();
    });
    // A crash comes with STOP and DISCONNECT, before or after it.
    this.#consumer.on(CRASH, ({ payload }) => this.#end(failed('the consumer crashed', payload.error), isTransient(payload.error)));
    for (const event of [STOP, DISCONNECT])
      this.#consumer.on(event, () =>
        setTimeout(() => this.#end(new AffiantError('event_log_failed', 'the consumer stopped unasked'), true), 100).unref(),
      );
  }

  /** Resolves when it runs, not when it has joined. Failures come through `ended`. */
  async start(topics: readonly string[]): Promise<void> {
    this.#watchdog = setInterval(() => this.#watch(), 1_000);
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 1,
        eachBatch: async (payload) => {
          this.#commitNow = payload.commitOffsetsIfNecessary;
          if (this.#stable) this.#events.batch(payload);
        },
      });
    } catch (error) {
      // A topic that is not there yet may be made; kafkajs does not call that retriable.
      this.#end(failed('the consumer cannot start', error), isTransient(error) || kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION');
    }
  }

  /** Leaves the group. Never fails; a coordinator that does not answer is not waited for. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#unask();
    this.#lose();
    clearInterval(this.#watchdog);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      this.#consumer.disconnect().catch(() => undefined),
      new Promise((resolve) => (timer = setTimeout(resolve, DISCONNECT_MS))),
    ]).finally(() => clearTimeout(timer));
  }

  pause(topic: string, partition: number): void {
    this.#consumer.pause([{ topic, partitions: [partition] }]);
  }

  resume(topic: string, partition: number): void {
    this.#consumer.resume([{ topic, partitions: [partition] }]);
  }

  seek(topic: string, partition: number, offset: number): void {
    this.#consumer.seek({ topic, partition, offset: String(offset) });
  }

  /** @throws AffiantError conflict when the generation is over: somebody else may have the partition, and gets the batch again; event_log_failed */
  async commit(topic: string, partition: number, offset: number, metadata: string | null): Promise<void> {
    const generation = this.#generation;
    for (let attempt = 1; ; attempt += 1) {
      // kafkajs takes the generation of the moment of this call; between a join and its end there is none, so none is confused with another.
      if (!this.#stable || generation !== this.#generation || this.#commitNow === null) {
        throw new AffiantError('conflict', `${topic}/${partition} is not assigned to this consumer any more`);
      }
      try {
        return await this.#commitNow({ topics: [{ topic, partitions: [{ partition, offset: String(offset), metadata }] }] } as never);
      } catch (error) {
        const type = kafkaErrorType(error);
        if (type === 'OFFSET_METADATA_TOO_LARGE') throw metadataTooLarge(metadata, error);
        if (type !== null && (FENCED.has(type) || MOVED.has(type)) && generation === this.#generation) {
          this.#lose();
          this.#rejoin = true;
        }
        if (attempt === COMMIT_ATTEMPTS || !isTransient(error)) throw failed(`committing ${topic}/${partition}`, error);
      }
      await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
    }
  }

  /** kafkajs asks its assigner for its protocol as the last thing before it joins: the only sign of it there is. */
  #fencing(): PartitionAssigner {
    return (config) => {
      const inner = PartitionAssigners.roundRobin(config);
      return {
        ...inner,
        protocol: (subscription) => {
          this.#lose();
          return inner.protocol(subscription);
        },
      };
    };
  }

  #joined(id: string, assignment: Assignment): void {
    if (this.#stopping || this.#ended) return;
    this.#unask();
    this.#unask = askMember(id, (topic, partition, offset) => this.#isMeant(topic, partition, offset));
    this.#generation += 1;
    this.#stable = true;
    this.#rejoin = false;
    this.#silent = 0;
    // Paused before the first fetch of this generation: where to begin is not kafkajs' to say.
    this.#consumer.pause(Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions: [...partitions] })));
    this.#events.assigned(assignment);
  }

  #isMeant(topic: string, partition: number, offset: number): boolean {
    const meant = this.#events.position(topic, partition);
    if (meant !== null && meant !== offset) this.seek(topic, partition, meant);
    return meant === offset;
  }

  #lose(): void {
    if (!this.#stable) return;
    this.#stable = false;
    this.#silent = 0;
    this.#events.revoked();
  }

  /** Counts ticks, not time: after a stall of this process every clock would be late at once. */
  #watch(): void {
    this.#silent += 1;
    if (this.#stable && this.#silent > SILENT_TICKS) this.#rejoin = true;
    if (this.#silent > REPLACE_TICKS) {
      this.#end(new AffiantError('event_log_failed', 'the group coordinator does not answer'), true);
    }
  }

  #end(error: AffiantError, transient: boolean): void {
    if (this.#ended || this.#stopping) return;
    this.#ended = true;
    this.#unask();
    this.#lose();
    clearInterval(this.#watchdog);
    this.#events.ended(error, transient);
  }
}

/** Recognised by kafkajs by its `type`. */
class Rejoin extends Error {
  readonly type = 'REBALANCE_IN_PROGRESS';

  constructor() {
    super('joining again');
  }
}

function metadataTooLarge(metadata: string | null, cause: unknown): AffiantError {
  return new AffiantError(
    'usage_invalid',
    `the metadata of a commit has ${Buffer.byteLength(metadata ?? '')} bytes, more than the brokers take`,
    {
      cause,
      remedy: 'Raise offset.metadata.max.bytes of the brokers.',
    },
  );
}
