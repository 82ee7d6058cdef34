import type { AffiantConfig } from '#config';
import type { Clock, EventCodec, Ids } from '#events';
import type { KafkaConnection, KafkaEventLog } from '#event-log';
import type { Logger, Metrics, MetricsReading } from '#observability';
import type { ServiceKeys } from './keys.js';
import type { Readiness } from './probe-server.js';
import type { ConfigWith, Section } from './sections.js';
import type { Shipping } from './shipping.js';
import type { Source } from './source.js';
import type { State } from './state.js';

/** Every service ships to Kafka; what else it needs it names. */
export type ServiceConfig<S extends Section> = ConfigWith<S> & ConfigWith<'kafka'>;

/** What every service has before its own parts are built. */
export interface ServiceContext<S extends Section = never> {
  readonly state: State;
  /** In force now: connections, policies, patterns and identity follow the file. */
  readonly config: () => ServiceConfig<S>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly codec: EventCodec;
  readonly logger: Logger;
  readonly keys: ServiceKeys;
  readonly source: Source;
  readonly shipping: Shipping;
  readonly metrics: Metrics;
  readonly kafka: KafkaConnection;
  /**
   * The event log on Kafka; closed at the end of the process. Its subscriptions wait for brokers that are away, however long: what ends them is a contradiction.
   * @param maxWaitMs how long an idle fetch waits at a broker
   */
  readonly openEventLog: (maxWaitMs: number) => KafkaEventLog;
  /** Says on stderr what the start is doing. */
  readonly progress: (step: string) => void;
  /**
   * Tries again for ever what fails only because an engine is away; readiness says so meanwhile.
   * @throws what does not pass by itself, and when the process is to stop
   */
  readonly whenThere: <T>(what: string, work: () => Promise<T>) => Promise<T>;
  /** Something without which the service is useless has ended for good: it stops in order and exits with 1, for its supervisor to start it again. */
  readonly fail: (what: string, error: unknown) => void;
}

/** A service at work. */
export interface RunningService {
  /** Base URLs for run.json. */
  readonly addresses: Readonly<Partial<Record<'gateway' | 'console' | 'issuer', string | null>>>;
  readiness(): Readiness;
  /** Beside journal, shipper and clock, which every service has. */
  reading(): MetricsReading | Promise<MetricsReading>;
  /** Takes a changed configuration. @throws AffiantError config_invalid, and then nothing has changed. */
  reload?(config: AffiantConfig): Promise<void>;
  /** Lets what is under way finish. The journal is open until it resolves. */
  stop(): Promise<void>;
}

export interface ServiceDefinition<S extends Section = never> {
  readonly name: 'proxy' | 'ledger' | 'evidence' | 'console';
  /** Sections it cannot do without, beside kafka. */
  readonly needs: readonly S[];
  start(context: ServiceContext<S>): Promise<RunningService>;
}
