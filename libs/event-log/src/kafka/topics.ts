import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Admin, type ITopicMetadata } from 'kafkajs';
import { AffiantError } from '#errors';
import { kafkaClient, type KafkaConnection } from './connection.js';
import { failed, isTransient } from './errors.js';
import type { TopicPlan } from './topic-plan.js';

const RETRIES = 3;
/** CommonJS: Node finds only some of its names. */
const { ConfigResourceTypes } = kafkajs;
const LEADER_MS = 30_000;
/** For all that is asked of the brokers together: kafkajs itself may try for ever. */
const DEADLINE_MS = 120_000;
/** Kafka's DYNAMIC_TOPIC_CONFIG: set on the topic itself, not inherited. */
const SET_ON_TOPIC = 1;

export interface TopicDifference {
  readonly topic: string;
  /** `topic` when it is not there, `partitions`, `replication.factor`, or the name of a setting. */
  readonly name: string;
  readonly actual: string | null;
  readonly wanted: string;
  /** What `apply` does about it. */
  readonly remedy: 'create' | 'alter' | 'refused';
}

export interface AppliedTopics {
  readonly changed: readonly TopicDifference[];
  readonly refused: readonly TopicDifference[];
}

/** The topics of a cluster against those the product needs. */
export class KafkaTopics {
  readonly #late: Promise<never>;
  readonly #timer: NodeJS.Timeout;

  /** `admin` is connected. After `deadlineMs` whatever is still asked fails. */
  constructor(
    private readonly admin: Admin,
    deadlineMs = DEADLINE_MS,
  ) {
    let give: (error: AffiantError) => void = () => {};
    this.#late = new Promise<never>((_resolve, reject) => (give = reject));
    this.#late.catch(() => undefined);
    this.#timer = setTimeout(() => give(tooLate(deadlineMs)), deadlineMs);
    this.#timer.unref();
  }

  /** @throws AffiantError instance_unreachable, event_log_failed when the brokers answer and refuse */
  static async open(connection: KafkaConnection): Promise<KafkaTopics> {
    const admin = kafkaClient(connection, undefined, RETRIES).admin();
    try {
      await admin.connect();
      await admin.describeCluster();
      return new KafkaTopics(admin);
    } catch (error) {
      await admin.disconnect().catch(() => undefined);
      if (!isTransient(error)) throw failed('connecting to Kafka', error);
      throw new AffiantError('instance_unreachable', `Kafka does not answer: ${(error as Error).message}`, {
        cause: error,
        remedy: 'Check kafka.brokers, kafka.tls and that the brokers run.',
      });
    }
  }

