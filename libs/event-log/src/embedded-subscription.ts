import type { GroupOffsets } from './group-offsets.js';
import type { JournalPartitions } from './journal-partitions.js';
import { PartitionReader } from './partition-reader.js';
import type { BatchHandler, SubscribeOptions, Subscription } from './port.js';

/** How often new sources are looked for. The timer also keeps the process alive, which a sleeping Atomics.waitAsync does not. */
const DISCOVERY_MS = 1_000;

/** All partitions for one group: one serial reader each, begun when the source appears. */
export class EmbeddedSubscription implements Subscription {
  readonly failed: Promise<never>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #reject: (error: unknown) => void = () => {};
  #discovery: NodeJS.Timeout | undefined;
  #discovering: Promise<void> = Promise.resolve();

  constructor(
    private readonly partitions: JournalPartitions,
    private readonly offsets: GroupOffsets,
    private readonly options: SubscribeOptions,
    private readonly onBatch: BatchHandler,
  ) {
    this.failed = new Promise<never>((_resolve, reject) => {
      this.#reject = reject;
    });
  }

  async start(): Promise<void> {
    await this.#discover();
    this.#discovery = setInterval(() => {
      this.#discovering = this.#discover().catch((error: unknown) => this.#fail(error));
    }, DISCOVERY_MS);
  }

  async stop(): Promise<void> {
    this.#halt();
    await this.#discovering;
    await Promise.all(this.#running.values());
  }

  async #discover(): Promise<void> {
    for (const partition of await this.partitions.list()) {
      if (this.#running.has(partition) || this.#stop.signal.aborted) continue;
      if (this.options.partitions?.includes(partition) === false) continue;
      const { options, onBatch, offsets } = this;
      const reader = new PartitionReader(partition, this.partitions.reader(partition), offsets, options, onBatch, this.#stop.signal);
      this.#running.set(
        partition,
        reader.run().catch((error: unknown) => this.#fail(error)),
      );
    }
  }

  /** One partition that fails ends all of them: half a consumer would look like a healthy one. */
  #fail(error: unknown): void {
    this.#halt();
    this.#reject(error);
  }

  #halt(): void {
    this.#stop.abort();
    clearInterval(this.#discovery);
  }
}
