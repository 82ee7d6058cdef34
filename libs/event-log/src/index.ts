export { EmbeddedEventLog, type EmbeddedEventLogOptions } from './embedded-event-log.js';
export {
  kafkaClient,
  kafkaConnection,
  resolveKafkaSecrets,
  type KafkaConnectConfig,
  type KafkaConnection,
  type KafkaSecrets,
} from './kafka/connection.js';
export { KafkaEventLog, type KafkaEventLogOptions } from './kafka/kafka-event-log.js';
export { parsePartition, partitionName, partitionOf } from './kafka/partition-of.js';
export { KafkaSender, type KafkaRecord, type KafkaSenderOptions, type SentRange } from './kafka/sender.js';
export { KafkaTopics, type AppliedTopics, type TopicDifference } from './kafka/topics.js';
export { readerAcls, type ReaderAcls } from './kafka/reader-acls.js';
export { MAX_MESSAGE_BYTES, topicPlans, type TopicPlan } from './kafka/topic-plan.js';
export { EventLogServer, type EventLogServerOptions } from './nest/event-log-server.js';
export { EVENT_LOG_TRANSPORT, EventLogContext, LogConsumer, type LogConsumerOptions } from './nest/log-consumer.js';
export { LogTail, type LogTailOptions, type TailedRecord } from './log-tail.js';
export { DEFAULT_RETRY, withRetries } from './retry.js';
export { FrontierWatch, type FrontierWatchOptions } from './ship/frontier-watch.js';
export type { LogMessage, LogSender, ShipperReport } from './ship/port.js';
export { PositionFile, type PositionStore, type ShipPosition } from './ship/position-file.js';
export { ReplicatedRecorder, type ReplicatedRecorderOptions } from './ship/replicated-recorder.js';
export { Shipper, type ShipperOptions } from './ship/shipper.js';
export type * from './port.js';
