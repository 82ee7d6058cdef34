// `npm run bench`: ours with everything on beside a bare Node pipe and Portkey, interleaved in the same minutes. Rows of design.md §9.
// Counted against Portkey is the gateway (docs/adr/0042-process-memory.md); the standalone process, which holds a ledger too, is told beside it.
// Options: --rounds N (3), --only cpu,ttft,mixed,peak,memory,turns,session,ledger,packet, --json
import '../support/prepare.mjs';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { median, percentile, processTree } from '../support/cpu.mjs';
import { affiant, root, sql, until } from '../support/instance.mjs';
import { focusOn, gatewayAlone, LOAD, nodePipe, ours, portkey, script, watched } from './targets.mjs';
import { cases, measure, startWatched, warm } from './turns.mjs';

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const rounds = Number(option('--rounds', '3'));
const only = option('--only', 'cpu,ttft,mixed,peak,memory,turns,session,ledger,packet').split(',');
const asJson = args.includes('--json');
const say = (line) => console[asJson ? 'error' : 'log'](line);
const run = promisify(execFile);

// Saturated for some seconds, so that what costs per second (rounds, merges, timers) is shared by as many calls as a busy gateway has.
const CPU_ROWS = [
  { row: '4 kB call', model: 'bench-json', bytes: 4096, durationMs: 4_000, concurrency: 16 },
  { row: '25-event stream', model: 'bench-stream', stream: true, bytes: 4096, durationMs: 4_000, concurrency: 16 },
  { row: '200 kB call, known prefix', model: 'bench-json', bytes: 200_000, durationMs: 4_000, concurrency: 4, session: true },
  { row: '200 kB call, first sight', model: 'bench-json', bytes: 200_000, fresh: true, durationMs: 4_000, concurrency: 4 },
  { row: '2 MB call, known prefix', model: 'bench-json', bytes: 2_000_000, durationMs: 4_000, concurrency: 2, session: true },
  { row: '2 MB call, first sight', model: 'bench-json', bytes: 2_000_000, fresh: true, durationMs: 4_000, concurrency: 2 },
  // As the figures of design.md §9 were taken. Nothing in these is new, so the rows above are what a conversation costs.
  {
    row: '200 kB call, the same again',
    model: 'bench-json',
    bytes: 200_000,
    durationMs: 4_000,
    concurrency: 4,
    session: true,
    again: true,
  },
  {
    row: '2 MB call, the same again',
    model: 'bench-json',
    bytes: 2_000_000,
    durationMs: 4_000,
    concurrency: 2,
    session: true,
    again: true,
  },
];

// Small streams beside 200 kB and 2 MB calls, one of each at a time. As in design.md §9 the large ones are of conversations whose earlier part was seen; at first
// sight is told too. At a pace everybody has the same load; without one the quickest has the most, and the core of the load itself has none left.
const PACE_MS = { 200_000: 50, 2_000_000: 250 };
const MIXED_ROWS = [
  { row: 'beside 20 known 200 kB and 4 known 2 MB calls a second', large: { session: true }, paced: true },
  { row: 'beside 20 200 kB and 4 2 MB calls a second, first sight', large: { fresh: true }, paced: true },
  { row: 'beside known 200 kB and 2 MB calls without a pause', large: { session: true }, paced: false },
  { row: 'beside 200 kB and 2 MB calls without a pause, first sight', large: { fresh: true }, paced: false },
];

let salt = 0;
function clientOf(target, job) {
  salt += 1;
  // A conversation names its session, as the agent SDK does; what the session has sent before is then recognised.
  const headers = job.session === true ? { ...target.headers, 'x-claude-code-session-id': `bench-session-${job.bytes}` } : target.headers;
  return [
    ...LOAD,
    process.execPath,
    `${root}/test/load/client.mjs`,
    JSON.stringify({ ...job, url: target.url, headers, salt: `s${salt}` }),
  ];
}

async function load(target, job) {
  focusOn(target);
  const command = clientOf(target, job);
  const { stdout } = await run(command[0], command.slice(1), { maxBuffer: 1 << 28 });
  return resultOf(target, job, stdout);
}

