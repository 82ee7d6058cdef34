import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Kafka } from 'kafkajs';
import type { Committed, PartitionState } from '../port.js';
import { failed, isTransient, kafkaErrorType } from './errors.js';
import { parsePartition, partitionName } from './partition-of.js';

const ATTEMPTS = 8;

/** What kafkajs reports as committed when its own reset has put "the beginning" there. */
const isOffset = (offset: number): boolean => Number.isSafeInteger(offset) && offset >= 0;

/** Reads offsets of groups and of logs. Connects when first used; kafkajs connects again by itself. */
export class OffsetReader {
  readonly #admin: Admin;
  #connected: Promise<void> | null = null;

  constructor(
    kafka: Kafka,
    private readonly prefix: string,
  ) {
    this.#admin = kafka.admin();
  }

  /** Partitions without a commit are left out. @throws AffiantError event_log_failed */
  committed(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, Committed>> {
    return this.#ask(`reading the offsets of ${group}`, async (admin) => {
      const found = await admin.fetchOffsets({ groupId: this.prefix + group, topics: topics.map((topic) => this.prefix + topic) });
      return new Map(
        found.flatMap(({ topic, partitions }) =>
          partitions
            .filter(({ offset }) => isOffset(Number(offset)))
            .map(({ partition, offset, metadata }): [string, Committed] => [
              partitionName(topic.slice(this.prefix.length), partition),
              // The broker keeps no difference between no metadata and empty metadata.
              { offset: Number(offset), metadata: metadata === null || metadata === '' ? null : metadata },
            ]),
        ),
      );
    });
  }

  /** Every partition of the topics, in order; a topic that is not there has none. @throws AffiantError event_log_failed */
  async states(topics: readonly string[]): Promise<readonly PartitionState[]> {
    const found = await Promise.all(topics.map((topic) => this.#statesOf(topic)));
    return found.flat().sort((a, b) => compare(a.partition, b.partition));
  }

  async close(): Promise<void> {
    await this.#connected?.catch(() => undefined);
    await this.#admin.disconnect().catch(() => undefined);
  }

  #statesOf(topic: string): Promise<readonly PartitionState[]> {
    return this.#ask(`reading the ends of ${topic}`, async (admin) => {
      try {
        const offsets = await admin.fetchTopicOffsets(this.prefix + topic);
        return offsets.map(({ partition, low, high }) => ({
          partition: partitionName(topic, partition),
          firstOffset: Number(low),
          nextOffset: Number(high),
        }));
      } catch (error) {
        if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return [];
        throw error;
      }
    });
  }

  /** Asks again while leaders and coordinators move. */
  async #ask<T>(what: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#connected ??= this.#admin.connect();
        await this.#connected;
        return await work(this.#admin);
      } catch (error) {
        this.#connected = null;
        if (attempt === ATTEMPTS || !isTransient(error)) throw failed(what, error);
      }
      await delay(100 * attempt);
    }
  }
}

function compare(a: string, b: string): number {
  const [left, right] = [parsePartition(a), parsePartition(b)];
  if (left === null || right === null || left.topic !== right.topic) return a < b ? -1 : 1;
  return left.partition - right.partition;
}
