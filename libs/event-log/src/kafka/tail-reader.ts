import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { AffiantError } from '#errors';
import { failed } from './errors.js';

const READ_MS = 20_000;
const IDLE_MS = 60_000;

interface Wanted {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  give(payload: EachBatchPayload): void;
  fail(error: unknown): void;
}

/**
 * Reads any place of any partition, for somebody who only looks. kafkajs fetches for groups only, so this is a group of one with a name of its own
 * that never commits; it begins with the first read and ends when idle. One read at a time.
 */
export class TailReader {
  #consumer: Promise<Consumer> | null = null;
  #wanted: Wanted | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly kafka: Kafka,
    /** The rest of the group's name is random. */
    private readonly groupPrefix: string,
    private readonly topics: readonly string[],
  ) {}

  /** Values from `from` on, up to what one fetch brings; the caller knows that there is something. @throws AffiantError event_log_failed */
  read(topic: string, partition: number, from: number): Promise<readonly { offset: number; value: Buffer }[]> {
    const result = this.#last.then(() => this.#read(topic, partition, from));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#last;
    await this.#discard();
  }

  async #read(topic: string, partition: number, from: number): Promise<readonly { offset: number; value: Buffer }[]> {
    clearTimeout(this.#idle);
    let timer: NodeJS.Timeout | undefined;
    try {
      const consumer = await (this.#consumer ??= this.#open());
      const payload = await new Promise<EachBatchPayload>((resolve, reject) => {
        this.#wanted = { topic, partition, from, give: resolve, fail: reject };
        timer = setTimeout(() => reject(new AffiantError('event_log_failed', `no answer from ${topic}/${partition}`)), READ_MS);
        this.#seek(consumer);
      });
      return payload.batch.messages.map(({ offset, value }) => ({ offset: Number(offset), value: value ?? Buffer.alloc(0) }));
    } catch (error) {
      await this.#discard();
      throw failed(`reading ${topic}/${partition}`, error);
    } finally {
      this.#wanted = null;
      clearTimeout(timer);
      this.#idle = setTimeout(() => void this.#discard(), IDLE_MS).unref();
    }
  }

  #seek(consumer: Consumer): void {
    if (this.#wanted === null) return;
    const { topic, partition, from } = this.#wanted;
    consumer.seek({ topic, partition, offset: String(from) });
    consumer.resume([{ topic, partitions: [partition] }]);
  }

  async #open(): Promise<Consumer> {
    const consumer = this.kafka.consumer({
      groupId: `${this.groupPrefix}-${randomUUID()}`,
      sessionTimeout: 15_000,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 20, restartOnFailure: () => Promise.resolve(false) },
    });
    let joined = (): void => {};
    let crashed = (_error: unknown): void => {};
    const ready = new Promise<void>((resolve, reject) => {
      joined = resolve;
      crashed = reject;
    });
    ready.catch(() => undefined);
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      consumer.pause(Object.entries(payload.memberAssignment).map(([topic, partitions]) => ({ topic, partitions })));
      this.#seek(consumer);
      joined();
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      crashed(payload.error);
      this.#wanted?.fail(payload.error);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        const { topic, partition, messages } = payload.batch;
        consumer.pause([{ topic, partitions: [partition] }]);
        const wanted = this.#wanted;
        if (wanted?.topic !== topic || wanted.partition !== partition) return;
        if (Number(messages[0]?.offset) === wanted.from) wanted.give(payload);
        else this.#seek(consumer);
      },
    });
    await ready;
    return consumer;
  }

  async #discard(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = null;
    await (await consumer?.catch(() => undefined))?.disconnect().catch(() => undefined);
  }
}