/** A load that others are measured beside: it is under way when this returns, and ends when it is told to. */
async function loadBeside(target, job) {
  focusOn(target);
  const command = clientOf(target, { ...job, gated: true });
  const client = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  watched(client);
  await once(client.stdout, 'data');
  let stdout = '';
  client.stdout.on('data', (chunk) => (stdout += chunk));
  client.stdin.write('go\n');
  return async () => {
    client.stdin.end();
    await once(client, 'close');
    return resultOf(target, job, stdout);
  };
}

function resultOf(target, job, stdout) {
  const result = JSON.parse(stdout);
  if (result.calls === 0 || result.errors > 0)
    throw new Error(
      `${target.name}, ${job.row ?? job.model}: ${result.errors} of ${result.calls + result.errors} calls failed: ${result.firstError}`,
    );
  return result;
}

/** Times to the first token but those of the first calls: the client compiles itself then, and beside large ones their conversations are not known yet. */
const told = ({ ttft }, { concurrency }) => ttft.slice(concurrency * 2);

/** CPU of the whole process tree per call, with all that the load leaves behind: sealing, merges, trimming. */
async function cpuPerCall(target, job) {
  await quiet(target);
  const before = processTree(target.pid).cpuMs;
  const result = await load(target, job);
  await quiet(target);
  return (processTree(target.pid).cpuMs - before) / result.calls;
}

/** Until everything is sealed and the tree uses less than a tenth of a core for half a second. */
async function quiet(target) {
  focusOn(target);
  if (target.instance !== undefined) await settled(target);
  for (let i = 0; i < 40; i += 1) {
    const before = processTree(target.pid).cpuMs;
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (processTree(target.pid).cpuMs - before < 50) return;
  }
}

/** For what is told in milliseconds: also the disk is at rest. What a row leaves to be written keeps it busy for seconds, whoever wrote it. */
async function atRest(target) {
  focusOn(target);
  if (target.pid !== undefined) await quiet(target);
  await run('sync');
}

async function settled(target) {
  await until('the ledger has sealed everything', async () => JSON.parse(affiantStatus(target)).ledger.lag === 0, 120_000);
}

const affiantStatus = (target) => affiant(target.instance.state, ['status', '--json']);

const figures = [];
function report(row, unit, values, digits = 2) {
  figures.push({ row, unit, ...values });
  say(
    `${row.padEnd(44)} ${Object.entries(values)
      .map(([name, value]) => `${name} ${value === null ? '-' : value.toFixed(digits)}`)
      .join('  ·  ')}  ${unit}`,
  );
}

const upstream = await script(LOAD, 'test/load/upstream.mjs');
const upstreamUrl = `http://127.0.0.1:${upstream.port}`;
const targets = [await nodePipe(upstreamUrl), await portkey(upstreamUrl), await gatewayAlone(upstreamUrl), await ours(upstreamUrl)].filter(
  (target) => target !== null,
);
const us = targets.at(-1);
const others = targets.slice(0, -1);
say(
  `${cpus().length} cores, ${cpus()[0].model}, Node ${process.versions.node}; gateway on core 0, load and upstream on core 1; medians of ${rounds} interleaved rounds`,
);
const direct = { name: 'direct', url: `${upstreamUrl}/v1/messages`, headers: { 'x-api-key': 'x' } };
const outcomes = [];
const turns = [];
const sessionTurns = [];
const GATEWAY_NAME = 'affiant gateway';
const TURN_BOUND_MS = 5;
const behindPortkey = (row, values, { lowerIsBetter = true, beside = false } = {}) => {
  const theirs = values['portkey'];
  if (theirs === undefined) return;
  for (const name of [GATEWAY_NAME, us.name]) {
    const mine = values[name];
    outcomes.push({
      row: `${row}, ${name}`,
      counted: name === GATEWAY_NAME && !beside,
      ahead: lowerIsBetter ? mine < theirs : mine > theirs,
      ratio: lowerIsBetter ? theirs / mine : mine / theirs,
    });
  }
};

