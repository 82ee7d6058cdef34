import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';

/** kafkajs 2.2.4, src/consumer/offsetManager: what we replace. */
interface OffsetManager {
  prototype: { setDefaultOffset(topicPartition: { topic: string; partition: number }): Promise<void> };
}

/**
 * When an offset is out of range, kafkajs commits "the beginning" or "the end" for the group, over whatever intent was stored there, and reads on
 * (research/ledger.md §3.2, H7). There is no option against it, so the one function is replaced: the consumer ends with an error instead.
 * `kafka-event-log.int.spec.ts` fails should another version of kafkajs not have it any more.
 */
export function forbidOffsetReset(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/offsetManager') as OffsetManager;
  prototype.setDefaultOffset = ({ topic, partition }) =>
    Promise.reject(new kafkajs.KafkaJSNonRetriableError(`${OUT_OF_RANGE} of ${topic}/${partition}`));
}

/** Begins the message of the error, by which it is recognised. */
export const OUT_OF_RANGE = 'the next offset is not in the log';
