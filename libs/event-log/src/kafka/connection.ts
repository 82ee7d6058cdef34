import { Kafka, logLevel, type KafkaConfig as ClientOptions, type SASLOptions } from 'kafkajs';
import { resolveSecret, type KafkaConfig } from '#config';

/** How to reach the brokers, with every secret resolved; spread into kafkajs' options. Never logged. */
export type KafkaConnection = Pick<ClientOptions, 'brokers' | 'clientId' | 'ssl' | 'sasl'> & { readonly brokers: string[] };

/** The part of the configuration that says how to connect. */
export type KafkaConnectConfig = Pick<KafkaConfig, 'brokers' | 'client_id' | 'tls' | 'sasl'>;

/** What the references of the section name. */
export interface KafkaSecrets {
  /** PEM. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly password?: string;
}

/** A response later than this counts as none. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** @throws AffiantError config_secret_missing */
export async function resolveKafkaSecrets({ tls, sasl }: KafkaConnectConfig): Promise<KafkaSecrets> {
  const named = { ca: tls?.ca, certificate: tls?.certificate, key: tls?.key, password: sasl?.password };
  const resolved = await Promise.all(
    Object.entries(named).map(async ([name, ref]) => (ref === undefined ? [] : [[name, await resolveSecret(ref)] as const])),
  );
  return Object.fromEntries(resolved.flat());
}

export function kafkaConnection(config: KafkaConnectConfig, { ca, certificate, key, password }: KafkaSecrets): KafkaConnection {
  const { brokers, client_id: clientId, tls, sasl } = config;
  return {
    brokers: [...brokers],
    clientId,
    ...(tls === undefined ? {} : { ssl: { ...(ca === undefined ? {} : { ca }), cert: certificate, key } }),
    // kafkajs has one type per mechanism; the three named in the configuration have the same two fields.
    ...(sasl === undefined ? {} : { sasl: { mechanism: sasl.mechanism, username: sasl.user, password: password ?? '' } as SASLOptions }),
  };
}

/**
 * `report` gets what the client warns of (broker down, rebalancing), for the process's log. `retries`: how often a request that failed is sent
 * again, about a second apart.
 */
export function kafkaClient(connection: KafkaConnection, report?: (message: string) => void, retries = 20): Kafka {
  return new Kafka({
    ...connection,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    connectionTimeout: 5_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries },
    logLevel: report === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log: { message, broker } }) =>
        report?.(`${namespace === '' ? '' : `${namespace}: `}${message}${typeof broker === 'string' ? ` (${broker})` : ''}`),
  });
}
