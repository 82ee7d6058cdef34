// `npm run test:distributed`: a whole installation of distributed mode on loopback with witnesses and a time-stamp authority, the demonstration's scenario on
// it, the loss of the schema registry and
// of ClickHouse, and figures. `--quick` is the scenario alone; `--registry` and `--rebuild` put those back. `--keep` leaves it running for a person, `--json`
// prints one JSON document. Ends with `N passed, N failed`.
import '../support/prepare.mjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checker } from '../support/checker.mjs';
import { countRun } from '../support/count-run.mjs';
import { hasPostgres } from '../support/engines/postgres.mjs';
import { hasRedis } from '../support/engines/redis.mjs';
import { kafkaInstalled } from '../support/engines/kafka.mjs';
import { registryInstalled } from '../support/engines/registry.mjs';
import { hasS3 } from '../support/engines/s3.mjs';

const args = process.argv.slice(2);
const does = (part) => !args.includes('--quick') || args.includes(`--${part}`);
const number = (name, fallback) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback);
const { check, say, add, finish } = checker();

const able = [kafkaInstalled(), hasPostgres(), hasRedis(), hasS3(), !does('registry') || registryInstalled()];
if (able.includes(false)) {
  check('every engine of distributed mode can run here', process.env.CI !== 'true', 'not installed: nothing ran; see the lines above');
  finish({});
}

// These need a built dist, which prepare.mjs has made by now.
const { startSimulatedProvider } = await import('../../dist/apps/standalone/src/demo/provider.js');
const { startCluster } = await import('../support/cluster.mjs');
const { scenario } = await import('./scenario.mjs');
const { registry } = await import('./registry.mjs');
const { figures } = await import('./figures.mjs');
const { rebuilt } = await import('./rebuilt.mjs');
const { startVouchers, vouched } = await import('./vouched.mjs');

const directory = mkdtempSync(join(tmpdir(), 'affiant-distributed-'));
const heard = [];
const KEY = 'distributed-provider-key-that-no-client-knows';
const provider = await startSimulatedProvider({ host: '127.0.0.1', port: 0, apiKey: KEY, pace: 2, onRequest: (body) => heard.push(body) });
const begun = performance.now();
const log = (line) => say(`      ${line}`);
let vouchers = null;
const cluster = await startCluster({
  directory,
  provider: { url: provider.url, apiKey: KEY },
  registry: does('registry'),
  log,
  withKeys: async ({ vkey }) => {
    vouchers = await startVouchers(vkey);
    return vouchers?.config ?? {};
  },
});
const startMs = Math.round(performance.now() - begun);
let measured = {};
try {
  check(
    'every service is ready',
    cluster.services().every(({ alive }) => alive),
    `${startMs} ms`,
  );
  await scenario({ cluster, check, heard });
  if (vouchers !== null) await vouched({ cluster, check, vouchers });
  if (does('registry')) await registry({ cluster, check, heard });
  if (!args.includes('--quick')) measured = await figures({ cluster, check, say, events: number('--events', 20_000) });
  if (args.includes('--keep')) await keep();
  if (does('rebuild')) await rebuilt({ cluster, check });
} catch (error) {
  check('the scenario ran to its end', false, error.stack);
  for (const part of cluster.services()) say(`--- ${part.name}\n${part.tail()}`);
}
const unasked = cluster.exits.filter((exit) => exit.unasked);
check('no service ended unasked', unasked.length === 0, JSON.stringify(unasked));
const codes = await cluster.stop();
check(
  'every service ends in order',
  Object.values(codes).every((code) => code === 0),
  JSON.stringify(codes),
);
await provider.close();
await vouchers?.stop();
if (!args.includes('--keep-files')) rmSync(directory, { recursive: true, force: true });
else say(directory);
let siem = null;
if (!args.includes('--quick')) {
  say('\na SIEM subscribes');
  siem = await countRun([process.execPath, 'test/distributed/siem.mjs']);
  add(siem);
}
finish({ start_ms: startMs, ...measured, ...(siem === null ? {} : { siem: siem.figures }) });

async function keep() {
  say(`\n  gateways    ${cluster.gateways.map((url) => `${url}/c/claude`).join('  ')}`);
  say(`  console     ${cluster.console}`);
  say(`  CLI         npx affiant status --state ${cluster.state('console-1')}`);
  say(`  logs        ${join(directory, 'log')}`);
  say('\n  it runs until Ctrl-C');
  await new Promise((resolve) => process.once('SIGINT', resolve));
}
