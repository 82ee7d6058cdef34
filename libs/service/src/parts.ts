import { setTimeout as delay } from 'node:timers/promises';
import { environment, packageVersion } from '#config';
import { partitionOf } from '#event-log';
import { EventCodec, SystemClock, SystemIds } from '#events';
import { createLogger, createMetrics, type Logger, type Metrics, type MetricsReading } from '#observability';
import { KafkaClients } from './kafka.js';
import { ServiceKeys } from './keys.js';
import type { ConfigWith } from './sections.js';
import { Shipping } from './shipping.js';
import { defaultSourceId, openSource, type Source } from './source.js';
import type { State } from './state.js';

/** Of a fetch of checkpoints, which come once a second at most and hurry nobody. */
const CHECKPOINT_WAIT_MS = 1_000;

/** What every service stands on, whichever it is: opened without any engine being there. */
export class ServiceParts {
  readonly clock = new SystemClock();
  readonly ids = new SystemIds();
  readonly codec = new EventCodec();

  private constructor(
    readonly sourceId: string,
    readonly logger: Logger,
    readonly keys: ServiceKeys,
    readonly kafka: KafkaClients,
    private readonly highWaterBytes: number,
  ) {}

  #source: Source | null = null;
  #shipping: Shipping | null = null;
  #metrics: Metrics | null = null;

  /** @throws AffiantError journal_corrupt | journal_locked | journal_failed | key_invalid | config_secret_missing */
  static async open(name: string, state: State, sharedKeys: string | null, config: ConfigWith<'kafka'>): Promise<ServiceParts> {
    const sourceId = config.source ?? defaultSourceId(name);
    const logger = createLogger(name, { level: environment().logLevel });
    const keys = await ServiceKeys.open(state, sharedKeys);
    const kafka = await KafkaClients.open(config.kafka, `${config.kafka.client_id}-${sourceId}`, logger);
    const parts = new ServiceParts(sourceId, logger, keys, kafka, config.journal.high_water_bytes);
    const { codec, clock, ids } = parts;
    const journalDirectory = state.path('journal');
    const source = await openSource({ sourceId, journalDirectory, key: keys.journal, config: config.journal, codec, clock, ids });
    parts.#source = source;
    parts.#shipping = new Shipping({
      source,
      sender: kafka.sender,
      partition: partitionOf(sourceId, config.kafka.topics.partitions),
      eventLog: kafka.eventLog(CHECKPOINT_WAIT_MS),
      positionFile: state.path('shipped.json'),
      resendAfterMs: config.kafka.resend_after,
      codec,
      clock,
      logger,
      onError: ({ code }) => parts.#metrics?.shipperFailed(code),
    });
    return parts;
  }

  get source(): Source {
    return this.#source as Source;
  }

  get shipping(): Shipping {
    return this.#shipping as Shipping;
  }

  /** The registry of the process; `own` are the sections the service adds. */
  createMetrics(service: string, own: () => Promise<MetricsReading>): Metrics {
    const read = async (): Promise<MetricsReading> => ({ ...this.#reading(), ...(await own()) });
    this.#metrics = createMetrics({ service, version: packageVersion, read });
    return this.#metrics;
  }

  /** Ships what is durable, and lets the clients say goodbye, each for at most `limitMs`; a kill meanwhile loses nothing. */
  async close(limitMs: number): Promise<void> {
    const shipped = await this.shipping.stop(limitMs);
    if (!shipped) this.logger.warn(this.shipping.report(), 'not everything was shipped; the rest goes at the next start');
    await Promise.race([this.kafka.close().catch(() => undefined), delay(limitMs / 2, undefined, { ref: false })]);
    await this.source.journal.close();
  }

  #reading(): MetricsReading {
    const { pendingBytes, durableSeq } = this.source.journal;
    const { lag, unacknowledged, resent, lastError } = this.shipping.report();
    return {
      journal: { pendingBytes, highWaterBytes: this.highWaterBytes, durableSeq },
      shipper: { lag, unacknowledged, resent, lastErrorUs: lastError?.atUs ?? null },
      clock: { offsetUs: this.clock.offsetUs() },
    };
  }
}