try {
  // Twice: here on freshly started processes, and below with what the heavier rows leave in the heaps.
  if (only.includes('memory')) await memoryRow('fresh');

  // What is measured is a process that serves, not one that still compiles itself: ours takes some ten thousand calls to it.
  const warmUp = ['cpu', 'ttft', 'mixed', 'peak'].some((row) => only.includes(row))
    ? { durationMs: 6_000 }
    : { durationMs: undefined, count: 12 };
  for (const target of targets) for (const job of CPU_ROWS) await load(target, { ...job, ...warmUp });

  if (only.includes('cpu')) {
    for (const job of CPU_ROWS) {
      const per = new Map(targets.map(({ name }) => [name, []]));
      for (let round = 0; round < rounds; round += 1)
        for (const target of targets) per.get(target.name).push(await cpuPerCall(target, job));
      const values = Object.fromEntries([...per].map(([name, list]) => [name, median(list)]));
      report(job.row, 'CPU ms per call', values, 3);
      behindPortkey(job.row, values);
    }
  }

  if (only.includes('ttft')) {
    const job = { model: 'bench-slow-10', stream: true, bytes: 4096, count: 40, concurrency: 1, row: 'first token' };
    const per = new Map([direct, ...targets].map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1)
      for (const target of [direct, ...targets]) {
        await atRest(target);
        per.get(target.name).push(...told(await load(target, job), job));
      }
    for (const p of [50, 99]) {
      const base = percentile(per.get('direct'), p);
      const values = Object.fromEntries(targets.map(({ name }) => [name, percentile(per.get(name), p) - base]));
      report(`added time to first token p${p}`, 'ms', values);
      behindPortkey(`added time to first token p${p}`, values);
    }
  }

  if (only.includes('mixed')) {
    const small = { model: 'bench-slow-10', stream: true, bytes: 4096, count: 100, concurrency: 4, apartMs: 73, row: 'mixed, small' };
    for (const { row, large, paced } of MIXED_ROWS) {
      const per = new Map([direct, ...targets].map(({ name }) => [name, []]));
      for (let round = 0; round < rounds; round += 1) {
        for (const target of [direct, ...targets]) {
          await atRest(target);
          const stops = [];
          for (const bytes of [200_000, 2_000_000])
            stops.push(
              await loadBeside(target, {
                model: 'bench-json',
                bytes,
                ...large,
                ...(paced ? { everyMs: PACE_MS[bytes] } : {}),
                concurrency: 1,
                row: `mixed, ${bytes}`,
              }),
            );
          per.get(target.name).push(...told(await load(target, small), small));
          for (const stop of stops) await stop();
        }
      }
      for (const p of [50, 99]) {
        const values = Object.fromEntries([...per].map(([name, list]) => [name, percentile(list, p)]));
        report(`first token p${p} ${row}`, 'ms', values);
        behindPortkey(`first token p${p} ${row}`, values);
      }
    }
  }

  if (only.includes('peak')) {
    const per = new Map(targets.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const target of targets) {
        const result = await load(target, { model: 'bench-json', bytes: 4096, durationMs: 3_000, concurrency: 32, row: 'peak' });
        per.get(target.name).push(result.calls / result.seconds);
      }
    }
    const values = Object.fromEntries([...per].map(([name, list]) => [name, median(list)]));
    report('4 kB calls/s, gateway on one core', 'calls/s', values, 0);
    behindPortkey('4 kB calls/s', values, { lowerIsBetter: false });
  }

  if (only.includes('memory')) {
    if (!only.includes('cpu')) for (const job of CPU_ROWS) for (const target of targets) await load(target, { ...job, durationMs: 2_000 });
    await memoryRow('after the load rows');
  }

  // The gateway alone, under the watch of turn-meter.mjs. All bodies, hostile ones too: node test/load/turns.mjs
  if (only.includes('turns')) {
    const meter = await startWatched();
    try {
      await warm(meter);
      for (const one of cases().filter(({ name }) => /^request (4 kB|200 kB|2 MB|32 MB)$|^answer (json|stream) 2 MB/.test(name))) {
        const { cpuMs, cpuWithoutGcMs, wallMs, gcMs } = await measure(meter, one, Math.max(3, rounds));
        const row = `longest turn, ${one.name} ${one.sight}`.trim();
        report(row, 'ms', { cpu: cpuMs, 'without gc': cpuWithoutGcMs, wall: wallMs, gc: gcMs }, 1);
        turns.push({ row, held: cpuWithoutGcMs, ok: cpuWithoutGcMs < TURN_BOUND_MS });
      }
    } finally {
      meter.stop();
    }
  }

  // A session that grows to 200 turns, on processes of its own.
  if (only.includes('session')) {
    const { stdout } = await run(process.execPath, [`${root}/test/load/session.mjs`, '--json'], { maxBuffer: 1 << 28 });
    const { rows, judged } = JSON.parse(stdout);
    for (const { turn, body, pipeCpuMs, gatewayCpuMs, standaloneCpuMs, addedMs, journal, events, content } of rows) {
      const row = `turn ${turn} of a session, ${Math.round(body / 1000)} kB`;
      report(row, 'CPU ms', { 'node pipe': pipeCpuMs, [GATEWAY_NAME]: gatewayCpuMs, [us.name]: standaloneCpuMs }, 1);
      report(row, 'bytes', { journal, 'ClickHouse events': events, 'ClickHouse content': content }, 0);
      report(row, 'ms added', { [GATEWAY_NAME]: addedMs }, 1);
    }
    sessionTurns.push(...judged);
  }

  if (only.includes('ledger')) {
    const { stdout } = await run(process.execPath, [`${root}/test/load/ledger.mjs`, '--json'], { maxBuffer: 1 << 28 });
    const result = JSON.parse(stdout);
    report(
      'ledger: event log to queryable and sealed',
      'events/s',
      { wall: result.eventsPerSecond, 'per CPU second': result.eventsPerCpuSecond },
      0,
    );
  }

  if (only.includes('packet')) {
    focusOn(us);
    await settled(us);
    const [{ n }] = await sql(us.instance, us.bearer, 'SELECT count() AS n FROM audit.exchanges');
    const now = Date.now();
    for (const framework of ['ffiec', 'nist-800-53']) {
      const startedAt = performance.now();
      const period = ['--from', new Date(now - 86_400_000).toISOString(), '--to', new Date(now + 60_000).toISOString()];
      affiant(us.instance.state, ['packet', 'create', '--framework', framework, ...period, '--json']);
      report(`packet ${framework} over ${n} exchanges`, 's', { [us.name]: (performance.now() - startedAt) / 1000 });
    }
  }
} finally {
  focusOn(null);
  await Promise.allSettled(targets.map((target) => target.stop()));
  upstream.stop();
}

