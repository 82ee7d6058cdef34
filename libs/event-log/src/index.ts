export { EmbeddedEventLog, type EmbeddedEventLogOptions } from './embedded-event-log.js';
export { EventLogServer, type EventLogServerOptions } from './nest/event-log-server.js';
export { EVENT_LOG_TRANSPORT, EventLogContext, LogConsumer, type LogConsumerOptions } from './nest/log-consumer.js';
export { DEFAULT_RETRY } from './retry.js';
export type * from './port.js';
