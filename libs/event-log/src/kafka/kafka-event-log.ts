import type { Kafka } from 'kafkajs';
import { AffiantError } from '#errors';
import { ALL_TOPICS, type Topic } from '#events';
import type {
  BatchHandler,
  Committed,
  EventLog,
  EventLogTail,
  LogRecord,
  PartitionState,
  SubscribeOptions,
  Subscription,
} from '../port.js';
import { kafkaClient, type KafkaConnection } from './connection.js';
import { OffsetReader } from './group-offsets-admin.js';
import { KafkaSubscription } from './kafka-subscription.js';
import { setOffset } from './offset-setter.js';
import { parsePartition } from './partition-of.js';
import { TailReader } from './tail-reader.js';

const PATIENCE_MS = 120_000;
const MAX_WAIT_MS = 100;

export interface KafkaEventLogOptions {
  readonly connection: KafkaConnection;
  /** Topics that `partitions`, `read` and the lag of a group without subscription look at; all unless given. */
  readonly topics?: readonly Topic[];
  /** Put before the names of topics and groups, for several installations on one cluster; nothing unless given. */
  readonly prefix?: string;
  /** How long a group may be out of reach before its subscription fails; 120,000 ms unless given, Infinity for one that only follows. */
  readonly patienceMs?: number;
  /**
   * How long a fetch waits at a broker that has nothing new; 100 ms unless given. A longer one spares the brokers and this process, costs no delay of
   * what comes, and makes a member join and stop by that much more slowly.
   */
  readonly maxWaitMs?: number;
  /** How long a log may seem shorter than what was committed, after its leader changed; 10,000 ms unless given. */
  readonly settleMs?: number;
  /** Gets what the client warns of, for the process's log. */
  readonly report?: (message: string) => void;
}

/**
 * The event log on Kafka. Partition = `<topic>/<number>`, offset = Kafka's. Any number of processes may be members of one group; a commit passes
 * only while the partition is assigned to the one that commits.
 */
export class KafkaEventLog implements EventLog, EventLogTail {
  readonly #kafka: Kafka;
  readonly #offsets: OffsetReader;
  readonly #tail: TailReader;
  readonly #topics: readonly Topic[];
  readonly #prefix: string;
  readonly #options: KafkaEventLogOptions;
  readonly #subscriptions = new Map<string, { subscription: KafkaSubscription; topics: readonly Topic[] }>();
  #setting: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: KafkaEventLogOptions) {
    const { connection, topics = ALL_TOPICS, prefix = '', report } = options;
    this.#options = options;
    this.#topics = topics;
    this.#prefix = prefix;
    this.#kafka = kafkaClient(connection, report);
    this.#offsets = new OffsetReader(this.#kafka, prefix);
    this.#tail = new TailReader(
      this.#kafka,
      `${prefix}${connection.clientId ?? 'affiant'}-tail`,
      topics.map((topic) => prefix + topic),
    );
  }

  /** Resolves before the group is joined: a process may start while the brokers are away. */
  async subscribe(options: SubscribeOptions, onBatch: BatchHandler): Promise<Subscription> {
    this.#checkOpen();
    if (this.#subscriptions.get(options.group)?.subscription.idle === false)
      throw new AffiantError('usage_invalid', `${options.group} is subscribed already`);
    const { patienceMs = PATIENCE_MS, maxWaitMs = MAX_WAIT_MS, settleMs, report = () => {} } = this.#options;
    const context = { kafka: this.#kafka, offsets: this.#offsets, prefix: this.#prefix, patienceMs, maxWaitMs, settleMs, report };
    const subscription = new KafkaSubscription(context, options, onBatch);
    this.#subscriptions.set(options.group, { subscription, topics: options.topics });
    subscription.start();
    return subscription;
  }

  /**
   * From a handler: passes while the partition is assigned here. Else only for a group that was never subscribed here and has no members.
   * @throws AffiantError conflict when somebody else has the partition
   */
  async commit(group: string, partition: string, offset: number, metadata: string | null = null): Promise<void> {
    this.#checkOpen();
    const subscribed = this.#subscriptions.get(group);
    if (subscribed !== undefined) return subscribed.subscription.commit(partition, offset, metadata);
    const at = parsePartition(partition);
    if (at === null) throw new AffiantError('not_found', `there is no partition ${partition}`);
    const set = this.#setting.then(() =>
      setOffset(this.#kafka, this.#prefix + group, { topic: this.#prefix + at.topic, partition: at.partition }, offset, metadata),
    );
    this.#setting = set.catch(() => undefined);
    return set;
  }

  async committed(group: string): Promise<ReadonlyMap<string, Committed>> {
    return this.#offsets.committed(group, this.#topicsOf(group));
  }

  async lag(group: string): Promise<ReadonlyMap<string, number>> {
    const topics = this.#topicsOf(group);
    const [committed, states] = await Promise.all([this.#offsets.committed(group, topics), this.#states(topics)]);
    return new Map(
      states.map(({ partition, firstOffset, nextOffset }) => {
        const from = committed.get(partition)?.offset ?? firstOffset;
        return [partition, Math.max(0, nextOffset - from)];
      }),
    );
  }

  /** Those that ever had a record. */
  async partitions(): Promise<readonly PartitionState[]> {
    return this.#states(this.#topics);
  }

  async read(partition: string, fromOffset: number, limit: number): Promise<readonly LogRecord[]> {
    this.#checkOpen();
    const at = parsePartition(partition);
    const topic = this.#topics.find((known) => known === at?.topic);
    const [state] = topic === undefined ? [] : (await this.#offsets.states([topic])).filter((each) => each.partition === partition);
    if (at === null || topic === undefined || state === undefined)
      throw new AffiantError('not_found', `there is no partition ${partition}`);
    if (fromOffset < state.firstOffset) throw new AffiantError('not_found', `${partition} begins at ${state.firstOffset}`);
    if (fromOffset >= state.nextOffset) return [];
    const found = await this.#tail.read(this.#prefix + topic, at.partition, fromOffset);
    return found.slice(0, limit).map(({ offset, value }) => ({ topic, partition, offset, value }));
  }

  async consumed(groups: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const [states, ...committed] = await Promise.all([this.partitions(), ...groups.map((group) => this.committed(group))]);
    return new Map(
      states.map(({ partition, firstOffset }) => [partition, Math.min(...committed.map((of) => of.get(partition)?.offset ?? firstOffset))]),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#subscriptions.values()].map(({ subscription }) => subscription.stop()));
    await this.#setting;
    await Promise.all([this.#tail.close(), this.#offsets.close()]);
  }

  async #states(topics: readonly Topic[]): Promise<readonly PartitionState[]> {
    return (await this.#offsets.states(topics)).filter(({ nextOffset }) => nextOffset > 0);
  }

  #topicsOf(group: string): readonly Topic[] {
    return this.#subscriptions.get(group)?.topics ?? this.#topics;
  }

  #checkOpen(): void {
    if (this.#closed) throw new AffiantError('event_log_failed', 'the event log is closed');
  }
}
