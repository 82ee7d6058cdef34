import type { AffiantConfig } from '#config';
import { skipped, type Check } from './check.js';
import { secretCheck } from './configuration.js';
import { hostChecks } from './host.js';
import { issuerChecks } from './issuers.js';
import { clickhouseChecks } from './distributed/clickhouse.js';
import { kafkaChecks } from './distributed/kafka.js';
import { objectStoreCheck } from './distributed/object-store.js';
import { postgresCheck } from './distributed/postgres.js';
import { redisCheck } from './distributed/redis.js';
import { countWrapped } from './distributed/wrapped-originals.js';
import { registryCheck } from './distributed/registry.js';
import { engineCheck } from './standalone/engine.js';
import { instanceChecks } from './standalone/instance.js';
import { siemChecks } from './siem.js';
import { signerCheck } from './signer.js';
import { timestampCheck } from './timestamps.js';
import { witnessCheck } from './witnesses.js';
import { originalsCheck } from './originals.js';
import { portsCheck } from './standalone/ports.js';
import { stateChecks } from './standalone/state.js';

const SECTIONS = ['kafka', 'clickhouse', 'postgres', 'redis', 'object_store'] as const;

/** Any of the sections that select engines makes it distributed mode (docs/adr/0050-distributed.md). */
export const isDistributed = (config: AffiantConfig): boolean => SECTIONS.some((section) => config[section] !== undefined);

/** Every check of this installation, in the order in which they are shown. */
export function checksOf(config: AffiantConfig, state: string): Check[] {
  const { postgres } = config;
  const common = [
    ...hostChecks(),
    secretCheck(config),
    signerCheck(config.ledger, state),
    originalsCheck({
      state,
      passphrase: config.unseal.passphrase,
      distributed: isDistributed(config),
      counts: postgres === undefined ? null : () => countWrapped(postgres),
    }),
    witnessCheck(config.ledger),
    timestampCheck(config.ledger),
    ...issuerChecks(config),
    ...siemChecks(config.siem),
  ];
  if (isDistributed(config)) return [...common, ...engines(config)];
  return [
    ...common,
    portsCheck(state, config.server, config.identity.development_issuer),
    ...stateChecks(state, config.journal),
    engineCheck(),
    ...instanceChecks(state),
  ];
}

function engines(config: AffiantConfig): Check[] {
  const { kafka, clickhouse, postgres, redis, object_store: objectStore, schema_registry: registry } = config;
  return [
    ...(kafka === undefined ? [absent('kafka')] : kafkaChecks(kafka, config.retention.content)),
    ...(clickhouse === undefined ? [absent('clickhouse')] : clickhouseChecks(clickhouse)),
    postgres === undefined ? absent('postgres') : postgresCheck(postgres),
    redis === undefined ? absent('redis') : redisCheck(redis),
    objectStore === undefined ? absent('object_store') : objectStoreCheck(objectStore),
    ...(registry === undefined ? [] : [registryCheck(registry)]),
  ];
}

const absent = (section: string): Check => ({
  id: section.replace('_', '-'),
  title: section,
  run: async () => skipped(`the configuration has no section ${section}; services that need it will say so`),
});
