import { Worker } from 'node:worker_threads';
import type { AnchorHealth, LedgerHealth, SinkHealth, StampHealth } from '#apps/ledger';
import type { ContentKeys } from '#content-keys';
import { AffiantError } from '#errors';
import {
  ClickHouseLedgerStore,
  startEmbeddedEngine,
  type EmbeddedEngine,
  type EngineAccess,
  type EngineLimits,
  type MaintenanceOptions,
} from '#ledger-store';
import type { Logger } from '#observability';
import { giveKeys } from './keys-across.js';
import type { KeysWanted, LedgerOrder, LedgerReport, LedgerTask } from './ledger-task.js';

export interface SupervisorOptions {
  readonly stateDirectory: string;
  readonly limits: Partial<EngineLimits>;
  readonly logger: Logger;
  readonly progress: (step: string) => void;
  /** Resolves when the catalogue is open. */
  readonly contentKeys: Promise<ContentKeys>;
  /** Everything of the task but the engine, which is new after every start. */
  readonly task: Omit<LedgerTask, 'engine'>;
}

const RESTART_MS = 1_000;
const STOP_MS = 20_000;

/**
 * Keeps the ledger running: the ClickHouse child and the worker thread that feeds it. When either ends unasked both are started again;
 * meanwhile calls go on being journalled up to the high-water mark.
 */
export class LedgerSupervisor {
  #engine: EmbeddedEngine | null = null;
  #worker: Worker | null = null;
  #health: LedgerHealth | null = null;
  #siem: readonly SinkHealth[] = [];
  #anchor: AnchorHealth | null = null;
  #stamps: StampHealth | null = null;
  #stopping = false;
  #restarting: Promise<void> | null = null;

  constructor(private readonly options: SupervisorOptions) {}

  async start(): Promise<void> {
    await this.#startBoth();
  }

  /** @throws AffiantError engine_failed while the engine is away. */
  access(): EngineAccess {
    return this.#running().access;
  }

  /** Where retention may drop; it changes with every start of the engine. @throws AffiantError engine_failed while the engine is away. */
  retention(): MaintenanceOptions {
    const { access, retention } = this.#running();
    return { url: access.url, headers: access.headers, ...retention };
  }

  /** Where erasures may delete opened content. @throws AffiantError engine_failed while the engine is away. */
  erasure(): MaintenanceOptions {
    const { access, eraser } = this.#running();
    return { url: access.url, headers: access.headers, ...eraser };
  }

  /** Null while the ledger is away. */
  get health(): LedgerHealth | null {
    return this.#health;
  }

  /** The SIEM sinks as they last said; none while no sink is configured. */
  get siem(): readonly SinkHealth[] {
    return this.#siem;
  }

  /** The witnesses as the ledger last said; null before it did. */
  get anchor(): AnchorHealth | null {
    return this.#anchor;
  }

  /** The time-stamp authorities as the ledger last said; null before it did. */
  get stamps(): StampHealth | null {
    return this.#stamps;
  }

  /** Lets the ledger take in what is durable, then ends worker and engine. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#restarting;
    await this.#endWorker();
    await this.#engine?.stop();
    this.#engine = null;
  }

  #running(): EmbeddedEngine {
    if (this.#engine === null) throw new AffiantError('engine_failed', 'the ledger engine is being started');
    return this.#engine;
  }

  async #startBoth(): Promise<void> {
    const { stateDirectory, logger, limits, progress } = this.options;
    const engine = await startEmbeddedEngine({ stateDirectory, logger, limits, progress });
    void engine.exited.then(() => this.#restart(`the engine ended`, engine));
    progress('checking the ledger tables');
    const store = new ClickHouseLedgerStore({ url: engine.access.url, headers: engine.access.headers, ...engine.migrator });
    try {
      await store.migrate();
    } finally {
      await store.close();
    }
    progress('starting the ledger');
    await this.#startWorker(engine);
    this.#engine = engine;
  }

  #startWorker(engine: EmbeddedEngine): Promise<void> {
    const task: LedgerTask = { ...this.options.task, engine: { url: engine.access.url, headers: engine.access.headers, ...engine.writer } };
    const worker = new Worker(new URL('../ledger.worker.js', import.meta.url), {
      workerData: task,
      // It handles batches of some megabytes; without a bound its heap grows to what the machine has.
      resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 768 },
    });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: LedgerReport) => {
        if ('health' in message) {
          this.#health = message.health;
          this.#siem = message.siem;
          this.#anchor = message.anchor;
          this.#stamps = message.stamps;
        }
        if ('wanted' in message) void this.#give(worker, message.wanted);
        if ('ready' in message) resolve();
      });
      worker.on('error', (error) => {
        this.options.logger.error({ reason: error.message }, 'the ledger worker failed');
        reject(error);
      });
      worker.on('exit', () => {
        if (this.#worker === worker) this.#restart('the ledger worker ended', engine);
      });
    });
  }

  async #give(worker: Worker, wanted: KeysWanted): Promise<void> {
    worker.postMessage({ given: await giveKeys(wanted, this.options.contentKeys) } satisfies LedgerOrder);
  }

  #restart(why: string, engine: EmbeddedEngine): void {
    if (this.#stopping || this.#engine !== engine) return;
    this.options.logger.error({ why }, 'starting the ledger again');
    this.#engine = null;
    this.#health = null;
    this.#restarting = this.#restartUntilUp(engine);
  }

  async #restartUntilUp(engine: EmbeddedEngine): Promise<void> {
    await this.#dropWorker();
    await engine.stop();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
      if (this.#stopping) return;
      try {
        await this.#startBoth();
        return;
      } catch (error) {
        this.options.logger.error({ reason: (error as Error).message }, 'the ledger does not start');
        await this.#dropWorker();
      }
    }
  }

  async #dropWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  async #endWorker(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    worker.postMessage({ stop: true });
    const forced = setTimeout(() => void worker.terminate(), STOP_MS);
    await exited;
    clearTimeout(forced);
    this.#worker = null;
  }
}
