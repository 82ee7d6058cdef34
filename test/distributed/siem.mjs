// The SIEM's side of distributed mode, on real engines: events of several sources in Kafka, the feed killed while it works, and what a SIEM then
// reads under a principal that may only read: rsyslog (imkafka) the OCSF topic, Confluent's Python client all topics, decoding Avro by the registry.
// Prints figures and `N passed, N failed`.
import '../support/prepare.mjs';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import kafkajs from 'kafkajs';
import { KAFKA_PACKAGES, pythonWith } from '../support/engines/python.mjs';
import { kafkaInstalled, startKafka } from '../support/engines/kafka.mjs';
import { registryInstalled, startRegistry } from '../support/engines/registry.mjs';
import { hasRsyslog, startRsyslog } from '../support/engines/rsyslog.mjs';
import { ocsfValidator } from '../support/ocsf/validate.mjs';
import { missing } from '../support/tools.mjs';

const { KafkaSender, partitionOf, topicPlans } = await import('#event-log');
const { ALL_TOPICS, applySchemas, checkSchemas, isGood, loadSchemaVersions, payloadHash, SchemaRegistry } = await import('#events');
const { sourceEvents } = await import('./siem/events.mjs');

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } = kafkajs;

const SOURCES = ['gateway-a', 'gateway-b', 'ledger-1'];
const EXCHANGES = Number(process.env.AFFIANT_SIEM_EXCHANGES ?? 400);
const PARTITIONS = 3;
const ORIGIN = 'siem.test/ledger';
const OCSF = 'affiant.ocsf.v1';
const FOREIGN = 'payroll';
const SIEM = { name: 'siem', password: 'siem-password-1' };
const here = (name) => fileURLToPath(new URL(`./siem/${name}`, import.meta.url));

let passed = 0;
let failed = 0;
function check(what, good, detail = '') {
  if (good) passed += 1;
  else failed += 1;
  console.log(`${good ? 'ok    ' : 'FAILED'} ${what}${good || detail === '' ? '' : `: ${detail}`}`);
}

async function until(what, look, ms = 180_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
    await delay(100);
  }
}

const python = pythonWith(KAFKA_PACKAGES);
const validate = ocsfValidator();
if (python === null || validate === null) missing('Python packages', 'the SIEM test cannot run');
const able = [kafkaInstalled(), registryInstalled(), hasRsyslog(['imkafka']), python !== null, validate !== null].every(Boolean);
if (!able) {
  console.log('0 passed, 0 failed');
  process.exit(0);
}

