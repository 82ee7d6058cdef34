import type { Kafka } from 'kafkajs';
import { AffiantError } from '#errors';
import { failed } from './errors.js';

const JOIN_MS = 30_000;

/**
 * Commits for a group that nobody serves, as an operator would: joins it alone, commits, leaves.
 * @throws AffiantError event_log_failed
 */
export async function setOffset(
  kafka: Kafka,
  group: string,
  at: { readonly topic: string; readonly partition: number },
  offset: number,
  metadata: string | null,
): Promise<void> {
  await checkUnserved(kafka, group);
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: 10_000,
    rebalanceTimeout: 10_000,
    maxWaitTimeInMs: 100,
    allowAutoTopicCreation: false,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: at.topic, fromBeginning: true });
    const joined = new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new AffiantError('event_log_failed', `${group} cannot be joined`)), JOIN_MS);
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        consumer.pause([{ topic: at.topic }]);
        if (payload.memberAssignment[at.topic]?.includes(at.partition) === true) resolve();
        else reject(new AffiantError('event_log_failed', `${group} is served by somebody else, who must commit`));
      });
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    });
    joined.catch(() => undefined);
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: () => Promise.resolve() });
    await joined;
    await consumer.commitOffsets([{ topic: at.topic, partition: at.partition, offset: String(offset), metadata }]);
  } catch (error) {
    throw failed(`committing for ${group}`, error);
  } finally {
    clearTimeout(timer);
    await consumer.disconnect().catch(() => undefined);
  }
}

async function checkUnserved(kafka: Kafka, group: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { groups } = await admin.describeGroups([group]);
    if (groups.some(({ members }) => members.length > 0)) {
      throw new AffiantError('event_log_failed', `${group} is served by somebody else, who must commit`);
    }
  } catch (error) {
    throw failed(`looking at ${group}`, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
