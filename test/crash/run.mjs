// `npm run test:crash`: kill -9 of the standalone process at random moments under load, then the ledger must hold exactly what clients got.
// Options: --rounds N (50), --seed N, --json, --keep (leave the state directory for a look)
import '../support/prepare.mjs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { affiant, sql, startInstance, token, until } from '../support/instance.mjs';
import { checker } from '../support/checker.mjs';
import { loadUntil } from './load.mjs';

const { checkTree } = await import('./tree.mjs');
const { startSimulatedProvider } = await import('../../dist/apps/standalone/src/demo/provider.js');

const args = process.argv.slice(2);
const option = (name, fallback) => Number(args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const rounds = option('--rounds', 50);
let seed = option('--seed', Date.now() % 2 ** 31);
const { say, check, finish } = checker();
const random = () => {
  // Park-Miller: the same seed gives the same moments.
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

const directory = mkdtempSync(join(tmpdir(), 'affiant-crash-'));
const state = join(directory, 'var');
const keyFile = join(directory, 'provider.key');
writeFileSync(keyFile, 'crash-provider-key', { mode: 0o600 });
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
const config = join(directory, 'affiant.yaml');
writeFileSync(
  config,
  `institution: Crash Bank
server: { gateway_port: 0, console_port: 0, issuer_port: 0 }
identity: { development_issuer: true }
connections:
  - { name: demo, protocol: anthropic, upstream: '${provider.url}', credential: { file: '${keyFile}' }, allow: [ 'group:engineering' ] }
policies:
  - { name: customer-data, detect: [ us_ssn, credit_card, email ], request: mask, response: mask }
ledger: { auditors: [ auditors ] }
`,
);
say(`${rounds} rounds, seed ${seed}, state ${state}`);

const whole = [];
let started = 0;
let cut = 0;
const starts = [];
for (let round = 1; round <= rounds; round += 1) {
  const instance = await startInstance({ state, config });
  starts.push(instance.startMs);
  const bearer = token(state, 'crash', 'engineering');
  let stop = false;
  const load = loadUntil({ gateway: instance.gateway, token: bearer, stopped: () => stop, concurrency: 12, round });
  await delay(150 + random() * 1_350);
  await instance.kill();
  stop = true;
  const result = await load;
  whole.push(...result.whole);
  started += result.started;
  cut += result.cut;
  say(`round ${round}: up after ${instance.startMs} ms, ${result.whole.length} whole, ${result.cut} cut`);
}

const instance = await startInstance({ state, config });
const auditor = token(state, 'crash-auditor', 'auditors');
await until('the ledger has sealed everything', () => JSON.parse(affiant(state, ['status', '--json'])).ledger.lag === 0, 120_000);

const responses = await sql(
  instance,
  auditor,
  `SELECT exchange_id, count() AS n FROM audit.events WHERE event_type = 'response' GROUP BY exchange_id`,
);
const perExchange = new Map(responses.map(({ exchange_id, n }) => [exchange_id, Number(n)]));
const exchanges = new Map(
  (await sql(instance, auditor, 'SELECT exchange_id, outcome FROM audit.exchanges')).map(({ exchange_id, outcome }) => [
    exchange_id,
    outcome,
  ]),
);
const lost = whole.filter(({ exchange }) => exchanges.get(exchange) !== 'completed' || perExchange.get(exchange) === undefined);
check(
  'every response a client got whole is in the ledger as completed',
  lost.length === 0 && whole.length > 0,
  `${whole.length} whole, ${lost.length} lost ${JSON.stringify(lost.slice(0, 3))}`,
);
const doubled = [...perExchange].filter(([, n]) => n > 1);
check('no exchange has two responses', doubled.length === 0, `${doubled.length} of ${perExchange.size}`);

const bodies = await sql(instance, auditor, `SELECT body FROM audit.bodies WHERE direction = 'request'`);
const recorded = new Set(bodies.map(({ body }) => /mark-\d+-\d+-\d+/.exec(body)?.[0]));
const unrecorded = [...forwarded].filter((mark) => !recorded.has(mark));
check(
  'every request the upstream heard has an event',
  unrecorded.length === 0 && forwarded.size > 0,
  `${forwarded.size} forwarded, ${unrecorded.length} without event`,
);

const open = [...exchanges.values()].filter((outcome) => outcome === '').length;
const aborted = [...exchanges.values()].filter((outcome) => outcome === 'aborted').length;
check('no exchange is left open', open === 0, `${exchanges.size} exchanges, ${aborted} aborted, ${open} open`);

const [events] = await sql(
  instance,
  auditor,
  'SELECT count() AS n, uniqExact(event_id) AS ids, uniqExact(source_id, seq) AS places FROM audit.events',
);
check('no event is doubled', events.n === events.ids && events.n === events.places, JSON.stringify(events));
const gaps = await sql(
  instance,
  auditor,
  'SELECT source_id, max(seq) - count() AS missing, min(seq) AS first FROM audit.events GROUP BY source_id HAVING missing != 0 OR first != 1',
);
check('the seqs of every source are dense', gaps.length === 0, JSON.stringify(gaps));

const tree = await checkTree(instance, auditor, state);
check('the tree recomputed from the raw events is the signed root', tree.ok, `${tree.leaves} leaves, ${tree.detail}`);

await instance.stop();
await provider.close();
if (!args.includes('--keep')) rmSync(directory, { recursive: true, force: true });
finish({
  rounds,
  started,
  whole: whole.length,
  cut,
  forwarded: forwarded.size,
  aborted,
  events: Number(events.n),
  leaves: tree.leaves,
  start_ms_max: Math.max(...starts),
});
