import kafkajs, { type Admin } from 'kafkajs';
import type { KafkaConfig } from '#config';
import { kafkaConnection, MAX_MESSAGE_BYTES, resolveKafkaSecrets, topicPlans } from '#event-log';
import { fail, ok, warn, worst, type Check, type Finding } from '../check.js';

// A CommonJS module: Node sees only some of its names, not ConfigResourceTypes.
const { ConfigResourceTypes, Kafka, logLevel } = kafkajs;

/** Brokers, and every topic as the evidence needs it (docs/adr/0050-distributed.md). `contentMs`: how long the ledger keeps content; for ever when absent. */
export const kafkaChecks = (config: KafkaConfig, contentMs?: number): Check[] => [
  { id: 'kafka.brokers', title: 'Kafka brokers', run: () => withAdmin(config, (admin) => checkBrokers(admin, config)) },
  { id: 'kafka.topics', title: 'Kafka topics', run: () => withAdmin(config, (admin) => checkTopics(admin, config, contentMs)) },
];

async function withAdmin(config: KafkaConfig, look: (admin: Admin) => Promise<Finding>): Promise<Finding> {
  // Not the services' own client: that one goes on trying, and here the answer is wanted now.
  const retry = { retries: 1, initialRetryTime: 100 };
  const connection = kafkaConnection(config, await resolveKafkaSecrets(config));
  const admin = new Kafka({ ...connection, connectionTimeout: 5_000, requestTimeout: 10_000, retry, logLevel: logLevel.NOTHING }).admin({
    retry,
  });
  await admin.connect();
  try {
    return await look(admin);
  } finally {
    await admin.disconnect();
  }
}

async function checkBrokers(admin: Admin, { tls, sasl, topics, brokers: given }: KafkaConfig): Promise<Finding> {
  const { brokers, controller } = await admin.describeCluster();
  const told = `${brokers.length} brokers, controller ${controller ?? 'none'}`;
  const findings = [ok(told)];
  if (brokers.length < topics.replication_factor)
    findings.push(fail(`${told}; topics want ${topics.replication_factor} copies`, 'Bring the missing brokers back, or add some.'));
  if (given.length < 2 && brokers.length > 1)
    findings.push(warn('kafka.brokers names one address only', 'Name at least two: a start must not depend on one broker.'));
  const loopback = given.every((address) => /^(127\.|localhost|\[::1\])/.test(address));
  if (!loopback && tls === undefined) findings.push(fail('no TLS to Kafka', 'Add kafka.tls.'));
  if (!loopback && sasl === undefined && tls?.certificate === undefined)
    findings.push(warn('Kafka does not know who we are', 'Add kafka.sasl or a client certificate, and rights (ops/kafka/acls.sh).'));
  return worst(findings, told);
}

async function checkTopics(admin: Admin, { topics: wanted }: KafkaConfig, contentMs: number | undefined): Promise<Finding> {
  const plans = topicPlans(wanted);
  const names = plans.map(({ topic }) => topic);
  const there = new Set(await admin.listTopics());
  const missing = names.filter((name) => !there.has(name));
  if (missing.length > 0) return fail(`missing: ${missing.join(', ')}`, 'Run `affiant topics apply --config FILE`.');
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
  });
  const findings: Finding[] = [];
  for (const { name, partitions } of topics) {
    const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
    const setting = (key: string): string => entries.find(({ configName }) => configName === key)?.configValue ?? '';
    findings.push(
      ...judgeTopic(
        name,
        {
          partitions: partitions.length,
          replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
          inSync: Math.min(...partitions.map(({ isr }) => isr.length)),
          leaderless: partitions.filter(({ leader }) => leader < 0).length,
          minInSync: Number(setting('min.insync.replicas')),
          unclean: setting('unclean.leader.election.enable') === 'true',
          cleanup: setting('cleanup.policy'),
          retentionMs: Number(setting('retention.ms')),
          maxMessageBytes: Number(setting('max.message.bytes')),
        },
        wanted,
        contentMs,
      ),
    );
  }
  return worst(findings, `${names.length}, ${wanted.partitions} partitions each, all replicas in sync`);
}

export interface TopicFacts {
  readonly partitions: number;
  /** Of the partition that has fewest. */
  readonly replicas: number;
  readonly inSync: number;
  readonly leaderless: number;
  readonly minInSync: number;
  readonly unclean: boolean;
  readonly cleanup: string;
  /** -1 = for ever. */
  readonly retentionMs: number;
  readonly maxMessageBytes: number;
}

const APPLY = 'Run `affiant topics apply --config FILE`.';

export function judgeTopic(name: string, facts: TopicFacts, wanted: KafkaConfig['topics'], contentMs?: number): Finding[] {
  const found: Finding[] = [];
  if (facts.leaderless > 0) found.push(fail(`${name}: ${facts.leaderless} partitions without leader`, 'Bring their brokers back.'));
  if (facts.partitions !== wanted.partitions)
    found.push(
      fail(
        `${name} has ${facts.partitions} partitions, kafka.topics.partitions says ${wanted.partitions}`,
        'Set kafka.topics.partitions to what the topics have: sources are assigned to partitions for ever.',
      ),
    );
  if (facts.inSync < facts.minInSync)
    found.push(fail(`${name}: fewer than min.insync.replicas in sync, nothing can be written`, 'Bring the brokers back.'));
  else if (facts.inSync < facts.replicas) found.push(warn(`${name} is under-replicated`, 'Bring the brokers back.'));
  if (facts.replicas < wanted.replication_factor)
    found.push(
      fail(
        `${name} has ${facts.replicas} copies, not ${wanted.replication_factor}`,
        'Reassign its partitions (kafka-reassign-partitions).',
      ),
    );
  if (facts.minInSync < wanted.min_insync_replicas)
    found.push(fail(`${name}: min.insync.replicas is ${facts.minInSync}; an acknowledgement would not hold`, APPLY));
  if (facts.unclean) found.push(fail(`${name}: unclean leader election is on; acknowledged events could be lost`, APPLY));
  if (facts.cleanup !== 'delete') found.push(fail(`${name}: cleanup.policy is ${facts.cleanup}; compaction deletes events`, APPLY));
  if (facts.maxMessageBytes < MAX_MESSAGE_BYTES)
    found.push(fail(`${name}: max.message.bytes is ${facts.maxMessageBytes}; a large event would never get through`, APPLY));
  if (facts.retentionMs !== -1 && facts.retentionMs < wanted.retention)
    found.push(warn(`${name} keeps events for less than kafka.topics.retention`, APPLY));
  if (contentMs !== undefined && (facts.retentionMs === -1 || facts.retentionMs > contentMs))
    found.push(
      fail(
        `${name} keeps events for longer than retention.content: what the ledger drops stays in Kafka`,
        'Set kafka.topics.retention to at most retention.content, and run `affiant topics apply --config FILE`.',
      ),
    );
  return found;
}
