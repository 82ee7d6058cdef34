// A whole installation of distributed mode on loopback: real engines, every service a process of its own. Each part can be killed and started again by name.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { partitionOf } from '../../dist/libs/event-log/src/index.js';
import { sharedConfig, withMigrator, writeConfig } from './cluster/config.mjs';
import { ServicePart } from './cluster/service-part.mjs';
import { startClickHouse } from './engines/clickhouse.mjs';
import { freePorts } from './engines/free-ports.mjs';
import { startKafka } from './engines/kafka.mjs';
import { startPostgres } from './engines/postgres.mjs';
import { startRegistry } from './engines/registry.mjs';
import { startRedis } from './engines/redis.mjs';
import { startS3 } from './engines/s3.mjs';
import { affiantAside as affiant, root } from './instance.mjs';

export const DEFAULT_SERVICES = ['proxy-1', 'proxy-2', 'ledger-1', 'ledger-2', 'evidence-1', 'console-1'];

/** Keys each kind of service shares with others (docs/guide/run-distributed.md). */
const SHARED_KEYS = {
  proxy: ['digest.key', 'content.key', 'originals.pub', 'placeholder.key'],
  ledger: ['content.key', 'ledger.key', 'ledger.vkey'],
  evidence: ['ledger.key', 'ledger.vkey'],
  console: ['placeholder.key', 'originals.key'],
};

/**
 * @param {{directory: string, provider: {url: string, apiKey: string}, config?: object, services?: string[], brokers?: number, registry?: boolean, env?: object, nodeArgs?: string[], log?: (line: string) => void, withKeys?: (cluster: object) => Promise<object>}} options
 *   `provider` is where connections `claude` and `strict` go; `config` replaces whole sections of the configuration;
 *   `withKeys`: called once the keys are made, answers what the section `ledger` has beside its origin;
 *   `registry`: with a schema registry (part `registry`), which forgets everything when it is killed
 */
export async function startCluster(options) {
  const { directory, log = () => undefined } = options;
  const cluster = new Cluster(options);
  try {
    await cluster.start();
    log(`all of ${[...cluster.parts.keys()].join(', ')} are ready`);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw new Error(`the cluster in ${directory} did not start`, { cause: error });
  }
}

class Cluster {
  /** Name -> part: `{ name, pid, alive, kill, start, pause, resume }`. */
  parts = new Map();
  /** Every end of a service: `{ name, code, signal, at, unasked }`. */
  exits = [];
  engines = {};
  #admin = null;

  constructor({
    directory,
    provider,
    config = {},
    services = DEFAULT_SERVICES,
    brokers = 3,
    registry = false,
    env = {},
    nodeArgs = [],
    log = () => undefined,
    withKeys = async () => ({}),
  }) {
    this.options = { directory, provider, config, services, brokers, registry, env, nodeArgs, log, withKeys };
  }

  async start() {
    await this.#startEngines();
    await this.#install();
    // The console first: the development issuer lives in it, and everybody else asks it for keys.
    const [consoles, others] = [(name) => name.startsWith('console'), (name) => !name.startsWith('console')].map((is) =>
      this.options.services.filter(is),
    );
    for (const names of [consoles, others]) await Promise.all(names.map((name) => this.part(name).start()));
  }

  part(name) {
    const part = this.parts.get(name);
    if (part === undefined) throw new Error(`there is no part ${name}; there are ${[...this.parts.keys()].join(', ')}`);
    return part;
  }

  /** Services of a kind, in the order they were named. */
  services(kind) {
    return [...this.parts.values()].filter((part) => part instanceof ServicePart && (kind === undefined || part.kind === kind));
  }

  /** Base URLs of the proxies; the same after a restart. */
  get gateways() {
    return this.services('proxy').map(({ name }) => `http://127.0.0.1:${this.ports[name].gateway}`);
  }

  get console() {
    return `http://127.0.0.1:${this.ports[this.services('console')[0].name].console}`;
  }

  state(name) {
    return join(this.options.directory, 'state', name);
  }

  /** Public key of the log. */
  get vkey() {
    return join(this.options.directory, 'keys', 'ledger.vkey');
  }

