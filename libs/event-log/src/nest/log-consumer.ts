import { Catch, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { BaseRpcContext, EventPattern } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import type { Topic } from '#events';
import type { LogBatch, SubscribeOptions } from '../port.js';

/** Transport id of EventLogServer; other servers of a hybrid application leave these handlers alone. */
export const EVENT_LOG_TRANSPORT = Symbol('event log');

export interface LogConsumerOptions extends Omit<SubscribeOptions, 'maxBatchRecords' | 'maxBatchBytes'> {
  /**
   * Topics that this group passes over on purpose. `topics` and `ignores` together must name every topic there is: a topic that nobody
   * thought of must not be committed past in silence.
   */
  readonly ignores?: readonly Topic[];
  /** 1,000 unless given. */
  readonly maxBatchRecords?: number;
  /** 4 MiB unless given. */
  readonly maxBatchBytes?: number;
  /**
   * after-effect (default): when the handler has succeeded, the server commits behind the batch. by-handler: the handler commits through its
   * context or the port, e.g. to store an intent with the offset before its effect.
   */
  readonly commits?: 'after-effect' | 'by-handler';
}

/** Second argument (`@Ctx()`) of a handler; the first (`@Payload()`) is the LogBatch. */
export class EventLogContext extends BaseRpcContext<[group: string, batch: LogBatch, commit: Commit]> {
  get group(): string {
    return this.args[0];
  }

  /** Commits `offset` of the batch's partition for the group; durable when it resolves. */
  commit(offset: number, metadata: string | null = null): Promise<void> {
    return this.args[2](offset, metadata);
  }
}

type Commit = (offset: number, metadata: string | null) => Promise<void>;

/** Hands the error itself to the server. Nest's own filter would replace it by `{status: 'error'}` and hide what may be retried. */
@Catch()
class PassOnErrors implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/**
 * Marks a controller method as the consumer of a group: `@LogConsumer({ group: 'ledger-ingest', topics: ALL_TOPICS })`.
 * It gets whole batches, in order per partition, again after a retryable failure; it must be idempotent.
 */
export function LogConsumer(options: LogConsumerOptions): LogConsumerDecorator {
  const consumes = EventPattern(options.group, EVENT_LOG_TRANSPORT, { logConsumer: options }) as MethodDecorator;
  const passesOn = UseFilters(new PassOnErrors());
  return (target, key, descriptor) => {
    consumes(target, key, descriptor);
    passesOn(target, key, descriptor);
  };
}

type Consume = (batch: LogBatch, context: EventLogContext) => unknown;
type LogConsumerDecorator = <Method extends Consume>(target: object, key: string, descriptor: TypedPropertyDescriptor<Method>) => void;
