import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';

/** kafkajs 2.2.4, src/consumer/offsetManager: what we replace, and what it has. */
interface OffsetManager {
  readonly memberId: string;
  nextOffset(topic: string, partition: number): { toString(): string };
  setDefaultOffset(topicPartition: { topic: string; partition: number }): Promise<void>;
}

/** Whether the member meant to read there; if not, it has said once more where. */
export type IsMeant = (topic: string, partition: number, offset: number) => boolean;

/** By the id the brokers gave. */
const members = new Map<string, IsMeant>();

/**
 * When an offset is out of range, kafkajs commits "the beginning" or "the end" for the group, over whatever intent was stored there, and reads on
 * (research/ledger.md §3.2, H7). There is no option against it, so the one function is replaced: the consumer ends with an error instead.
 * Unless it never meant to read there: a fetch that kafkajs prepares while it asks for the offsets of the group does not know of a seek that comes meanwhile, and
 * begins at the commit, which may lie before the log. The next fetch knows.
 * `kafka-event-log.int.spec.ts` fails should another version of kafkajs not have it any more.
 */
export function forbidOffsetReset(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/offsetManager') as { readonly prototype: OffsetManager };
  prototype.setDefaultOffset = function ({ topic, partition }) {
    const isMeant = members.get(this.memberId);
    if (isMeant?.(topic, partition, Number(this.nextOffset(topic, partition).toString())) === false) return Promise.resolve();
    return Promise.reject(new kafkajs.KafkaJSNonRetriableError(`${OUT_OF_RANGE} of ${topic}/${partition}`));
  };
}

/** From now on that member is asked. @returns ends it */
export function askMember(id: string, isMeant: IsMeant): () => void {
  members.set(id, isMeant);
  return () => {
    if (members.get(id) === isMeant) members.delete(id);
  };
}

/** Begins the message of the error, by which it is recognised. */
export const OUT_OF_RANGE = 'the next offset is not in the log';
