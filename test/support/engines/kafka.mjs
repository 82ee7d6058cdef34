// Real Apache Kafka 4.3.1 brokers (KRaft) on loopback: `startKafka({ brokers: 3 })`. See kafka.d.mts for what it offers.
import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { freePorts } from './free-ports.mjs';
import { formatByHand, formatWithTool, javaArgs, kafkaInstalled } from './kafka-install.mjs';
import { makeCertificates } from './kafka-tls.mjs';
import { startReaper } from './reaper.mjs';

export { kafkaInstalled };

const READY_MS = 60_000;

export async function startKafka({ brokers: count = 1, sasl, settings = {} } = {}) {
  if (!kafkaInstalled()) throw new Error('Apache Kafka cannot run here');
  const directory = mkdtempSync(join(tmpdir(), 'kafka-'));
  const reaper = startReaper(directory);
  try {
    const ports = freePorts(count * 3);
    const nodes = Array.from({ length: count }, (_, i) => ({
      id: i + 1,
      client: ports[i * 3],
      internal: ports[i * 3 + 1],
      controller: ports[i * 3 + 2],
    }));
    const admin = sasl === undefined ? undefined : { name: 'admin', password: randomBytes(18).toString('base64url') };
    const certificates = sasl === undefined ? undefined : makeCertificates(directory);
    const brokers = nodes.map((node) => new Broker(node, nodes, { directory, reaper, certificates, settings }));
    // SCRAM users are part of the bootstrap metadata, which is the same for every node.
    if (admin !== undefined) formatWithTool(brokers[0].properties, [admin, ...(sasl.users ?? [])]);
    for (const broker of admin === undefined ? brokers : brokers.slice(1)) {
      formatByHand(broker.log, broker.id, admin === undefined ? undefined : join(brokers[0].log, 'bootstrap.checkpoint'));
    }
    await Promise.all(brokers.map((broker) => broker.start()));
    const bootstrap = nodes.map(({ client }) => `127.0.0.1:${client}`);
    const connection = {
      brokers: bootstrap,
      ...(admin === undefined
        ? {}
        : { ssl: { ca: certificates.ca }, sasl: { mechanism: 'scram-sha-512', username: admin.name, password: admin.password } }),
    };
    await clusterReady(connection, nodes);
    return {
      bootstrap,
      connection,
      brokers,
      ...(admin === undefined ? {} : { ca: certificates.ca, admin }),
      stop: () => reaper.end(),
    };
  } catch (error) {
    await reaper.end();
    throw error;
  }
}

class Broker {
  #process;
  #starts = 0;

  constructor(node, nodes, { directory, reaper, certificates, settings }) {
    this.id = node.id;
    this.port = node.client;
    this.log = join(directory, `log-${node.id}`);
    this.properties = join(directory, `server-${node.id}.properties`);
    this.directory = directory;
    this.reaper = reaper;
    writeFileSync(this.properties, propertiesOf(node, nodes, this.log, certificates, settings), { mode: 0o600 });
  }

  get pid() {
    return this.#process?.pid;
  }

  /** Starts it, again if it was killed; resolves when it serves. */
  async start() {
    this.#starts += 1;
    const file = join(this.directory, `server-${this.id}-${this.#starts}.log`);
    const out = openSync(file, 'w');
    const child = spawn('java', [...javaArgs(), 'kafka.Kafka', this.properties], { stdio: ['ignore', out, out] });
    closeSync(out);
    this.#process = child;
    this.exited = new Promise((resolve) => child.once('exit', resolve));
    this.reaper.add(child.pid);
    void this.exited.then(() => this.reaper.drop(child.pid));
    const until = Date.now() + READY_MS;
    while (!read(file).includes('Kafka Server started')) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) {
        throw new Error(`broker ${this.id} did not start:\n${read(file).slice(-2_000)}`);
      }
      await delay(50);
    }
  }

  /** kill -9; resolves when the process is gone. */
  async kill() {
    this.#process.kill('SIGKILL');
    await this.exited;
  }

  pause() {
    this.#process.kill('SIGSTOP');
  }

  resume() {
    this.#process.kill('SIGCONT');
  }
}

const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

function propertiesOf(node, nodes, log, certificates, settings) {
  const replicas = Math.min(3, nodes.length);
  const inSync = Math.min(2, nodes.length);
  const values = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'log.dirs': log,
    listeners: `CLIENT://127.0.0.1:${node.client},INTERNAL://127.0.0.1:${node.internal},CONTROLLER://127.0.0.1:${node.controller}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${node.client},INTERNAL://127.0.0.1:${node.internal}`,
    'listener.security.protocol.map': `CLIENT:${certificates === undefined ? 'PLAINTEXT' : 'SASL_SSL'},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': nodes.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join(','),
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    ...Object.fromEntries(
      [
        ['offsets.topic', 4],
        ['transaction.state.log', 4],
        ['share.coordinator.state.topic', 1],
      ].flatMap(([name, partitions]) => [
        [`${name}.num.partitions`, partitions],
        [`${name}.replication.factor`, replicas],
      ]),
    ),
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    'broker.session.timeout.ms': 3_000,
    'log.index.size.max.bytes': 1 << 20,
    // A broker looks for what is too old half a minute after its start: records with the fixed times of tests would be gone in the middle of one.
    'log.retention.ms': -1,
    ...(certificates === undefined
      ? {}
      : {
          'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
          'listener.name.client.ssl.keystore.type': 'PEM',
          'listener.name.client.ssl.keystore.location': certificates.keystore,
          'listener.name.client.ssl.truststore.type': 'PEM',
          'listener.name.client.ssl.truststore.location': certificates.truststore,
          'listener.name.client.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          // Brokers talk to each other without names, on listeners that no client is told of.
          'super.users': 'User:admin;User:ANONYMOUS',
          'allow.everyone.if.no.acl.found': false,
        }),
    ...settings,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Every broker knows all others, and a group coordinator answers: before that the first consumer would crash. */
async function clusterReady(connection, nodes) {
  const until = Date.now() + READY_MS;
  for (const broker of connection.brokers) {
    const admin = new Kafka({ ...connection, brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
    for (;;) {
      try {
        await admin.connect();
        const { brokers } = await admin.describeCluster();
        if (brokers.length !== nodes.length) throw new Error(`broker knows ${brokers.length} of ${nodes.length}`);
        await admin.fetchOffsets({ groupId: 'ready', topics: [] });
        break;
      } catch (error) {
        if (Date.now() > until) throw error;
        await delay(100);
      }
    }
    await admin.disconnect();
  }
}
