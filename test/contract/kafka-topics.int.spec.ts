import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ConfigResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCli } from '#apps/cli';
import { ALL_TOPICS, TOPICS } from '#events';
import { KafkaEventLog, kafkaConnection, KafkaSender } from '#event-log';
import { OCSF_TOPIC } from '#ocsf';
import { kafkaInstalled, startKafka, type TestKafka } from '../support/engines/kafka.mjs';

const SIEM = { name: 'siem', password: 'siem-password' };

/** `affiant topics apply` and what a SIEM may do, on a broker with TLS, SCRAM and an authorizer. */
describe.skipIf(!kafkaInstalled())('topics on a secured broker', () => {
  let broker: TestKafka;
  let directory: string;
  let admin: ReturnType<Kafka['admin']>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'topics-'));
    broker = await startKafka({ sasl: { users: [SIEM] } });
    await writeFile(join(directory, 'ca.pem'), broker.ca ?? '');
    await writeFile(join(directory, 'password'), broker.admin?.password ?? '');
    admin = new Kafka({ ...broker.connection, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
  }, 240_000);
  afterAll(async () => {
    await admin?.disconnect();
    await broker?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const run = async (args: readonly string[], change: { brokers?: readonly string[]; partitions?: number; password?: string } = {}) => {
    const config = join(directory, 'affiant.yaml');
    const password = join(directory, change.password ?? 'password');
    await writeFile(
      config,
      `institution: Test Bank
kafka:
  brokers: ${JSON.stringify(change.brokers ?? broker.bootstrap)}
  tls: { ca: { file: '${join(directory, 'ca.pem')}' } }
  sasl: { mechanism: scram-sha-512, user: admin, password: { file: '${password}' } }
  topics: { partitions: ${change.partitions ?? 2}, replication_factor: 1, min_insync_replicas: 1 }
`,
    );
    let out = '';
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((out += String(chunk)), true));
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    try {
      const exit = await runCli(['node', 'affiant', 'topics', 'apply', '--config', config, ...args]);
      return {
        exit,
        out,
        json: args.includes('--json') && out !== '' ? (JSON.parse(out) as { differences: { topic: string; name: string }[] }) : null,
      };
    } finally {
      stdout.mockRestore();
      stderr.mockRestore();
    }
  };
  const setTopic = (topic: string, settings: Record<string, string>) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })) },
      ],
    });
  const setting = async (topic: string, name: string) => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }],
    });
    return resources[0]?.configEntries[0]?.configValue;
  };

  it('compares, says what it would do, makes the topics, and finds nothing more to do', async () => {
    const checked = await run(['--check', '--json']);
    expect([checked.exit, checked.json?.differences.length]).toEqual([1, ALL_TOPICS.length + 1]);
    expect((await run(['--dry-run'])).exit).toBe(0);
    expect(await admin.listTopics()).not.toContain(TOPICS.request);
    expect((await run([])).exit).toBe(0);
    expect((await run(['--check'])).exit).toBe(0);
    expect(await setting(OCSF_TOPIC, 'unclean.leader.election.enable')).toBe('false');
    expect(await setting(TOPICS.response, 'max.message.bytes')).toBe(String(48 * 1024 * 1024));
  });

  it('names and mends a changed setting, and keeps what else the operator has set', async () => {
    await setTopic(TOPICS.decision, { 'retention.ms': '1000', 'segment.ms': '7200000' });
    const checked = await run(['--check', '--json']);
    expect(checked.json?.differences.some(({ topic, name }) => topic === TOPICS.decision && name === 'retention.ms')).toBe(true);
    expect((await run([])).exit).toBe(0);
    expect((await run(['--check'])).exit).toBe(0);
    expect(await setting(TOPICS.decision, 'segment.ms')).toBe('7200000');
  });

  it('refuses another number of partitions', async () => {
    const result = await run(['--json'], { partitions: 3 });
    expect(result.exit).toBe(1);
    expect(result.json?.differences.every(({ name }) => name === 'partitions')).toBe(true);
    expect((await admin.fetchTopicMetadata({ topics: [TOPICS.request] })).topics[0]?.partitions.length).toBe(2);
  });

  it('tells a configuration that cannot be used from brokers that do not answer', async () => {
    expect((await run([], { password: 'none' })).exit).toBe(2);
    expect((await run([], { brokers: ['127.0.0.1:1'] })).exit).toBe(3);
    expect((await run(['--acl', 'User:a; rm -rf /'])).exit).toBe(2);
  });

  it('lets a SIEM with the printed grants read the facts, and nothing else', async () => {
    const siem = {
      ...broker.connection,
      clientId: 'siem',
      sasl: { mechanism: 'scram-sha-512', username: SIEM.name, password: SIEM.password },
    } as const;
    const printed = JSON.parse((await run(['--acl', 'User:siem', '--json'])).out) as {
      commands: string[];
      topics: string[];
      groupPrefix: string;
    };
    expect(printed.commands).toHaveLength(3);
    const grant = (resourceType: AclResourceTypes, resourceName: string, resourcePatternType: ResourcePatternTypes) => ({
      resourceType,
      resourceName,
      resourcePatternType,
      principal: 'User:siem',
      host: '*',
      operation: AclOperationTypes.READ,
      permissionType: AclPermissionTypes.ALLOW,
    });
    await admin.createAcls({
      acl: [
        ...printed.topics.map((topic) => grant(AclResourceTypes.TOPIC, topic, ResourcePatternTypes.LITERAL)),
        grant(AclResourceTypes.GROUP, printed.groupPrefix, ResourcePatternTypes.PREFIXED),
      ],
    });
    const config = {
      brokers: broker.bootstrap,
      client_id: 'affiant',
      tls: {},
      sasl: { user: 'admin', password: { env: 'X' }, mechanism: 'scram-sha-512' as const },
    };
    const connection = kafkaConnection(config, { ca: broker.ca, password: broker.admin?.password });
    const sender = new KafkaSender({ connection });
    await sender.send(TOPICS.checkpoint, 0, [{ key: 'ledger', value: Buffer.from('checkpoint'), timestamp: 1 }]);

    const reader = new Kafka({ ...siem, logLevel: logLevel.NOTHING }).consumer({
      groupId: `${printed.groupPrefix}reader`,
      maxWaitTimeInMs: 100,
    });
    const seen: string[] = [];
    await reader.connect();
    await untilGranted(() => reader.subscribe({ topics: printed.topics, fromBeginning: true }));
    await reader.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) });
    for (const until = Date.now() + 30_000; seen.length === 0 && Date.now() < until;) await delay(20);
    expect(seen).toEqual(['checkpoint']);
    await reader.disconnect();

    const thief = new KafkaSender({ connection: siem });
    await expect(thief.send(OCSF_TOPIC, 0, [{ key: 'x', value: Buffer.from('forged'), timestamp: 1 }])).rejects.toMatchObject({
      code: 'event_log_failed',
      remedy: expect.stringContaining('run-kafka.md'),
    });
    const curious = new KafkaEventLog({ connection: siem, patienceMs: 0 });
    const options = { group: 'ledger-ingest', topics: [TOPICS.request], maxBatchRecords: 1, maxBatchBytes: 1 };
    const subscription = await curious.subscribe(options, async () => {});
    await expect(subscription.failed).rejects.toMatchObject({ code: 'event_log_failed' });
    await Promise.all([curious.close(), thief.close(), sender.close()]);
  });
});

/** ACLs apply a little after they are made. */
async function untilGranted(work: () => Promise<unknown>): Promise<void> {
  for (const until = Date.now() + 20_000; ; await delay(100)) {
    try {
      await work();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}
