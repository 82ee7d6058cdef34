// Who vouches for the log of an installation: three witnesses by other people, one of them away, and a time-stamp authority (openssl). What they gave lies
// in the bucket beside the tiles, and verifies there with nothing but public keys.
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import Anthropic from '@anthropic-ai/sdk';
import { hasTsa, startTsa } from '../support/engines/tsa.mjs';
import { hasWitness, startWitness } from '../support/engines/witness.mjs';
import { affiantAside as affiant, until } from '../support/instance.mjs';

const QUORUM = 2;
const AUTHORITY = 'openssl';
const PATIENCE_MS = 180_000;
const run = promisify(execFile);

/** @returns null, said loudly, when they cannot run here; else `config`, for the section `ledger`. The last witness is away already. */
export async function startVouchers(vkeyFile) {
  if (!hasWitness() || !hasTsa()) return null;
  const vkey = readFileSync(vkeyFile, 'utf8').trim();
  const names = ['audit', 'auditor', 'second-site'];
  const witnesses = await Promise.all(names.map((name) => startWitness({ logs: [vkey], name: `witness.example/${name}` })));
  const tsa = await startTsa();
  await witnesses.at(-1).kill();
  const members = witnesses.map((witness, index) => ({ name: names[index], url: witness.url, vkey: witness.vkey }));
  return {
    vkey,
    members,
    tsa,
    config: {
      witnesses: { members, quorum: QUORUM, interval: '4s', timeout: '30s' },
      timestamps: { authorities: [{ name: AUTHORITY, url: tsa.url, root: tsa.rootFile }], interval: '4s', timeout: '60s' },
    },
    stop: async () => void (await Promise.all([...witnesses.map((witness) => witness.stop()), tsa.stop()])),
  };
}

export async function vouched({ cluster, check, vouchers }) {
  const { tsa, members, vkey } = vouchers;
  const auditor = await cluster.token('olga', 'auditors');
  const status = () => cluster.status(auditor);
  const stamped = await until(
    'two of three witnesses have cosigned and the authority has stamped',
    async () => {
      const { witnesses, timestamps } = await status();
      return witnesses?.cosigned_size > 0 && timestamps?.authorities[0]?.stamped_size > 0 ? { witnesses, timestamps } : undefined;
    },
    PATIENCE_MS,
  );
  check(
    'the status tells who has cosigned and who has stamped',
    stamped.witnesses.configured === 3 && stamped.witnesses.quorum === QUORUM && stamped.timestamps.authorities[0].failing === null,
    `${stamped.witnesses.note}; ${stamped.timestamps.note}`,
  );

  const log = join(cluster.options.directory, 'published');
  const files = await download(cluster.engines.s3, 'tiles/', log);
  const policy = join(cluster.options.directory, 'trust.policy');
  const lines = members.map(({ name, vkey: key }) => `witness ${name} ${key}`);
  writeFileSync(
    policy,
    [`log ${vkey}`, ...lines, `group them ${QUORUM} ${members.map(({ name }) => name).join(' ')}`, 'quorum them', ''].join('\n'),
  );
  const report = JSON.parse(await affiant(null, ['verify', log, '--policy', policy, '--json']));
  check(
    'the bucket is a log that verifies under a policy with a quorum of witnesses',
    report.ok === true && report.checkpoint.cosigned_by.length === QUORUM,
    `${files} objects, ${JSON.stringify(report.checkpoint?.cosigned_by)}`,
  );
  const stamps = await checkStamps(join(log, 'stamps'), tsa.rootFile);
  check(
    'every stamp in the bucket is good for openssl, over the note beside it',
    stamps.length > 0 && stamps.every(({ good }) => good),
    JSON.stringify(stamps.slice(0, 3)),
  );

  // A call makes the tree larger by more than what is not worth a stamp.
  const token = await cluster.token('alice', 'engineering');
  const client = new Anthropic({ baseURL: `${cluster.gateways[0]}/c/claude`, apiKey: token, maxRetries: 0 });
  const call = () =>
    client.messages.create({ model: 'claude-simulated-1', max_tokens: 20, messages: [{ role: 'user', content: 'What is a ledger?' }] });
  const failing = async () => (await status()).timestamps?.authorities[0]?.failing;
  tsa.behave(() => ({ status: 503, body: 'away' }));
  const told = await until(
    'the status tells that the authority is away',
    async () => {
      await call();
      return (await failing()) ?? undefined;
    },
    PATIENCE_MS,
  );
  const leader = await cluster.leader();
  const metric = await cluster.part(leader).metric('affiant_ledger_timestamp_failing');
  check('an authority that is away is told by status and metrics, and sealing goes on', metric === 1 && told.length > 0, told);
  tsa.behave(null);
  await until(
    'the authority stamps again',
    async () => {
      await call();
      return (await failing()) === null;
    },
    PATIENCE_MS,
  );
}

/** Every object below a prefix, as files: of one moment, so from the start again when a round was sealed or cosigned meanwhile. */
async function download(s3, prefix, directory) {
  const client = s3.client();
  try {
    return await until(
      'the bucket is read while nothing is sealed',
      async () => {
        rmSync(directory, { recursive: true, force: true });
        const before = await heads(client, s3.bucket, prefix);
        const files = await copy(client, s3.bucket, prefix, directory).catch((error) => {
          if (error.name !== 'NoSuchKey') throw error;
        });
        return (await heads(client, s3.bucket, prefix)) === before ? files : undefined;
      },
      PATIENCE_MS,
    );
  } finally {
    client.destroy();
  }
}

/** What the log says is its newest. */
async function heads(client, bucket, prefix) {
  const read = async (name) =>
    (await client.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${name}` }))).Body.transformToString();
  return (await Promise.all(['checkpoint', 'checkpoint.cosigned'].map(read))).join('\n');
}

async function copy(client, bucket, prefix, directory) {
  let files = 0;
  let token;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }));
    for (const { Key } of page.Contents ?? []) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const file = join(directory, Key.slice(prefix.length));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, await Body.transformToByteArray());
      files += 1;
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return files;
}

async function checkStamps(directory, root) {
  const found = readdirSync(directory, { recursive: true }).filter((name) => name.endsWith('.tsr'));
  return Promise.all(
    found.map(async (name) => {
      const data = join(directory, dirname(name), 'checkpoint');
      const { stdout, stderr } = await run('openssl', [
        'ts',
        '-verify',
        '-data',
        data,
        '-in',
        join(directory, name),
        '-CAfile',
        root,
      ]).catch((error) => error);
      return { name, good: /Verification: OK/.test(`${stdout}${stderr}`) };
    }),
  );
}
