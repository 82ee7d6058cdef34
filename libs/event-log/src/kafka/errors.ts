import { AffiantError, isAffiantError } from '#errors';

/** kafkajs' errors carry the broker's error name in `type`, and wrap each other in `cause`. */
export function kafkaErrorType(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const type = (at as Error & { type?: unknown }).type;
    if (typeof type === 'string') return type;
  }
  return null;
}

/** What the client itself believes to pass with time: a broker that is gone, an election, a timeout. */
export function isTransient(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (['KafkaJSNumberOfRetriesExceeded', 'KafkaJSGroupCoordinatorNotFound', 'KafkaJSNoBrokerAvailableError'].includes(at.name))
      return true;
    if ((at as Error & { retriable?: unknown }).retriable === true) return true;
  }
  return false;
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const tooLarge = (topic: string, size: number, most: number): AffiantError =>
  new AffiantError('event_invalid', `a record of ${size} bytes is larger than the ${most} bytes that ${topic} takes`, {
    remedy: 'Keep the event; raise max.message.bytes of the topic with `affiant topics apply`, or lower server.body_limit.',
  });

/** What a caller of the sender gets: retryable unless sending again cannot help. */
export function sendError(error: unknown, topic: string, partition: number): AffiantError {
  if (isAffiantError(error)) return error;
  const type = kafkaErrorType(error);
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') {
    return new AffiantError('event_invalid', `${topic} takes no record of that size: ${reason(error)}`, {
      cause: error,
      remedy: 'Run `affiant topics apply`: the topic allows less than Affiant needs.',
    });
  }
  return failed(`sending to ${topic}/${partition}`, error);
}

/** Retryable. */
export function failed(what: string, cause: unknown): AffiantError {
  if (isAffiantError(cause)) return cause;
  const type = kafkaErrorType(cause);
  const remedy =
    type === 'UNKNOWN_TOPIC_OR_PARTITION'
      ? { remedy: 'Run `affiant topics apply` first.' }
      : type?.endsWith('AUTHORIZATION_FAILED') === true
        ? { remedy: 'Grant the principal what docs/guide/run-kafka.md lists.' }
        : {};
  return new AffiantError('event_log_failed', `${what}: ${reason(cause)}`, { cause, ...remedy });
}