/** Largest resident memory of each process tree while 64 slow streams are open. */
async function memoryRow(when) {
  const values = {};
  for (const target of targets) {
    await quiet(target);
    let peak = 0;
    let peakGateway = 0;
    const sample = setInterval(() => {
      const tree = processTree(target.pid).rssBytes;
      peak = Math.max(peak, tree);
      peakGateway = Math.max(peakGateway, tree - engineRss(target));
    }, 100);
    await load(target, { model: 'bench-slow-100', stream: true, bytes: 4096, count: 64, concurrency: 64, row: 'memory' });
    clearInterval(sample);
    values[target.name] = peak / 1e6;
    if (target === us) values[`${us.name}, without the engine child`] = peakGateway / 1e6;
  }
  report(`memory under 64 slow streams, ${when}`, 'MB', values, 0);
  // Counted on fresh processes. What the load rows leave is the content cache (bounded, docs/adr/0042), which the peers do not have.
  behindPortkey(`memory under 64 slow streams, ${when}`, values, { beside: when !== 'fresh' });
}

/** RSS of the ClickHouse child, so that both figures can be told. */
function engineRss(target) {
  const { pids } = processTree(target.pid);
  return pids.filter((pid) => pid !== target.pid).reduce((sum, pid) => sum + processTree(pid).rssBytes, 0);
}

for (const { row, counted, ahead, ratio } of outcomes)
  say(`${counted ? (ahead ? 'ahead of ' : 'BEHIND   ') : 'beside   '} portkey: ${row} (${ratio.toFixed(2)}x)`);
for (const { row, held, ok } of turns)
  say(`${ok ? 'within   ' : 'ABOVE    '} ${TURN_BOUND_MS} ms of CPU without collections: ${row} (${held.toFixed(1)})`);
for (const { what, value, limit, ok } of sessionTurns) say(`${ok ? 'within   ' : 'ABOVE    '} ${limit}: ${what} (${value.toFixed(2)})`);
const judged = [...outcomes.filter(({ counted }) => counted).map(({ ahead }) => ahead), ...[...turns, ...sessionTurns].map(({ ok }) => ok)];
const failed = judged.filter((ok) => !ok).length;
if (asJson)
  process.stdout.write(
    `${JSON.stringify({ figures, outcomes, turns, session: sessionTurns, compared: others.map(({ name }) => name) })}\n`,
  );
console.log(`${judged.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
