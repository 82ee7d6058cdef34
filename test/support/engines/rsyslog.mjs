// rsyslog as a SIEM would run it (Debian's rsyslog, rsyslog-kafka, rsyslog-openssl), with a configuration of the test's own, not as root.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebian, missing } from '../tools.mjs';
import { EngineProcess, freePort } from './engine-process.mjs';

const MODULES = '/usr/lib/x86_64-linux-gnu/rsyslog';
/** nobody, where the tests run as root. */
const NOBODY = 65_534;
/** Message size that the records of the feed fit into; rsyslog's own default is 8 kB and cuts the rest off. */
const MAX_MESSAGE = '256k';

/** @param {('imkafka' | 'lmnsd_ossl')[]} modules */
export function hasRsyslog(modules = []) {
  const present = () => {
    const directory = [MODULES, '/usr/lib/rsyslog', '/usr/lib/aarch64-linux-gnu/rsyslog', '/usr/lib64/rsyslog'].find((path) =>
      existsSync(path),
    );
    const lacks = modules.filter((name) => directory === undefined || !existsSync(join(directory, `${name}.so`)));
    return spawnSync('sh', ['-c', 'command -v rsyslogd']).status === 0 && lacks.length === 0;
  };
  if (ensureDebian(present, ['rsyslog', 'rsyslog-kafka', 'rsyslog-openssl'])) return true;
  missing('rsyslog', 'apt-get install rsyslog rsyslog-kafka rsyslog-openssl');
  return false;
}

/**
 * Starts rsyslogd.
 * @param options.tls `{ca, cert, key}` (PEM): a listener for RFC 5425; the messages' text goes to the output file, one a line.
 * @param options.kafka `{bootstrap, topics, group, config, ca}`: topics read by imkafka into the output file; `config` are librdkafka settings,
 *   `ca` the PEM of the brokers' authority.
 */
export async function startRsyslog({ tls, kafka } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'affiant-rsyslog-'));
  const asRoot = process.getuid?.() === 0;
  const output = join(directory, 'messages');
  const errors = join(directory, 'errors');
  const put = (name, text) => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (asRoot) chownSync(path, NOBODY, NOBODY);
    return path;
  };
  if (asRoot) {
    chownSync(directory, NOBODY, NOBODY);
    chmodSync(directory, 0o755);
  }
  put('messages', '');
  put('errors', '');
  const port = tls === undefined ? 0 : await freePort();
  const caFile = kafka?.ca === undefined ? null : put('kafka-ca.pem', kafka.ca);
  const lines = [
    `global(workDirectory="${directory}" maxMessageSize="${MAX_MESSAGE}" processInternalMessages="on"`,
    ...(tls === undefined
      ? []
      : [
          `  defaultNetstreamDriverCAFile="${put('ca.pem', tls.ca)}" defaultNetstreamDriverCertFile="${put('cert.pem', tls.cert)}"`,
          `  defaultNetstreamDriverKeyFile="${put('key.pem', tls.key)}"`,
        ]),
    ')',
    'template(name="text" type="string" string="%msg%\\n")',
    'template(name="raw" type="string" string="%rawmsg%\\n")',
    'template(name="whole" type="string" string="%syslogtag% %msg%\\n")',
    `ruleset(name="records") { action(type="omfile" file="${output}" template="text") }`,
    `ruleset(name="raw-records") { action(type="omfile" file="${output}" template="raw") }`,
    ...(tls === undefined
      ? []
      : [
          'module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")',
          `input(type="imtcp" address="127.0.0.1" port="${port}" ruleset="records")`,
        ]),
    ...(kafka === undefined ? [] : ['module(load="imkafka")', ...kafka.topics.map((topic) => kafkaInput(kafka, topic, caFile))]),
    `action(type="omfile" file="${errors}" template="whole")`,
  ];
  const config = put('rsyslog.conf', `${lines.join('\n')}\n`);
  const engine = new EngineProcess({
    name: 'rsyslog',
    port,
    cwd: directory,
    identity: asRoot ? ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'] : [],
    command: () => ['rsyslogd', '-n', '-f', config, '-i', join(directory, 'pid')],
    ready: async () => {
      if (!existsSync(join(directory, 'pid'))) throw new Error('not up yet');
      if (tls !== undefined) await reachable(port);
    },
  });
  await engine.start();
  return {
    port,
    /** Texts of the messages so far. */
    messages: () =>
      readFileSync(output, 'utf8')
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => line.trim()),
    /** What rsyslog says about itself, e.g. of a broker that refuses it. */
    errors: () => readFileSync(errors, 'utf8'),
    kill: () => engine.kill(),
    start: async () => {
      rmSync(join(directory, 'pid'), { force: true });
      await engine.start();
    },
    stop: async () => {
      await engine.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function reachable(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    }).once('error', reject);
  });
}

function kafkaInput({ bootstrap, group, config = {} }, topic, caFile) {
  const settings = { 'auto.offset.reset': 'earliest', ...(caFile === null ? {} : { 'ssl.ca.location': caFile }), ...config };
  const list = Object.entries(settings).map(([name, value]) => `"${name}=${value}"`);
  return `input(type="imkafka" broker=[${bootstrap.map((each) => `"${each}"`).join(',')}] topic="${topic}" consumergroup="${group}" ruleset="raw-records" confParam=[${list.join(',')}])`;
}