  /** An access token of the development issuer, as `affiant token` gets it. */
  async token(subject, ...groups) {
    const [part] = this.services('console');
    const secret = readFileSync(join(part.state, 'keys/issuer.secret'), 'utf8').trim();
    const answer = await fetch(`http://127.0.0.1:${this.ports[part.name].issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ subject, groups }),
    });
    const { access_token: token } = await answer.json();
    if (token === undefined) throw new Error(`no token for ${subject}: ${answer.status}`);
    return token;
  }

  /** `GET status` of the console, by whoever has this token. */
  async status(token) {
    const answer = await fetch(`${this.console}/api/v1/status`, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`the status answered ${answer.status}`);
    return answer.json();
  }

  /** Name of the ledger service that seals now, or null. */
  async leader() {
    for (const part of this.services('ledger')) if ((await part.metric('affiant_ledger_leader')) === 1) return part.name;
    return null;
  }

  /** Where a source's events lie, in every topic. */
  partitionOf(source) {
    return partitionOf(source, this.config.kafka.topics.partitions);
  }

  /** Name of the broker that leads a topic-partition. */
  async leaderOf(topic, partition) {
    const { topics } = await (await this.kafkaAdmin()).fetchTopicMetadata({ topics: [topic] });
    const leader = topics[0].partitions.find(({ partitionId }) => partitionId === partition)?.leader;
    return `kafka-${leader}`;
  }

  /** A kafkajs admin client, connected. */
  async kafkaAdmin() {
    if (this.#admin === null) {
      this.#admin = new Kafka({ ...this.engines.kafka.connection, logLevel: logLevel.NOTHING }).admin();
      await this.#admin.connect();
    }
    return this.#admin;
  }

  /**
   * Waits until everything durable in any journal is in Kafka, queryable and sealed, and acknowledged to its source.
   * @returns what is left when time ran out, else null
   */
  async settled(timeoutMs = 60_000) {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const left = await this.#unsettled();
      if (left === null || Date.now() > until) return left;
      await delay(200);
    }
  }

  async #unsettled() {
    const left = {};
    for (const part of this.services()) {
      if (!part.alive) left[part.name] = 'away';
      for (const name of ['affiant_shipper_lag_events', 'affiant_shipper_unacknowledged_events']) {
        const value = await part.metric(name);
        if (value !== 0) left[part.name] = { ...left[part.name], [name]: value };
      }
    }
    return Object.keys(left).length === 0 ? null : left;
  }

  /** Path of the configuration of who makes tables, whose password no service has: on the ClickHouse given. */
  operatorConfig(name, clickhouse) {
    const directory = join(this.options.directory, 'config');
    const config = { ...this.config, clickhouse: { ...this.config.clickhouse, url: clickhouse.url } };
    return writeConfig(join(directory, name), withMigrator(config, clickhouse, directory));
  }

  /** Path of the configuration that all services share. */
  get sharedConfig() {
    return join(this.options.directory, 'config', 'shared.yaml');
  }

  /** Ends every service in order, then the engines. Resolves to the exit codes of the services. */
  async stop() {
    await this.#admin?.disconnect().catch(() => undefined);
    const codes = {};
    // The console last: until then the others may ask its issuer for keys.
    const order = this.services().sort((a, b) => Number(a.kind === 'console') - Number(b.kind === 'console'));
    const [consoles, others] = [order.filter(({ kind }) => kind === 'console'), order.filter(({ kind }) => kind !== 'console')];
    for (const parts of [others, consoles]) await Promise.all(parts.map(async (part) => (codes[part.name] = await part.stop())));
    await Promise.all(['kafka', 'clickhouse', 'postgres', 'redis', 's3', 'registry'].map((name) => this.engines[name]?.stop()));
    return codes;
  }

  async #startEngines() {
    const { brokers, registry, log } = this.options;
    const begun = performance.now();
    const timed = async (name, starting) => {
      this.engines[name] = await starting;
      log(`${name} ready (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
    };
    const started = await Promise.allSettled([
      // One offset carries the intent of a batch in its metadata; the default of 4,096 bytes is what Affiant counts on.
      timed('kafka', startKafka({ brokers })),
      timed('clickhouse', startClickHouse()),
      timed('postgres', startPostgres()),
      timed('redis', startRedis()),
      timed('s3', startS3()),
      ...(registry ? [timed('registry', startRegistry())] : []),
    ]);
    const failed = started.find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.engines.databaseUrl = await this.engines.postgres.createDatabase('affiant');
    for (const broker of this.engines.kafka.brokers) this.parts.set(`kafka-${broker.id}`, brokerPart(broker));
    const others = ['clickhouse', 'postgres', 'redis', 's3', ...(registry ? ['registry'] : [])];
    for (const name of others) this.parts.set(name, enginePart(name, this.engines[name]));
  }

  /** What an operator does once: configuration, keys, topics, tables. */
  async #install() {
    const { directory, provider, config: extra, services, env, nodeArgs, log } = this.options;
    const kinds = Object.fromEntries(services.map((name) => [name, name.slice(0, name.lastIndexOf('-'))]));
    const ports = freePorts(services.length * 4);
    this.ports = Object.fromEntries(
      services.map((name, at) => {
        const [gateway, console, issuer, metrics] = ports.slice(at * 4, at * 4 + 4);
        return [name, { gateway, console, issuer, metrics }];
      }),
    );
    const issuerPort = this.ports[services.find((name) => kinds[name] === 'console')].issuer;
    mkdirSync(join(directory, 'config'), { recursive: true });
    this.config = sharedConfig({ directory: join(directory, 'config'), engines: this.engines, issuerPort, provider, extra });
    const shared = writeConfig(join(directory, 'config', 'shared.yaml'), this.config);
    const operator = this.operatorConfig('operator.yaml', this.engines.clickhouse);
    const keys = join(directory, 'keys');
    await affiant(null, ['keys', 'create', '--config', shared, '--directory', keys]);
    this.config = { ...this.config, ledger: { ...this.config.ledger, ...(await this.options.withKeys(this)) } };
    writeConfig(shared, this.config);
    await affiant(null, ['topics', 'apply', '--config', shared]);
    if (this.options.registry) await affiant(null, ['schemas', 'apply', '--config', shared]);
    await affiant(null, ['ledger', 'migrate', '--config', operator]);
    log(`keys, topics${this.options.registry ? ', schemas' : ''} and tables made`);
    for (const name of services) {
      const state = this.state(name);
      mkdirSync(join(state, 'keys'), { recursive: true, mode: 0o700 });
      for (const file of SHARED_KEYS[kinds[name]]) copyFileSync(join(keys, file), join(state, 'keys', file));
      const { gateway, console, issuer, metrics } = this.ports[name];
      const server = { gateway_port: gateway, console_port: console, issuer_port: issuer, metrics_port: metrics, drain_timeout: '10s' };
      const config = writeConfig(join(directory, 'config', `${name}.yaml`), { ...this.config, source: name, server });
      const part = new ServicePart({
        name,
        kind: kinds[name],
        root,
        config,
        state,
        log: join(directory, 'log', `${name}.log`),
        env,
        nodeArgs,
        onExit: (exit) => this.exits.push(exit),
      });
      this.parts.set(name, part);
    }
  }
}

function brokerPart(broker) {
  let alive = true;
  return {
    name: `kafka-${broker.id}`,
    get pid() {
      return broker.pid;
    },
    get alive() {
      return alive;
    },
    kill: async () => {
      alive = false;
      await broker.kill();
    },
    start: async () => {
      await broker.start();
      alive = true;
    },
    pause: () => broker.pause(),
    resume: () => broker.resume(),
  };
}

function enginePart(name, engine) {
  let alive = true;
  return {
    name,
    get pid() {
      return engine.pid;
    },
    get alive() {
      return alive;
    },
    kill: async () => {
      alive = false;
      await engine.kill();
    },
    start: async () => {
      await engine.start();
      alive = true;
    },
    pause: () => engine.signal('SIGSTOP'),
    resume: () => engine.signal('SIGCONT'),
  };
}
