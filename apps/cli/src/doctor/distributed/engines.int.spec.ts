import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig, type AffiantConfig, type SecretRef } from '#config';
import { openCatalogue, TypeormKeyBook } from '#catalogue';
import { topicPlans } from '#event-log';
import { ClickHouseLedgerStore, startEmbeddedEngine, type EmbeddedEngine } from '#ledger-store';
import { createLogger } from '#observability';
import { kafkaInstalled, startKafka, type TestKafka } from '../../../../../test/support/engines/kafka.mjs';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../../../test/support/engines/postgres.mjs';
import { hasRedis, startRedis, type TestRedis } from '../../../../../test/support/engines/redis.mjs';
import { hasS3, startS3, type TestS3 } from '../../../../../test/support/engines/s3.mjs';
import type { Check, CheckResult } from '../check.js';
import { checksOf } from '../checks-of.js';
import { runChecks } from '../run-checks.js';
import { clickhouseChecks } from './clickhouse.js';
import { kafkaChecks } from './kafka.js';
import { objectStoreCheck } from './object-store.js';
import { postgresCheck } from './postgres.js';
import { redisCheck } from './redis.js';
import { registryCheck } from './registry.js';
import { countWrapped } from './wrapped-originals.js';

let directory: string;
let count = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'affiant-doctor-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function secret(value: string): SecretRef {
  const file = join(directory, `secret-${(count += 1)}`);
  writeFileSync(file, value, { mode: 0o600 });
  return { file };
}

const run = async (...checks: Check[]): Promise<CheckResult[]> => runChecks(checks);
const one = async (check: Check): Promise<CheckResult> => (await runChecks([check]))[0]!;

describe.skipIf(!hasPostgres())('PostgreSQL', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres({ settings: { max_connections: '120' } });
  });
  afterAll(() => server?.stop());

  it('is in order, with the catalogue and before it', async () => {
    const url = await server.createDatabase('doctor');
    const check = postgresCheck({ url: secret(url), pool: 10 });
    expect(await one(check)).toMatchObject({ status: 'ok', detail: expect.stringContaining('no tables yet') });
    await (await openCatalogue({ url })).destroy();
    expect(await one(check)).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^version \d+.*\d+ migrations, the last is /) });
  });

  it('says how many keys of originals are wrapped under which pair', async () => {
    const url = await server.createDatabase('wrapped');
    const counted = (): Promise<unknown> => countWrapped({ url: secret(url), pool: 10 });
    expect(await counted()).toEqual([]);
    const catalogue = await openCatalogue({ url });
    const book = new TypeormKeyBook(catalogue, 'originals');
    const wrapped = ['rsa-1.QQ==', 'rsa-2.QQ==', 'rsa-2.Qg==', 'rsa-3.QQ=='];
    await book.issue(
      wrapped.map((text, n) => ({ id: `key-${n}`, wrapped: text })),
      1,
    );
    await book.destroy(['key-3'], 'erasure', 2);
    await catalogue.destroy();
    expect(await counted()).toEqual([
      { pair: 'rsa-2', keys: 2 },
      { pair: 'rsa-1', keys: 1 },
    ]);
  });

  it('tells what would take back decisions, and a pool that does not fit', async () => {
    const url = await server.createDatabase('careless');
    await server.query('ALTER DATABASE careless SET synchronous_commit = off');
    const found = await one(postgresCheck({ url: secret(url), pool: 100 }));
    expect(found).toMatchObject({ status: 'fail', detail: expect.stringMatching(/synchronous_commit is off.*max_connections 120/) });
  });

  it('never shows the password, and says that it does not answer', async () => {
    const found = await one(postgresCheck({ url: secret('postgres://affiant:hunter2@127.0.0.1:1/affiant'), pool: 10 }));
    expect(found).toMatchObject({ status: 'fail', unreachable: true });
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});

describe.skipIf(!hasRedis())('Redis', () => {
  let good: TestRedis;
  let careless: TestRedis;
  beforeAll(async () => {
    good = await startRedis();
    careless = await startRedis({
      settings: { appendonly: 'no', 'maxmemory-policy': 'allkeys-lru', maxmemory: '64mb', appendfsync: 'everysec' },
    });
  });
  afterAll(async () => {
    await good?.stop();
    await careless?.stop();
  });

  it('is in order, or says what would lose jobs', async () => {
    expect(await one(redisCheck({ url: secret(good.url) }))).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^version \d/) });
    expect(await one(redisCheck({ url: secret(careless.url) }))).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/appendonly is off.*allkeys-lru.*everysec/),
      remedy: expect.stringContaining('noeviction'),
    });
    expect(await one(redisCheck({ url: secret('redis://:hunter2@127.0.0.1:1') }))).toMatchObject({ status: 'fail', unreachable: true });
  });
});

describe.skipIf(!hasS3())('an S3-compatible store', () => {
  let s3: TestS3;
  beforeAll(async () => {
    s3 = await startS3();
  }, 300_000);
  afterAll(() => s3?.stop());

  it('has the bucket with versioning and object lock, or says what it lacks', async () => {
    const of = (bucket: string, secretKey = s3.secretAccessKey): Check =>
      objectStoreCheck({
        endpoint: s3.url,
        region: s3.region,
        bucket,
        prefix: '',
        path_style: true,
        retain: 1,
        access_key_id: secret(s3.accessKeyId),
        secret_access_key: secret(secretKey),
      });
    await s3.createBucket('plain', { lock: false, versioning: false });
    expect(await one(of(s3.bucket))).toMatchObject({ status: 'ok' });
    expect(await one(of('plain'))).toMatchObject({ status: 'fail', detail: expect.stringMatching(/not versioned|no object lock/) });
    expect(await one(of('nowhere'))).toMatchObject({ status: 'fail', detail: 'there is no bucket nowhere' });
    expect(await one(of(s3.bucket, 'wrong'))).toMatchObject({ status: 'fail', detail: expect.stringContaining('answers 403') });
  });
});

