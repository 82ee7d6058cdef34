// The configuration of an installation, as its operator would write it: one for every service, but for ports and source.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Users of ClickHouse that the services have; tables are made by another. */
const ROLES = ['writer', 'eraser', 'auditor', 'examiner', 'evidence'];

/** @returns the configuration all services share; `extra` replaces whole sections */
export function sharedConfig({ directory, engines, issuerPort, provider, extra = {} }) {
  const secret = (name, value) => {
    const file = join(directory, `${name}.secret`);
    writeFileSync(file, value, { mode: 0o600 });
    return { file };
  };
  const login = (name, { user, password }) => ({ user, password: secret(name, password) });
  const upstream = {
    protocol: 'anthropic',
    upstream: provider.url,
    credential: secret('provider', provider.apiKey),
    allow: ['group:engineering'],
  };
  return {
    institution: 'Distributed Bank',
    identity: {
      development_issuer: true,
      clock_tolerance: '100ms',
      issuers: [{ name: 'development', issuer: `http://127.0.0.1:${issuerPort}`, audience: 'affiant', algorithms: ['EdDSA', 'RS256'] }],
    },
    connections: [
      { name: 'claude', ...upstream },
      { name: 'strict', durability: 'replicated', ...upstream },
    ],
    policies: [
      { name: 'no-credentials', detect: ['secret'], request: 'block', response: 'mask', tool_input: 'block' },
      { name: 'customer-data', detect: ['us_ssn', 'credit_card', 'email'], request: 'mask', response: 'mask' },
      {
        name: 'destructive-sql',
        when: { tool_input: '(?i)\\bdrop\\s+(table|database)\\b' },
        action: 'hold',
        approvers: { group: 'data-owners', quorum: 1, not: 'requester', expires: '15m' },
      },
    ],
    ledger: { origin: 'affiant.test/distributed', auditors: ['auditors'] },
    holds: { place: ['legal'], release: ['legal'] },
    erasure: { request: ['privacy'], approve: ['privacy'] },
    unseal: { request: ['privacy'], approve: ['privacy'] },
    kafka: {
      brokers: engines.kafka.bootstrap,
      resend_after: '15s',
      topics: {
        partitions: 6,
        replication_factor: Math.min(3, engines.kafka.brokers.length),
        min_insync_replicas: Math.min(2, engines.kafka.brokers.length),
      },
    },
    clickhouse: {
      url: engines.clickhouse.url,
      ...Object.fromEntries(ROLES.map((role) => [role, login(`clickhouse-${role}`, engines.clickhouse.users[role])])),
    },
    postgres: { url: secret('postgres', engines.databaseUrl), pool: 5 },
    redis: { url: secret('redis', engines.redis.url) },
    object_store: {
      endpoint: engines.s3.url,
      region: engines.s3.region,
      bucket: engines.s3.bucket,
      access_key_id: secret('s3-id', engines.s3.accessKeyId),
      secret_access_key: secret('s3-key', engines.s3.secretAccessKey),
      retain: '1d',
    },
    ...(engines.registry === undefined ? {} : { schema_registry: { url: engines.registry.url } }),
    ...extra,
  };
}

/** The same with the login that may make tables. */
export function withMigrator(config, { users: { migrator } }, directory) {
  const file = join(directory, 'clickhouse-migrator.secret');
  writeFileSync(file, migrator.password, { mode: 0o600 });
  return { ...config, clickhouse: { ...config.clickhouse, migrator: { user: migrator.user, password: { file } } } };
}

/** Writes a configuration; JSON is YAML. @returns its path */
export function writeConfig(path, config) {
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`);
  return path;
}
