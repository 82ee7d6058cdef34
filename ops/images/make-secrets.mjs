// Makes every secret that docker-compose.yml needs, once, into a directory git ignores: node ops/images/make-secrets.mjs [--dir DIR]
// Nothing is overwritten: a second run adds what is missing. Needs `openssl` for the certificates. There is no default password anywhere.
import { spawnSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const at = process.argv.indexOf('--dir');
const directory = at === -1 ? join(root, 'ops/images/secrets') : process.argv[at + 1];
const envFile = at === -1 ? join(root, '.env') : join(directory, 'compose.env');

// The directory keeps other people of this machine out. The files in it are readable: Compose hands them to containers as they are, and
// the containers run as users this machine does not know.
mkdirSync(directory, { recursive: true, mode: 0o700 });
chmodSync(directory, 0o700);
const path = (name) => join(directory, name);
const put = (name, text) => {
  if (!existsSync(path(name))) writeFileSync(path(name), text, { mode: 0o444 });
};
const random = () => randomBytes(24).toString('base64url');
/** A password that several files have to agree on is made once and read again. */
const password = (name) => {
  put(name, random());
  return readFileSync(path(name), 'utf8');
};
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

certificates('kafka', ['kafka-1', 'kafka-2', 'kafka-3']);
certificates('clickhouse', ['clickhouse']);

// Kafka: the brokers among themselves, the services, the job that makes topics and rights, and a SIEM that may only read.
const kafkaUsers = ['broker', 'admin', 'affiant', 'siem'].map((user) => [user, password(`kafka_${user}`)]);
const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" password="${password('kafka_broker')}" ${kafkaUsers
  .map(([user, word]) => `user_${user}="${word}"`)
  .join(' ')};`;
const keystore = (name) =>
  [`ssl.keystore.type=PEM`, `ssl.keystore.certificate.chain=${oneLine(`${name}.crt`)}`, `ssl.keystore.key=${oneLine(`${name}.key`)}`].join(
    '\n',
  );
for (const id of [1, 2, 3])
  put(
    `kafka-${id}.properties`,
    `${template('ops/kafka/server.properties', { ID: String(id), JAAS: jaas, KEYSTORE: keystore('kafka'), CA: oneLine('ca.crt') })}`,
  );
put(
  'kafka-admin.properties',
  `security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="${password('kafka_admin')}";\nssl.truststore.type=PEM\nssl.truststore.certificates=${oneLine('ca.crt')}\n`,
);
put('kafka_cluster_id', randomBytes(16).toString('base64url'));

// ClickHouse: one administrator for the migration job; the service users are made from roles.sql with the passwords below.
put('clickhouse-admin.xml', template('ops/clickhouse/admin.xml', { SHA256: sha256(password('clickhouse_admin')) }));
for (const user of ['migrator', 'writer', 'retention', 'eraser', 'auditor', 'examiner', 'evidence']) password(`clickhouse_${user}`);

password('postgres_admin');
put('postgres_url', `postgres://affiant:${password('postgres_affiant')}@postgres:5432/affiant`);
password('postgres_registry');
put(
  'redis_acl',
  `user default off\nuser affiant on #${sha256(password('redis_affiant'))} ~* &* +@all -@admin -@dangerous +info +config|get +keys\n`,
);
put('redis_url', `redis://affiant:${password('redis_affiant')}@redis:6379/0`);
put('s3_access_key', `AFFIANT${randomBytes(8).toString('hex').toUpperCase()}`);
password('s3_secret_key');
password('grafana_admin');
password('provider_key');

// Keys that services share (docs/guide/run-distributed.md): each directory is mounted into those that need it, and into no other.
const shared = {
  'digest.key': () => randomBytes(32),
  'placeholder.key': () => randomBytes(32),
  'content.key': () => randomBytes(32),
  'originals.key': () => generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  'originals.pub': () => createPublicKey(readFileSync(path('originals.key'))).export({ type: 'spki', format: 'pem' }),
  'ledger.key': () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
};
// The console's first: the public half is made from its key.
const holders = {
  'keys-console': ['placeholder.key', 'originals.key'],
  'keys-proxy': ['digest.key', 'content.key', 'originals.pub', 'placeholder.key'],
  'keys-ledger': ['ledger.key', 'content.key'],
  'keys-evidence': ['ledger.key'],
};
for (const [holder, names] of Object.entries(holders)) {
  mkdirSync(path(holder), { recursive: true, mode: 0o755 });
  for (const name of names) {
    put(name, shared[name]());
    put(join(holder, name), readFileSync(path(name)));
  }
}