const closing = [];
const directory = mkdtempSync(join(tmpdir(), 'affiant-siem-'));
closing.push(() => rmSync(directory, { recursive: true, force: true }));
try {
  await run();
} catch (error) {
  check('the run', false, error.stack);
} finally {
  for (const close of closing.reverse()) await Promise.resolve(close()).catch((error) => console.error(error));
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function run() {
  // Debian's librdkafka does not do SCRAM with Kafka 4: PLAIN inside TLS for the SIEM.
  const [kafka, registry] = await Promise.all([
    startKafka({
      sasl: { users: [] },
      settings: {
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN',
        'listener.name.client.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${SIEM.name}="${SIEM.password}";`,
      },
    }),
    startRegistry(),
  ]);
  closing.push(
    () => kafka.stop(),
    () => registry.stop(),
  );
  const ca = join(directory, 'ca.pem');
  writeFileSync(ca, kafka.ca);
  await prepareCluster(kafka);

  const applied = await applySchemas(new SchemaRegistry({ url: registry.url }), loadSchemaVersions());
  check('the registry holds every schema under the id of the framing', applied.every(isGood), JSON.stringify(applied));

  const events = SOURCES.flatMap((source) => sourceEvents(source, EXCHANGES).map((event) => ({ source, ...event })));
  const byId = new Map(events.map((event) => [event.eventId, event]));
  console.log(`       ${events.length} events of ${SOURCES.length} sources, ${EXCHANGES} exchanges each`);
  const feed = startFeedProcess(kafka.connection);
  closing.push(() => feed.kill());
  await produce(kafka.connection, events);
  await feed.lag((health) => health.delivered > events.length / 4);
  const killedAt = feed.latest();
  await feed.kill();
  const again = startFeedProcess(kafka.connection);
  closing.push(() => again.kill());
  const startedAt = Date.now();
  await again.lag((health) => health.lag === 0 && health.delivered > 0);
  console.log(
    `       feed killed after ${killedAt.delivered} records; the rest (${again.latest().delivered}) ${Date.now() - startedAt} ms after the restart`,
  );

  await readByRsyslog(kafka, byId);
  const records = readByPython(kafka, registry, ca, events.length);
  checkOcsf(
    records.filter(({ topic }) => topic === OCSF),
    byId,
  );
  checkAvro(
    records.filter(({ topic }) => topic !== OCSF),
    byId,
  );
  await checkRefusals(kafka, ca);
  await registry.kill();
  const error = await checkSchemas(new SchemaRegistry({ url: registry.url }), loadSchemaVersions()).catch((cause) => cause);
  check('a registry that is away is told as such, and stops nothing else', error?.code === 'registry_failed', String(error));
  await produce(
    kafka.connection,
    sourceEvents('late', 1).map((event) => ({ source: 'late', ...event })),
  );
  await again.lag((health) => health.lag === 0 && health.delivered > again.mark + 5);
  check('the feed goes on without the registry', true);
}

async function prepareCluster(kafka) {
  const admin = new Kafka({ ...kafka.connection, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const plans = topicPlans({ partitions: PARTITIONS, replication_factor: 1, min_insync_replicas: 1, retention: 86_400_000 });
  const entries = plans.map(({ topic, partitions, settings }) => ({
    topic,
    numPartitions: partitions,
    replicationFactor: 1,
    configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
  }));
  await admin.createTopics({ topics: [...entries, { topic: FOREIGN, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: true });
  const allow = (resourceType, resourceName, operation, pattern = ResourcePatternTypes.LITERAL) => ({
    resourceType,
    resourceName,
    resourcePatternType: pattern,
    principal: `User:${SIEM.name}`,
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  });
  await admin.createAcls({
    acl: [
      ...plans.map(({ topic }) => allow(AclResourceTypes.TOPIC, topic, AclOperationTypes.READ)),
      allow(AclResourceTypes.GROUP, 'siem-reader', AclOperationTypes.READ, ResourcePatternTypes.PREFIXED),
    ],
  });
  await admin.disconnect();
}

/** As the shipper sends: per topic, to the partition of the source, in order. Some are sent twice, as after a doubt. */
async function produce(connection, events) {
  const sender = new KafkaSender({ connection });
  const lanes = new Map();
  for (const event of events) {
    const lane = `${event.topic} ${partitionOf(event.source, PARTITIONS)}`;
    lanes.set(lane, [...(lanes.get(lane) ?? []), event]);
  }
  const message = ({ source, value, event }) => ({ key: source, value, timestamp: Math.floor(event.envelope.occurred_at / 1_000) });
  for (const [lane, some] of lanes) {
    const [topic, partition] = lane.split(' ');
    await sender.send(topic, Number(partition), some.map(message));
    await sender.send(topic, Number(partition), some.slice(-20).map(message));
  }
  await sender.close();
}

function startFeedProcess(connection) {
  const child = spawn(
    process.execPath,
    [here('feed-process.mjs'), JSON.stringify({ connection, partitions: PARTITIONS, origin: ORIGIN })],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let health = { lag: -1, delivered: 0 };
  child.stdout.on('data', (data) => {
    const line = data.toString().trim().split('\n').at(-1);
    try {
      health = { ...health, ...JSON.parse(line) };
    } catch {
      // Half a line.
    }
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  return {
    mark: 0,
    latest: () => health,
    async lag(good) {
      await until('the feed', () => good(health)).catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(health)}`);
      });
      this.mark = health.delivered;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function security(ca) {
  return {
    'security.protocol': 'SASL_SSL',
    'sasl.mechanisms': 'PLAIN',
    'sasl.username': SIEM.name,
    'sasl.password': SIEM.password,
    ...(ca === undefined ? {} : { 'ssl.ca.location': ca }),
  };
}

async function readByRsyslog(kafka, byId) {
  const startedAt = Date.now();
  const config = { ...security() };
  config['security.protocol'] = 'sasl_ssl';
  const rsyslog = await startRsyslog({
    kafka: { bootstrap: kafka.bootstrap, topics: [OCSF], group: 'siem-reader-rsyslog', config, ca: kafka.ca },
  });
  try {
    const uids = () => new Set(rsyslog.messages().flatMap((line) => (line.endsWith('}') ? [JSON.parse(line).metadata.uid] : [])));
    await until('rsyslog', () => uids().size >= byId.size, 60_000).catch(() => undefined);
    const seen = uids();
    check(
      `rsyslog (imkafka) has every event`,
      [...byId.keys()].every((id) => seen.has(id)),
      `${seen.size} of ${byId.size}; ${rsyslog.errors().slice(-500)}`,
    );
    console.log(`       rsyslog: ${rsyslog.messages().length} records in ${Date.now() - startedAt} ms, start included`);
  } finally {
    await rsyslog.stop();
  }
}

function readByPython(kafka, registry, ca, expected) {
  const startedAt = Date.now();
  const task = {
    config: { 'bootstrap.servers': kafka.bootstrap.join(','), 'group.id': 'siem-reader-python', ...security(ca) },
    registry: registry.url,
    avro: ALL_TOPICS,
    json: [OCSF],
    expect: 10 * expected,
  };
  const { status, stdout, stderr } = spawnSync(python, [here('consumer.py'), JSON.stringify(task)], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(`the Python consumer ended with ${status}: ${stderr}`);
  const records = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const errors = records.filter(({ error }) => error !== undefined);
  check('the librdkafka client reads without an error', errors.length === 0, JSON.stringify(errors.slice(0, 3)));
  console.log(`       librdkafka client: ${records.length} records in ${Date.now() - startedAt} ms, 20 s of waiting for more included`);
  return records.filter(({ error }) => error === undefined);
}

function checkOcsf(records, byId) {
  const first = new Map();
  const doubles = records.filter((record) => {
    if (!first.has(record.event_id)) return !first.set(record.event_id, record);
    return true;
  });
  check(
    'every event is on the OCSF topic',
    [...byId.keys()].every((id) => first.has(id)),
    `${first.size} of ${byId.size}`,
  );
  check(
    'and nothing else',
    [...first.keys()].every((id) => byId.has(id)),
  );
  check(
    'a double is the same to the byte, under the same uid',
    doubles.every((record) => record.text === first.get(record.event_id).text),
  );
  console.log(`       OCSF: ${records.length} records, ${doubles.length} doubled by the kill`);
  check('in the order of each source within a topic, in one partition per source', isOrdered([...first.values()]));
  const chained = [...first.values()].every(({ text, event_id }) => {
    const event = JSON.parse(text);
    const { value, seq, source } = byId.get(event_id);
    return (
      event.metadata.uid === event_id &&
      event.metadata.sequence === seq &&
      event.metadata.log_source === source &&
      event.unmapped.affiant.ledger.payload_sha256 === payloadHash(value).toString('hex')
    );
  });
  check('each names its source, place and the digest of the Avro bytes', chained);
  const startedAt = Date.now();
  const found = validate([...first.values()].map(({ text }) => text));
  check(
    'every record validates against OCSF 1.9.0',
    found.problems.length === 0 && found.events === first.size,
    JSON.stringify(found.problems.slice(0, 5)),
  );
  console.log(`       OCSF classes ${JSON.stringify(found.classes)}, validated in ${Date.now() - startedAt} ms`);
}

function isOrdered(records) {
  const last = new Map();
  const partitions = new Map();
  return records
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset)
    .every(({ text, partition }) => {
      const { log_name, log_source, sequence } = JSON.parse(text).metadata;
      const lane = `${log_source} ${log_name}`;
      const good = sequence > (last.get(lane) ?? 0) && (partitions.get(log_source) ?? partition) === partition;
      last.set(lane, sequence);
      partitions.set(log_source, partition);
      return good;
    });
}

function checkAvro(records, byId) {
  const seen = new Set();
  const wrong = records.filter(({ value, topic, key }) => {
    const expected = byId.get(value.envelope.event_id);
    seen.add(value.envelope.event_id);
    return (
      expected === undefined || expected.topic !== topic || expected.source !== key || !isDeepStrictEqual(value, plain(expected.event))
    );
  });
  check('every event is on its Avro topic', seen.size === byId.size, `${seen.size} of ${byId.size}`);
  check('and decodes with fastavro, by the registry, to the same values', wrong.length === 0, JSON.stringify(wrong[0])?.slice(0, 400));
}

/** As consumer.py prints it. */
function plain(value) {
  if (Buffer.isBuffer(value)) return { hex: value.toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

async function checkRefusals(kafka, ca) {
  const config = { 'bootstrap.servers': kafka.bootstrap.join(','), ...security(ca) };
  const task = { config, topics: [OCSF, 'affiant.request.v1'], foreign: FOREIGN, group: 'siem-reader-other' };
  const { status, stdout, stderr } = spawnSync(python, [here('refusals.py'), JSON.stringify(task)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the refusals ended with ${status}: ${stderr}`);
  // _WAIT_COORD: librdkafka is not told who coordinates a group it may not use, and gives up.
  for (const [what, outcome] of JSON.parse(stdout))
    check(`the SIEM's principal may not ${what}`, outcome.endsWith('AUTHORIZATION_FAILED') || outcome === '_WAIT_COORD', outcome);
  const admin = new Kafka({ ...kafka.connection, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const [{ partitions }] = await admin.fetchOffsets({ groupId: 'siem.ocsf', topics: [OCSF] });
  check(
    'and has moved no offset of ours',
    partitions.every(({ offset }) => offset === '-1'),
    JSON.stringify(partitions),
  );
  await admin.disconnect();
}
