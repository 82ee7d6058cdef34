import type { Kafka, Producer } from 'kafkajs';

/**
 * The producer in use. A discarded one takes no more sends and is disconnected when those it has are over; the next send makes a new one.
 * Nothing of it is kept: a producer that was wrong once may believe in a dead connection or in a leader of the past.
 */
export class ProducerSlot {
  #current: Lease | null = null;

  constructor(private readonly kafka: Kafka) {}

  /** Runs `work` with a connected producer; discards it when `work` fails. */
  async use<T>(work: (producer: Producer) => Promise<T>): Promise<T> {
    const lease = (this.#current ??= new Lease(this.kafka));
    lease.users += 1;
    try {
      return await work(await lease.connected);
    } catch (error) {
      if (this.#current === lease) this.#current = null;
      throw error;
    } finally {
      lease.users -= 1;
      if (lease.users === 0 && this.#current !== lease) lease.end();
    }
  }

  async close(): Promise<void> {
    const lease = this.#current;
    this.#current = null;
    if (lease?.users === 0) await lease.end();
  }
}

class Lease {
  users = 0;
  readonly connected: Promise<Producer>;
  readonly #producer: Producer;

  constructor(kafka: Kafka) {
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      // Idempotent producing loses events when a send is cut after the append (research of ledger.md §3.2, H3 and H4); a doubled event is harmless.
      idempotent: false,
      maxInFlightRequests: 1,
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
      // Without a partition of its own a message would be placed anew at each attempt (H2).
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? -1,
    });
    this.connected = this.#producer.connect().then(() => this.#producer);
    this.connected.catch(() => undefined);
  }

  /** kafkajs may wait long for a dead broker here; nobody waits with it. */
  end(): Promise<void> {
    return this.#producer.disconnect().catch(() => undefined);
  }
}
