export { siemGroup, type FeedOptions, type FeedPorts, type RecordSink, type SinkHealth } from './ports.js';
export { KafkaSink, type KafkaSinkOptions, type OcsfSender } from './sinks/kafka-sink.js';
export { openSiemSinks, siemGroups, siemProbes } from './sinks/open-sinks.js';
export type { ProbeAnswer } from './sinks/probe.js';
export { startFeed, type Feed } from './start-feed.js';