  /** Everything that is not as planned, by name. Settings that no plan names are left alone. */
  async compare(plans: readonly TopicPlan[]): Promise<readonly TopicDifference[]> {
    return this.#ask('reading the topics', async () => {
      const there = new Set(await this.admin.listTopics());
      const known = plans.filter(({ topic }) => there.has(topic));
      if (known.length === 0) return plans.map(missing);
      const { topics } = await this.admin.fetchTopicMetadata({ topics: known.map(({ topic }) => topic) });
      const settings = await this.#settings(known);
      return plans.flatMap((plan) => {
        const metadata = topics.find(({ name }) => name === plan.topic);
        return metadata === undefined ? [missing(plan)] : differences(plan, metadata, settings.get(plan.topic) ?? new Map());
      });
    });
  }

  /**
   * Makes missing topics and alters settings. The number of partitions of a topic that exists is never changed: sources are assigned by it, and
   * their events would lose their order. Replicas are moved by the operator's own tools. Applied again, it goes on where it was cut.
   */
  async apply(plans: readonly TopicPlan[]): Promise<AppliedTopics> {
    const found = await this.compare(plans);
    const named = (remedy: TopicDifference['remedy']) => found.filter((difference) => difference.remedy === remedy);
    const topicsOf = (list: readonly TopicDifference[]) => plans.filter(({ topic }) => list.some((each) => each.topic === topic));
    await this.#create(topicsOf(named('create')));
    await this.#alter(topicsOf(named('alter')));
    return { changed: [...named('create'), ...named('alter')], refused: named('refused') };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.admin.disconnect().catch(() => undefined);
  }

  async #create(plans: readonly TopicPlan[]): Promise<void> {
    if (plans.length === 0) return;
    await this.#ask('making topics', () =>
      this.admin.createTopics({
        waitForLeaders: false,
        topics: plans.map(({ topic, partitions, replicationFactor, settings }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
        })),
      }),
    );
    await this.#ask('waiting for the leaders of new topics', () => this.#untilLed(plans));
  }

  async #alter(plans: readonly TopicPlan[]): Promise<void> {
    if (plans.length === 0) return;
    const settings = await this.#ask('reading the settings of topics', () => this.#settings(plans));
    await this.#ask('altering topics', () =>
      this.admin.alterConfigs({
        validateOnly: false,
        resources: plans.map((plan) => {
          // This request resets what it does not name: what an operator has set on the topic beside the plan is named again.
          const kept = [...(settings.get(plan.topic) ?? [])]
            .filter(([, { own }]) => own)
            .map(([name, { value }]) => [name, value] as const);
          const merged = new Map([...kept, ...Object.entries(plan.settings)]);
          return {
            type: ConfigResourceTypes.TOPIC,
            name: plan.topic,
            configEntries: [...merged].map(([name, value]) => ({ name, value })),
          };
        }),
      }),
    );
  }

  /** A topic can be written to a moment after it was made. */
  async #untilLed(plans: readonly TopicPlan[]): Promise<void> {
    for (const until = Date.now() + LEADER_MS; ; await delay(50)) {
      try {
        await Promise.all(plans.map(({ topic }) => this.admin.fetchTopicOffsets(topic)));
        return;
      } catch (error) {
        // kafkajs itself stumbles (TypeError) over a partition that is in the metadata and not yet in the answer.
        const mayPass = isTransient(error) || error instanceof TypeError;
        if (!mayPass || Date.now() > until) throw failed('waiting for the leaders of new topics', error);
      }
    }
  }

  async #settings(plans: readonly TopicPlan[]): Promise<Map<string, Map<string, { value: string; own: boolean }>>> {
    const { resources } = await this.admin.describeConfigs({
      includeSynonyms: false,
      resources: plans.map(({ topic }) => ({ type: ConfigResourceTypes.TOPIC, name: topic })),
    });
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(
          configEntries.map(({ configName, configValue, configSource }) => [
            configName,
            { value: configValue, own: Number(configSource) === SET_ON_TOPIC },
          ]),
        ),
      ]),
    );
  }

  async #ask<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await Promise.race([work(), this.#late]);
    } catch (error) {
      // kafkajs tells one error per topic.
      const each = (error as { errors?: unknown }).errors;
      throw failed(what, Array.isArray(each) && each[0] instanceof Error ? each[0] : error);
    }
  }
}

const tooLate = (ms: number): AffiantError =>
  new AffiantError('instance_unreachable', `Kafka has not done within ${ms / 1_000} s what was asked of it`, {
    remedy: 'See that every broker runs and that each topic has a leader, then run it again: it goes on where it was cut.',
  });

const missing = ({ topic, partitions }: TopicPlan): TopicDifference => ({
  topic,
  name: 'topic',
  actual: null,
  wanted: `${partitions} partitions`,
  remedy: 'create',
});

function differences(plan: TopicPlan, metadata: ITopicMetadata, settings: ReadonlyMap<string, { value: string }>): TopicDifference[] {
  const { topic } = plan;
  const replicas = [...new Set(metadata.partitions.map((partition) => partition.replicas.length))].join(', ');
  const fixed = [
    { name: 'partitions', actual: String(metadata.partitions.length), wanted: String(plan.partitions) },
    { name: 'replication.factor', actual: replicas, wanted: String(plan.replicationFactor) },
  ].map((each) => ({ topic, ...each, remedy: 'refused' as const }));
  const altered = Object.entries(plan.settings).map(([name, wanted]) => ({
    topic,
    name,
    actual: settings.get(name)?.value ?? null,
    wanted,
    remedy: 'alter' as const,
  }));
  return [...fixed, ...altered].filter(({ actual, wanted }) => actual !== wanted);
}
