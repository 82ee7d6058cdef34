import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { ERROR_CODES } from '#errors';
import { BoundedLabel, OTHER } from './bounded.js';
import { Gauges } from './gauges.js';
import type { MetricsReading } from './reading.js';

const OUTCOMES = 16;
const GROUPS = 64;

export interface MetricsOptions {
  /** `standalone`, `proxy`, `ledger`, `evidence` or `console`; a label of every series. */
  readonly service: string;
  readonly version: string;
  /** Asked once per scrape. Cheap: what the process knows already. When it throws, the scrape has no gauges and counts a failure. */
  readonly read: () => MetricsReading | Promise<MetricsReading>;
}

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** The metrics of one process in a registry of its own (docs/reference/metrics.md). */
export class Metrics {
  readonly #registry = new Registry();
  readonly #gauges: Gauges;
  readonly #read: MetricsOptions['read'];
  readonly #outcomes = new BoundedLabel(OUTCOMES);
  readonly #groups = new BoundedLabel(GROUPS);
  readonly #refusals: Counter<'code'>;
  readonly #exchanges: Counter<'outcome'>;
  readonly #shipperErrors: Counter<'code'>;
  readonly #resent: Counter;
  readonly #consumerFailures: Counter<'group'>;
  readonly #scrapeFailures: Counter;
  #resentSeen = 0;

  constructor({ service, version, read }: MetricsOptions) {
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ service });
    this.#read = read;
    this.#gauges = new Gauges(this.#registry);
    this.#refusals = new Counter({
      name: 'affiant_refusals_total',
      help: 'Calls refused, by error code (docs/reference/errors.md)',
      labelNames: ['code'],
      registers,
    });
    this.#exchanges = new Counter({
      name: 'affiant_exchanges_total',
      help: 'Exchanges whose response event is durable, by outcome',
      labelNames: ['outcome'],
      registers,
    });
    this.#shipperErrors = new Counter({
      name: 'affiant_shipper_errors_total',
      help: 'Failed sends to Kafka, by error code',
      labelNames: ['code'],
      registers,
    });
    this.#resent = new Counter({
      name: 'affiant_shipper_resent_events_total',
      help: 'Events sent to Kafka again because the ledger had not acknowledged them in time',
      registers,
    });
    this.#consumerFailures = new Counter({
      name: 'affiant_kafka_consumer_failures_total',
      help: 'Kafka consumers that had to be made anew',
      labelNames: ['group'],
      registers,
    });
    this.#scrapeFailures = new Counter({
      name: 'affiant_scrape_failures_total',
      help: 'Scrapes without gauges because the process could not read its own state',
      registers,
    });
    new Gauge({ name: 'affiant_build_info', help: 'Always 1', labelNames: ['version', 'node'], registers }).set(
      { version, node: process.versions.node },
      1,
    );
    collectDefaultMetrics({ register: this.#registry });
  }

  /** A call was refused; what is not a code of ours counts as `other`. */
  refused(code: string): void {
    this.#refusals.inc({ code: knownCode(code) });
  }

  /** An exchange ended and its response event is durable. */
  exchangeEnded(outcome: string): void {
    this.#exchanges.inc({ outcome: this.#outcomes.of(outcome) });
  }

  shipperFailed(code: string): void {
    this.#shipperErrors.inc({ code: knownCode(code) });
  }

  consumerFailed(group: string): void {
    this.#consumerFailures.inc({ group: this.#groups.of(group) });
  }

  /** Names of every metric there is, whether it has a series now or not. */
  names(): readonly string[] {
    return this.#registry.getMetricsAsArray().map(({ name }) => name);
  }

  /** The exposition in Prometheus text format 0.0.4. Never throws for what `read` does. */
  async text(): Promise<Exposition> {
    try {
      const reading = await this.#read();
      this.#gauges.fill(reading);
      const resent = reading.shipper?.resent ?? 0;
      if (resent > this.#resentSeen) this.#resent.inc(resent - this.#resentSeen);
      this.#resentSeen = Math.max(this.#resentSeen, resent);
    } catch {
      this.#gauges.clear();
      this.#scrapeFailures.inc();
    }
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}

export const createMetrics = (options: MetricsOptions): Metrics => new Metrics(options);

const knownCode = (code: string): string => (code in ERROR_CODES ? code : OTHER);
