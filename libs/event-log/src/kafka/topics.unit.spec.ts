import type { Admin } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { KafkaTopics } from './topics.js';

const plan = { topic: 'affiant.request.v1', partitions: 1, replicationFactor: 1, settings: {} };
const never = (): Promise<never> => new Promise(() => undefined);

/** Brokers that stop answering from this call on. */
const silentFrom = (call: keyof Admin): Admin => {
  const answers: Partial<Record<keyof Admin, () => Promise<unknown>>> = {
    listTopics: async () => [],
    createTopics: async () => true,
    fetchTopicOffsets: async () => [],
    disconnect: async () => undefined,
  };
  return { ...answers, [call]: never } as unknown as Admin;
};

describe('topics of brokers that stop answering', () => {
  it.each(['listTopics', 'createTopics', 'fetchTopicOffsets'] as const)('%s: fails in the end, and says what to do', async (call) => {
    const topics = new KafkaTopics(silentFrom(call), 50);
    await expect(topics.apply([plan])).rejects.toMatchObject({ code: 'instance_unreachable', remedy: expect.stringContaining('leader') });
    await topics.close();
  });

  it('passes when they answer', async () => {
    const topics = new KafkaTopics(silentFrom('describeConfigs'), 60_000);
    expect((await topics.apply([plan])).changed).toHaveLength(1);
    await topics.close();
  });
});
