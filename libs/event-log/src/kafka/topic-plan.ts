import { ALL_TOPICS } from '#events';
import { OCSF_TOPIC } from '#ocsf';
import type { KafkaTopicsConfig } from '#config';

/** An event carries at most what a request body may (server.body_limit, 32 MB) with its masks; Kafka's own default is 1 MB. */
export const MAX_MESSAGE_BYTES = 48 * 1024 * 1024;

export interface TopicPlan {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Names and values as Kafka has them. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Every topic of the product as it must be (docs/reference/topics.md). */
export function topicPlans(config: KafkaTopicsConfig, prefix = ''): readonly TopicPlan[] {
  const { partitions, replication_factor: replicationFactor, min_insync_replicas: inSync, retention } = config;
  const settings = {
    'cleanup.policy': 'delete',
    'min.insync.replicas': String(inSync),
    'unclean.leader.election.enable': 'false',
    'retention.ms': String(retention),
    'retention.bytes': '-1',
    'max.message.bytes': String(MAX_MESSAGE_BYTES),
  };
  return [...ALL_TOPICS, OCSF_TOPIC].map((topic) => ({ topic: prefix + topic, partitions, replicationFactor, settings }));
}
