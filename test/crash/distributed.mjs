// `npm run test:crash -- --distributed`: kill -9 of every part of a distributed installation at random moments under load; then the ledger must
// hold exactly what clients got, and every packet must be there.
// Options: --kills N (20, of each part), --seed N, --json, --keep
import '../support/prepare.mjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startCluster } from '../support/cluster.mjs';
import { affiant, until } from '../support/instance.mjs';
import { checker } from '../support/checker.mjs';
import { loadUntil } from './load.mjs';
import { seeded } from './seeded.mjs';

const { checkLedger } = await import('./check-ledger.mjs');
const { startSimulatedProvider } = await import('../../dist/apps/standalone/src/demo/provider.js');

const args = process.argv.slice(2);
const option = (name, fallback) => Number(args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const kills = option('--kills', 20);
const seed = option('--seed', Date.now() % 2 ** 31);
const random = seeded(seed);
const { say, check, finish } = checker();

const directory = mkdtempSync(join(tmpdir(), 'affiant-crash-distributed-'));
const forwarded = new Set();
const provider = await startSimulatedProvider({
  host: '127.0.0.1',
  port: 0,
  apiKey: 'crash-provider-key',
  pace: 2,
  onRequest: (body) => {
    const mark = /mark-\d+-\d+-\d+/.exec(body)?.[0];
    if (mark !== undefined) forwarded.add(mark);
  },
});
say(`${kills} kills of each part, seed ${seed}, state ${directory}`);
const cluster = await startCluster({ directory, provider: { url: provider.url, apiKey: 'crash-provider-key' } });

/** What is killed in a round, by the name that the figures use. */
const VICTIMS = {
  proxy: () => pick(['proxy-1', 'proxy-2']),
  broker: async () => (await cluster.kafka.leaderOf('affiant.request.v1', pick(cluster.partitionsInUse()))) ?? pick(cluster.kafka.names),
  sequencer: async () => (await cluster.leader()) ?? pick(['ledger-1', 'ledger-2']),
  ingest: async () => ((await cluster.leader()) === 'ledger-1' ? 'ledger-2' : 'ledger-1'),
  evidence: () => 'evidence-1',
  postgres: () => 'postgres',
  redis: () => 'redis',
};
const killed = Object.fromEntries(Object.keys(VICTIMS).map((name) => [name, 0]));
const restartMs = [];
const packets = [];
const load = new AbortController();
let failedRequests = 0;
const result = { whole: [], started: 0, cut: 0 };

const bearer = cluster.token('crash', 'engineering');
const clients = cluster.gateways.map((gateway, n) =>
  loadUntil({ gateway, token: bearer, stopped: () => load.signal.aborted, concurrency: 3, round: n + 1 }).then((part) => {
    result.whole.push(...part.whole);
    result.started += part.started;
    result.cut += part.cut;
  }),
);
const packetMaker = makePackets();

for (let round = 1; round <= kills; round += 1) {
  for (const victim of shuffled(Object.keys(VICTIMS))) {
    const part = cluster.part(await VICTIMS[victim]());
    await delay(200 + random() * 800);
    await part.kill();
    await delay(random() * 400);
    const startedAt = performance.now();
    await part.start();
    restartMs.push(performance.now() - startedAt);
    killed[victim] += 1;
  }
  if (round % 5 === 0) await disturb();
  say(`round ${round}: ${result.started} calls of finished clients, ${forwarded.size} forwarded, ${packets.length} packets asked for`);
}
load.abort();
await Promise.all(clients);
await packetMaker;

await cluster.settled(240_000);
const instance = { console: cluster.console };
const auditor = cluster.token('crash-auditor', 'auditors');
const ledger = await checkLedger({ instance, auditor, state: cluster.ledgerKeys, check, whole: result.whole, forwarded });

const finished = await until(
  'all packets are done',
  async () => {
    const list = JSON.parse(affiant(cluster.state('console-1'), ['packet', 'list', '--json']));
    return list.every(({ state }) => state === 'done' || state === 'failed') ? list : null;
  },
  240_000,
);
const notDone = packets.filter((id) => finished.find((packet) => packet.id === id)?.state !== 'done');
check(
  'every packet that was promised is done',
  packets.length > 0 && notDone.length === 0,
  `${packets.length} promised, ${notDone.length} not done`,
);
check(
  'every part was killed as often as asked',
  Object.values(killed).every((n) => n === kills),
  JSON.stringify(killed),
);
const ended = cluster.exits.filter(({ unasked }) => unasked);
say(
  `${ended.length} services ended by themselves and were started again: ${JSON.stringify(countBy(ended, ({ name, code }) => `${name} ${code}`))}`,
);

await cluster.stop();
await provider.close();
if (!args.includes('--keep')) rmSync(directory, { recursive: true, force: true });
finish({
  kills: killed,
  started: result.started,
  whole: result.whole.length,
  cut: result.cut,
  forwarded: forwarded.size,
  packets: packets.length,
  packetsRefusedWhileDown: failedRequests,
  restart_ms_max: Math.round(Math.max(...restartMs)),
  ...ledger,
});

/** Asks for a small packet now and then; a request that fails while something is down promised nothing. */
async function makePackets() {
  while (!load.signal.aborted) {
    await delay(2_000 + random() * 4_000);
    const now = Date.now();
    const body = {
      framework: packets.length % 2 === 0 ? 'ffiec' : 'nist-800-53',
      from: new Date(now - 3_600_000).toISOString(),
      to: new Date(now).toISOString(),
    };
    try {
      const answer = await fetch(`${cluster.console}/api/packets`, {
        method: 'POST',
        headers: { authorization: `Bearer ${cluster.token('crash-auditor', 'auditors')}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
      if (answer.ok) packets.push((await answer.json()).id);
      else failedRequests += 1;
    } catch {
      failedRequests += 1;
    }
  }
}

/** What is no kill: a broker that stops answering, and cut connections. */
async function disturb() {
  const broker = cluster.part(pick(cluster.kafka.names));
  broker.pause();
  await delay(4_000);
  broker.resume();
  await cluster.cut(pick(cluster.kafka.names), 500);
}

function pick(list) {
  return list[Math.floor(random() * list.length)];
}

function shuffled(list) {
  return list
    .map((item) => [random(), item])
    .sort((a, b) => a[0] - b[0])
    .map(([, item]) => item);
}

function countBy(list, key) {
  const counts = {};
  for (const item of list) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}
