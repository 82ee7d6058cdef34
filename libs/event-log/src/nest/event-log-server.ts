import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { AffiantError } from '#errors';
import { ALL_TOPICS } from '#events';
import type { EventLog, LogBatch, Subscription } from '../port.js';
import { EVENT_LOG_TRANSPORT, EventLogContext, type LogConsumerOptions } from './log-consumer.js';

const MAX_BATCH_RECORDS = 1_000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

export interface EventLogServerOptions {
  /** Closed by whoever opened it. */
  readonly eventLog: EventLog;
  /** A consumer has ended for good, e.g. on a contradiction: report it and stop serving. Called once per group. */
  readonly onFailure: (group: string, error: unknown) => void;
}

type Handler = MessageHandler<LogBatch, EventLogContext>;

/**
 * Nest transport over the EventLog port, the same for the embedded log and for Kafka. Serves `@LogConsumer` methods:
 * a batch is committed after its effect; a handler that fails is retried by the log, then `onFailure` is told and nothing is committed.
 */
export class EventLogServer extends Server implements CustomTransportStrategy {
  override readonly transportId = EVENT_LOG_TRANSPORT;
  /** Errors reach the log, which retries or reports them; Nest must not report them as lost. */
  override readonly propagatesEventHandlerErrors = true;
  #subscriptions: Subscription[] = [];

  constructor(private readonly options: EventLogServerOptions) {
    super();
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    let failure: unknown;
    try {
      await this.#subscribeAll();
    } catch (error) {
      await this.close();
      failure = error;
    }
    callback(failure);
  }

  async close(): Promise<void> {
    const subscriptions = this.#subscriptions;
    this.#subscriptions = [];
    await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  }

  /** The log has no events of its own to listen to; failures come through `onFailure`. */
  on(): never {
    throw new AffiantError('usage_invalid', 'the event log server emits no events');
  }

  unwrap<T>(): T {
    return this.options.eventLog as T;
  }

  async #subscribeAll(): Promise<void> {
    const consumers = [...this.messageHandlers].map(([pattern, handler]) => ({
      handler: handler as Handler,
      consumer: consumerOf(pattern, handler),
    }));
    for (const { handler, consumer } of consumers) {
      const { maxBatchRecords = MAX_BATCH_RECORDS, maxBatchBytes = MAX_BATCH_BYTES } = consumer;
      const subscription = await this.options.eventLog.subscribe({ ...consumer, maxBatchRecords, maxBatchBytes }, (batch) =>
        this.#serve(handler, consumer, batch),
      );
      subscription.failed.catch((error: unknown) => this.options.onFailure(consumer.group, error));
      this.#subscriptions.push(subscription);
    }
  }

  async #serve(handler: Handler, { group, commits }: LogConsumerOptions, batch: LogBatch): Promise<void> {
    const { eventLog } = this.options;
    const commit = (offset: number, metadata: string | null): Promise<void> => eventLog.commit(group, batch.partition, offset, metadata);
    await this.#handle(handler, batch, new EventLogContext([group, batch, commit]));
    // A crash here leaves the effect without the commit: the batch comes again, and the handler, being idempotent, changes nothing.
    if (commits !== 'by-handler') await commit(batch.lastOffset + 1, null);
  }

  #handle(handler: Handler, batch: LogBatch, context: EventLogContext): Promise<void> {
    return new Promise((resolve, reject) => {
      this.onProcessingStartHook(this.transportId, context, async () => {
        try {
          await lastValueFrom(this.transformToObservable(await handler(batch, context)), { defaultValue: undefined });
          resolve();
        } catch (error) {
          reject(error);
        } finally {
          this.onProcessingEndHook?.(this.transportId, context);
        }
      });
    });
  }
}

/** @throws AffiantError usage_invalid for a handler that could lose events without a word. */
function consumerOf(pattern: string, handler: MessageHandler): LogConsumerOptions {
  const consumer = handler.extras?.['logConsumer'] as LogConsumerOptions | undefined;
  if (consumer === undefined) throw new AffiantError('usage_invalid', `the handler of ${pattern} is not marked with @LogConsumer`);
  if (handler.next !== undefined) throw new AffiantError('usage_invalid', `the group ${consumer.group} has more than one consumer`);
  const named = new Set([...consumer.topics, ...(consumer.ignores ?? [])]);
  const forgotten = ALL_TOPICS.filter((topic) => !named.has(topic));
  if (forgotten.length > 0) {
    throw new AffiantError('usage_invalid', `the group ${consumer.group} neither takes nor ignores ${forgotten.join(', ')}`);
  }
  return consumer;
}
