import type { Kafka, Message, Producer, RecordMetadata } from 'kafkajs';
import { AffiantError } from '#errors';
import { kafkaClient, type KafkaConnection } from './connection.js';
import { sendError, tooLarge } from './errors.js';
import { ProducerSlot } from './producer-slot.js';
import { MAX_MESSAGE_BYTES } from './topic-plan.js';

const MAX_SEND_BYTES = 1_000_000;
const MAX_SEND_RECORDS = 500;
/** Length, attributes, delta of time and offset, and the lengths of key and value, generously. */
const RECORD_OVERHEAD_BYTES = 64;
const BROKER_TIMEOUT_MS = 8_000;
/** Four attempts of ten seconds each and their pauses are less. */
const SEND_DEADLINE_MS = 60_000;
/** Calls that may wait for one topic-partition. */
const MAX_WAITING = 16;

export interface KafkaRecord {
  /** Source id. */
  readonly key: string;
  /** The exact bytes of the event. */
  readonly value: Buffer;
  /** When the event occurred, in ms: the same each time it is sent. */
  readonly timestamp: number;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
}

/** What one send has been acknowledged for. */
export interface SentRange {
  readonly firstOffset: number;
  readonly records: number;
}

export interface KafkaSenderOptions {
  readonly connection: KafkaConnection;
  readonly report?: (message: string) => void;
  /** Put before every topic name, for several installations on one cluster; nothing unless given. */
  readonly prefix?: string;
  /** As of the topics; see topic-plan.ts. */
  readonly maxMessageBytes?: number;
  /** For tests: the client to use instead of one for `connection`. */
  readonly client?: Kafka;
}

/**
 * Writes to Kafka such that what is acknowledged is there, which kafkajs alone does not give (research/ledger.md §3.2): one topic-partition per
 * request, one request at a time for each, acknowledged by all in-sync replicas, and the response must cover exactly what was sent. After any
 * doubt the producer is discarded. What was rejected may be in the log all the same: sending again doubles it, and the ledger drops the double.
 */
export class KafkaSender {
  readonly #slot: ProducerSlot;
  readonly #prefix: string;
  readonly #maxMessageBytes: number;
  readonly #lanes = new Map<string, { last: Promise<unknown>; waiting: number }>();
  #closed = false;

  constructor({ connection, report, prefix = '', maxMessageBytes = MAX_MESSAGE_BYTES, client }: KafkaSenderOptions) {
    this.#slot = new ProducerSlot(client ?? kafkaClient(connection, report));
    this.#prefix = prefix;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /**
   * Resolves when all in-sync replicas have all records, in this order. Cut into requests of at most 500 records or 1 MB; a larger record goes alone.
   * @throws AffiantError event_log_failed (retryable: send all of them again), overloaded, event_invalid for a record that no topic takes
   */
  async send(topic: string, partition: number, records: readonly KafkaRecord[]): Promise<readonly SentRange[]> {
    const large = records.find((record) => sizeOf(record) > this.#maxMessageBytes);
    if (large !== undefined) throw tooLarge(topic, sizeOf(large), this.#maxMessageBytes);
    return this.#inLine(`${topic}/${partition}`, async () => {
      const sent: SentRange[] = [];
      for (const chunk of cut(records)) sent.push(await this.#sendChunk(topic, partition, chunk));
      return sent;
    });
  }

  /** Waits for the sends in hand, which have a deadline. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#lanes.values()].map(({ last }) => last));
    await this.#slot.close();
  }

  #inLine<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new AffiantError('event_log_failed', 'the sender is closed');
    const lane = this.#lanes.get(name) ?? { last: Promise.resolve(), waiting: 0 };
    if (lane.waiting >= MAX_WAITING) throw new AffiantError('overloaded', `too many sends wait for ${name}`);
    this.#lanes.set(name, lane);
    lane.waiting += 1;
    const result = lane.last.then(work).finally(() => (lane.waiting -= 1));
    lane.last = result.catch(() => undefined);
    return result;
  }

  async #sendChunk(topic: string, partition: number, chunk: readonly KafkaRecord[]): Promise<SentRange> {
    const full = this.#prefix + topic;
    const messages = chunk.map(({ key, value, timestamp, headers }): Message => ({
      key,
      value,
      partition,
      timestamp: String(timestamp),
      headers: { ...headers },
    }));
    try {
      return await this.#slot.use(async (producer) => {
        const response = await withDeadline(produce(producer, full, messages));
        return { firstOffset: checkResponse(response, full, partition), records: chunk.length };
      });
    } catch (error) {
      throw sendError(error, topic, partition);
    }
  }
}

const produce = (producer: Producer, topic: string, messages: Message[]): Promise<RecordMetadata[]> =>
  producer.send({ topic, messages, acks: -1, timeout: BROKER_TIMEOUT_MS });

/** A response that does not name exactly this topic-partition is no acknowledgement of it, whatever kafkajs makes of it (H1). */
function checkResponse(response: readonly RecordMetadata[], topic: string, partition: number): number {
  const [only] = response;
  const offset = Number(only?.baseOffset ?? -1);
  const covers = response.length === 1 && only?.topicName === topic && only.partition === partition && only.errorCode === 0;
  if (!covers || !Number.isSafeInteger(offset) || offset < 0) {
    throw new AffiantError('event_log_failed', `the response of the broker does not acknowledge ${topic}/${partition}`);
  }
  return offset;
}

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new AffiantError('event_log_failed', `Kafka did not answer within ${SEND_DEADLINE_MS / 1_000} s`)),
      SEND_DEADLINE_MS,
    );
  });
  work.catch(() => undefined);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function sizeOf({ key, value, headers = {} }: KafkaRecord): number {
  const named = Object.entries(headers).reduce((sum, [name, of]) => sum + Buffer.byteLength(name) + Buffer.byteLength(of) + 8, 0);
  return value.length + Buffer.byteLength(key) + named + RECORD_OVERHEAD_BYTES;
}

function* cut(records: readonly KafkaRecord[]): Generator<readonly KafkaRecord[]> {
  let chunk: KafkaRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    if (chunk.length > 0 && (chunk.length === MAX_SEND_RECORDS || bytes + size > MAX_SEND_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(record);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}