describe.skipIf(!kafkaInstalled())('Kafka', () => {
  let kafka: TestKafka;
  const topics = { partitions: 2, replication_factor: 1, min_insync_replicas: 1, retention: 86_400_000 };
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 1 });
  }, 300_000);
  afterAll(() => kafka?.stop());

  it('lacks topics, then has them, then one that would lose events', async () => {
    const config = { brokers: kafka.bootstrap, client_id: 'affiant', topics, resend_after: 1 };
    const [brokers, missing] = await run(...kafkaChecks(config));
    expect(brokers).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^1 brokers/) });
    expect(missing).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('affiant.ocsf.v1'),
      remedy: expect.stringContaining('affiant topics apply'),
    });

    const admin = new Kafka({ ...kafka.connection, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const plans = topicPlans(topics);
      await admin.createTopics({
        waitForLeaders: true,
        topics: plans.map(({ topic, partitions, replicationFactor, settings }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
        })),
      });
      expect((await run(...kafkaChecks(config)))[1]).toMatchObject({ status: 'ok' });
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name: plans[0]!.topic, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
      });
    } finally {
      await admin.disconnect();
    }
    // A broker answers with the changed setting a little after the controller took it.
    await expect
      .poll(async () => (await run(...kafkaChecks(config)))[1], { timeout: 30_000, interval: 200 })
      .toMatchObject({ status: 'fail', detail: expect.stringContaining('compaction deletes events') });
    const strict = { ...config, topics: { ...topics, partitions: 12, replication_factor: 3 } };
    const [few, wrong] = await run(...kafkaChecks(strict));
    expect(few).toMatchObject({ status: 'fail', detail: expect.stringContaining('want 3 copies') });
    expect(wrong?.detail).toMatch(/has 2 partitions.*has 1 copies/);
  }, 120_000);

  it('does not answer', async () => {
    const config = { brokers: ['127.0.0.1:1'], client_id: 'affiant', topics, resend_after: 1 };
    expect(await run(...kafkaChecks(config))).toMatchObject([
      { status: 'fail', unreachable: true },
      { status: 'fail', unreachable: true },
    ]);
  });
});

describe('ClickHouse', () => {
  let engine: EmbeddedEngine;
  beforeAll(async () => {
    engine = await startEmbeddedEngine({ stateDirectory: join(directory, 'ledger'), logger: createLogger('test', { level: 'silent' }) });
  });
  afterAll(() => engine?.stop());

  it('is asked with every login of the configuration', async () => {
    const { url, headers, readers } = engine.access;
    const login = ({ user, password }: { user: string; password: string }) => ({ user, password: secret(password) });
    const config = {
      url,
      writer: login(engine.writer),
      auditor: login(readers.auditor),
      examiner: login(readers.examiner),
      evidence: login(readers.evidence),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, secret(value)])),
    };
    const [server, tables] = await run(...clickhouseChecks(config));
    expect(server).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^version 2\d\./) });
    expect(tables).toMatchObject({ status: 'fail', remedy: expect.stringContaining('ledger migrate') });
    const store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
    await store.migrate();
    await store.close();
    const results = await run(...clickhouseChecks(config));
    expect(results.map(({ id, status, detail }) => [id, status, detail])).toEqual([
      ['clickhouse.server', 'ok', expect.any(String)],
      ['clickhouse.tables', 'ok', expect.stringContaining('one copy each')],
      ['clickhouse.roles', 'ok', expect.any(String)],
    ]);
    // A reader's place taken by the writer: it is not held to reading.
    const mixed = await run(
      ...clickhouseChecks({ ...config, auditor: config.writer, writer: { ...config.writer, password: secret('wrong') } }),
    );
    expect(mixed.map(({ status }) => status)).toEqual(['fail', 'fail', 'fail']);
    const [, , roles] = await run(...clickhouseChecks({ ...config, auditor: config.writer }));
    expect(roles).toMatchObject({ status: 'fail', detail: expect.stringContaining('auditor is not held to readonly') });
  }, 120_000);
});

describe('the schema registry', () => {
  it('warns only: events are written without it', async () => {
    const server = createServer((request, response) => {
      const known = request.headers.authorization === `Basic ${Buffer.from('reader:s3cret').toString('base64')}`;
      response
        .writeHead(known ? 200 : 401, { 'content-type': 'application/json' })
        .end(known ? '["affiant.request.v1-value", "other"]' : '{}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await one(registryCheck({ url, login: { user: 'reader', password: secret('s3cret') } }))).toMatchObject({
      status: 'ok',
      detail: '1 subjects',
    });
    expect(await one(registryCheck({ url }))).toMatchObject({ status: 'warn' });
    server.close();
    expect(await one(registryCheck({ url: 'http://127.0.0.1:1' }))).toMatchObject({ status: 'warn' });
  });
});

it('checks a distributed configuration that lacks sections, and says which', async () => {
  const config: AffiantConfig = parseConfig('redis: { url: { file: /nowhere/redis } }', 'test.yaml');
  const results = await runChecks(checksOf(config, directory));
  const of = (id: string): string | undefined => results.find((result) => result.id === id)?.status;
  expect([of('kafka'), of('clickhouse'), of('postgres'), of('object-store')]).toEqual(['skipped', 'skipped', 'skipped', 'skipped']);
  expect([of('redis'), of('config.secrets')]).toEqual(['fail', 'fail']);
});
