// `npm run test:crash -- --distributed`: kill -9 of every part of a distributed installation at random moments under load; then the ledger must
// hold exactly what clients got, and every packet that was promised must be there.
// Options: --kills N (20, of each part), --seed N, --json, --keep
import '../support/prepare.mjs';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checker } from '../support/checker.mjs';
import { countRun } from '../support/count-run.mjs';
import { missing } from '../support/tools.mjs';
import { loadUntil } from './load.mjs';
import { seeded } from './seeded.mjs';

const { startSimulatedProvider } = await import('../../dist/apps/standalone/src/demo/provider.js');
const { startCluster } = await import('../support/cluster.mjs');
const { checkLedger } = await import('./check-ledger.mjs');

const args = process.argv.slice(2);
const option = (name, fallback) => Number(args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const kills = option('--kills', 20);
const seed = option('--seed', Date.now() % 2 ** 31);
const random = seeded(seed);
const pick = (list) => list[Math.floor(random() * list.length)];
const { say, check, add, finish } = checker();

/** A broker stops answering, and connections are cut, after so many rounds. */
const DISTURB_EVERY = 4;
const SETTLE_MS = 300_000;
/** Packets asked for and not yet made: one more is asked for only below this. */
const MOST_OPEN_PACKETS = 3;

const directory = mkdtempSync(join(tmpdir(), 'affiant-crash-distributed-'));
const forwarded = new Set();
const KEY = 'crash-provider-key';
const provider = await startSimulatedProvider({
  host: '127.0.0.1',
  port: 0,
  apiKey: KEY,
  pace: 2,
  onRequest: (body) => {
    const mark = /mark-\d+-\d+-\d+/.exec(body)?.[0];
    if (mark !== undefined) forwarded.add(mark);
  },
});
say(`${kills} kills of each part, seed ${seed}, state ${directory}`);
const cluster = await startCluster({ directory, provider: { url: provider.url, apiKey: KEY }, log: (line) => say(`      ${line}`) });
const proxies = cluster.services('proxy').map(({ name }) => name);
const brokers = cluster.engines.kafka.brokers;

/** What is killed in a round, by the name that the figures use. */
const VICTIMS = {
  proxy: () => pick(proxies),
  broker: () => cluster.leaderOf('affiant.request.v1', cluster.partitionOf(pick(proxies))).catch(() => `kafka-${pick(brokers).id}`),
  sequencer: async () => (await cluster.leader()) ?? 'ledger-1',
  ingest: async () => ((await cluster.leader()) === 'ledger-1' ? 'ledger-2' : 'ledger-1'),
  evidence: () => 'evidence-1',
  postgres: () => 'postgres',
  redis: () => 'redis',
};

const killed = Object.fromEntries(Object.keys(VICTIMS).map((name) => [name, 0]));
const figures = { pauses: 0, connections_cut: 0, packets_refused: 0, start_ms_max: 0 };
const packets = [];
const whole = [];
let started = 0;
let cut = 0;
const load = new AbortController();
const bearer = await cluster.token('crash', 'engineering');
const auditor = await cluster.token('crash-auditor', 'auditors');
const clients = cluster.gateways.flatMap((gateway, at) =>
  ['claude', 'strict'].map(async (connection, which) => {
    const stopped = () => load.signal.aborted;
    const part = await loadUntil({ gateway, connection, token: bearer, stopped, concurrency: 2, round: at * 2 + which + 1 });
    whole.push(...part.whole);
    started += part.started;
    cut += part.cut;
  }),
);
const packetClient = askForPackets();

for (let round = 1; round <= kills; round += 1) {
  for (const victim of shuffled(Object.keys(VICTIMS))) {
    const part = cluster.part(await VICTIMS[victim]());
    await delay(100 + random() * 900);
    await part.kill();
    killed[victim] += 1;
    await delay(random() * 500);
    const startedAt = performance.now();
    await part.start();
    figures.start_ms_max = Math.max(figures.start_ms_max, Math.round(performance.now() - startedAt));
  }
  if (round % DISTURB_EVERY === 0) await disturb();
  say(
    `round ${round}: ${forwarded.size} forwarded, ${packets.length} packets promised, ${cluster.exits.filter(({ unasked }) => unasked).length} unasked ends`,
  );
}
load.abort();
await Promise.all([...clients, packetClient]);

const left = await cluster.settled(SETTLE_MS);
check('every journal is shipped, sealed and acknowledged', left === null, JSON.stringify(left ?? {}));
const ledger = await checkLedger({
  instance: { console: cluster.console },
  auditor,
  state: cluster.state('ledger-1'),
  check,
  whole,
  forwarded,
});

const packetEnds = await packetsEnded();
const notDone = packets.filter((id) => packetEnds.get(id) !== 'done');
check(
  'every packet that was promised is done',
  packets.length > 0 && notDone.length === 0,
  JSON.stringify({ promised: packets.length, not_done: notDone.map((id) => [id, packetEnds.get(id)]) }),
);
check(
  'every part was killed as often as asked',
  Object.values(killed).every((n) => n === kills),
  JSON.stringify(killed),
);
check(
  'brokers were frozen and connections cut',
  kills < DISTURB_EVERY || (figures.pauses > 0 && figures.connections_cut > 0),
  JSON.stringify(figures),
);
const unasked = countBy(
  cluster.exits.filter((exit) => exit.unasked),
  ({ name, code, signal }) => `${name}: ${code ?? signal}`,
);
say(`ended by themselves and started again: ${JSON.stringify(unasked)}`);

const codes = await cluster.stop();
check(
  'every service ends in order',
  Object.values(codes).every((code) => code === 0),
  JSON.stringify(codes),
);
await provider.close();

say('\nthe way to the brokers alone, kill -9 and freezes under a steady load');
const kafka = await countRun([process.execPath, 'test/crash/kafka.mjs']);
add(kafka);
if (args.includes('--keep')) say(directory);
else rmSync(directory, { recursive: true, force: true });
finish({
  kills: killed,
  started,
  whole: whole.length,
  cut,
  forwarded: forwarded.size,
  packets: packets.length,
  ...figures,
  ...ledger,
  kafka: kafka.figures,
});

function api(path, init = {}) {
  return fetch(`${cluster.console}/api/v1/${path}`, {
    ...init,
    headers: { authorization: `Bearer ${auditor}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(10_000),
  });
}

/** Asks for a packet now and then; a request that fails while something is away promised nothing. */
async function askForPackets() {
  while (!load.signal.aborted) {
    await delay(8_000 + random() * 12_000);
    const open = await packetStates().then(openIn, () => MOST_OPEN_PACKETS);
    if (open >= MOST_OPEN_PACKETS) continue;
    const now = Date.now();
    const framework = packets.length % 2 === 0 ? 'ffiec' : 'nist-800-53';
    const period = { from: new Date(now - 3_600_000).toISOString(), to: new Date(now).toISOString() };
    try {
      const answer = await api('packets', { method: 'POST', body: JSON.stringify({ framework, ...period }) });
      if (!answer.ok) throw new Error(await answer.text());
      packets.push((await answer.json()).packet.id);
    } catch {
      figures.packets_refused += 1;
    }
  }
}

/** Id -> state, of those that can be asked for now. */
async function packetStates() {
  const records = await Promise.all(packets.map(async (id) => (await (await api(`packets/${id}`)).json()).packet));
  return new Map(records.map(({ id, state }) => [id, state]));
}

function openIn(states) {
  return [...states.values()].filter((state) => !['done', 'failed', 'refused'].includes(state)).length;
}

/** The states once none is at work any more, or once none has ended for as long as anything may take. */
async function packetsEnded() {
  let states = new Map();
  for (let until = Date.now() + SETTLE_MS, open = Infinity; open > 0 && Date.now() < until; await delay(1_000)) {
    states = await packetStates().catch(() => states);
    const now = states.size === packets.length ? openIn(states) : Infinity;
    if (now < open) {
      until = Date.now() + SETTLE_MS;
      if (now > 0) say(`      ${now} of ${packets.length} packets are still being made`);
    }
    open = now;
  }
  return states;
}

/** What is no kill: a broker that stops answering for longer than its session, and connections that are cut. */
async function disturb() {
  const frozen = pick(brokers);
  frozen.pause();
  figures.pauses += 1;
  await delay(5_000);
  frozen.resume();
  const { port } = pick(brokers);
  const { status, stdout, stderr } = spawnSync('ss', ['-K', '-H', '-t', 'dst', '127.0.0.1', 'dport', '=', `:${port}`], {
    encoding: 'utf8',
  });
  if (status !== 0) missing('cutting connections (ss -K)', stderr);
  else figures.connections_cut += stdout.split('\n').filter((line) => line.includes('ESTAB')).length;
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