// Two machine keys for the self-test; the configuration knows only their hashes (see `affiant service-key create`).
const expires = new Date(Date.now() + 90 * 86_400_000).toISOString();
const keys = [
  ['selftest-agent', 'engineering'],
  ['selftest-auditor', 'auditors'],
].map(([name, group]) => {
  if (!existsSync(path(`key_${name}`))) put(`key_${name}`, `afk_${randomBytes(32).toString('base64url')}`);
  return `    - { name: ${name}, hash: 'sha256:${sha256(readFileSync(path(`key_${name}`), 'utf8'))}', groups: [${group}], expires: '${expires}' }`;
});
put('affiant.yaml', template('ops/images/affiant.yaml', { SERVICE_KEYS: `made by make-secrets.mjs:\n${keys.join('\n')}` }));

// What images take only from the environment.
if (!existsSync(envFile))
  writeFileSync(
    envFile,
    [
      `# Made by ops/images/make-secrets.mjs. Git ignores it.`,
      `AFFIANT_SECRETS=${relative(root, directory).startsWith('..') ? directory : `./${relative(root, directory)}`}`,
      `KAFKA_CLUSTER_ID=${readFileSync(path('kafka_cluster_id'), 'utf8')}`,
      `POSTGRES_REGISTRY_PASSWORD=${password('postgres_registry')}`,
      `S3_ACCESS_KEY=${readFileSync(path('s3_access_key'), 'utf8')}`,
      `S3_SECRET_KEY=${password('s3_secret_key')}`,
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
console.error(`secrets are in ${directory}, and ${envFile} names them. Keep both out of backups that others read.`);

/** A key and a certificate for the names, signed by a CA whose key is thrown away: nobody can sign another one with it. */
function certificates(name, hosts) {
  if (existsSync(path(`${name}.crt`))) return;
  const ca = certificates.ca;
  if (ca === undefined && existsSync(path('ca.crt')))
    refuse(`${name}.crt is missing but ca.crt is there; remove ca.crt and every .crt and .key of ${directory}, then run this again.`);
  const caKey = path(`.ca-${process.pid}.key`);
  if (ca === undefined) {
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '825',
      '-subj',
      '/CN=affiant compose CA',
      '-keyout',
      caKey,
      '-out',
      path('ca.crt'),
    );
    chmodSync(caKey, 0o600);
    certificates.ca = caKey;
    process.on('exit', () => rmSync(caKey, { force: true }));
  }
  const request = path(`.${name}-${randomUUID()}.csr`);
  const extensions = `${request}.ext`;
  writeFileSync(
    extensions,
    `subjectAltName=${[...hosts, 'localhost'].map((host) => `DNS:${host}`).join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`,
  );
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${hosts[0]}`,
    '-keyout',
    path(`${name}.key`),
    '-out',
    request,
  );
  openssl(
    'x509',
    '-req',
    '-in',
    request,
    '-CA',
    path('ca.crt'),
    '-CAkey',
    certificates.ca,
    '-CAcreateserial',
    '-CAserial',
    `${request}.srl`,
    '-days',
    '825',
    '-extfile',
    extensions,
    '-out',
    path(`${name}.crt`),
  );
  for (const file of [request, extensions, `${request}.srl`]) rmSync(file, { force: true });
  for (const file of [`${name}.key`, `${name}.crt`, 'ca.crt']) chmodSync(path(file), 0o444);
}

function openssl(...args) {
  const { status, error, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) refuse(`openssl ${args[0]} failed: ${error?.message ?? stderr.trim()}. Install openssl and run this again.`);
}

/** A PEM file as one value of a Java properties file. */
function oneLine(file) {
  return readFileSync(path(file), 'utf8').trim().replaceAll('\n', '\\n');
}

function template(file, values) {
  return readFileSync(join(root, file), 'utf8').replace(
    /\{\{(\w+)\}\}/g,
    (_, name) => values[name] ?? refuse(`${file} names ${name}, which is not made`),
  );
}

function refuse(reason) {
  console.error(`make-secrets: ${reason}`);
  process.exit(1);
}
