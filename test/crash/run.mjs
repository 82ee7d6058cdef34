// `npm run test:crash`: kill -9 of the standalone process at random moments under load, then the ledger must hold exactly what clients got.
// Options: --rounds N (50), --seed N, --json, --keep (leave the state directory for a look)
// With --distributed: every part of a distributed installation instead, see distributed.mjs.
import '../support/prepare.mjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { foundBank } from '../support/bank.mjs';
import { affiant, startInstance, token, until } from '../support/instance.mjs';
import { checker } from '../support/checker.mjs';
import { loadUntil } from './load.mjs';
import { seeded } from './seeded.mjs';

if (process.argv.includes('--distributed')) await import('./distributed.mjs');

const { checkLedger } = await import('./check-ledger.mjs');

const args = process.argv.slice(2);
const option = (name, fallback) => Number(args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const rounds = option('--rounds', 50);
const seed = option('--seed', Date.now() % 2 ** 31);
const { say, check, finish } = checker();
const random = seeded(seed);

const directory = mkdtempSync(join(tmpdir(), 'affiant-crash-'));
const forwarded = new Set();
const { state, config, provider } = await foundBank({
  directory,
  institution: 'Crash Bank',
  provider: {
    pace: 2,
    onRequest: (body) => {
      const mark = /mark-\d+-\d+-\d+/.exec(body)?.[0];
      if (mark !== undefined) forwarded.add(mark);
    },
  },
});
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

const ledger = await checkLedger({ instance, auditor, state, check, whole, forwarded });

await instance.stop();
await provider.close();
if (!args.includes('--keep')) rmSync(directory, { recursive: true, force: true });
finish({
  rounds,
  started,
  whole: whole.length,
  cut,
  forwarded: forwarded.size,
  ...ledger,
  start_ms_max: Math.max(...starts),
});
