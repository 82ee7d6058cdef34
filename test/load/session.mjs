// What the turns of a growing session cost: `node test/load/session.mjs [--sessions N] [--turns N] [--json]`
// An agent resends its whole conversation each turn. What is new is screened, sealed, recorded and stored; what was there before is recognised. So a turn late
// in a session may cost no more bytes than an early one, and in CPU no more times a bare pipe, which has to carry the whole conversation too.
import '../support/prepare.mjs';
import { readdirSync, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { median, threadCpuMs } from '../support/cpu.mjs';
import { affiant, until } from '../support/instance.mjs';
import { conversation } from './session-bodies.mjs';
import { storedBytes } from './session-stored.mjs';
import { gatewayAlone, LOAD, nodePipe, ours, script } from './targets.mjs';

const args = process.argv.slice(2);
const option = (name, fallback) => Number(args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const sessions = option('--sessions', 3);
const turns = option('--turns', 200);
const asJson = args.includes('--json');
const say = (line) => console[asJson ? 'error' : 'log'](line);

/** Turns told, each with the neighbours that its figures are taken over. */
const WINDOWS = [
  { name: '1', from: 1, to: 1 },
  { name: '10', from: 6, to: 15 },
  { name: `${turns / 2}`, from: turns / 2 - 19, to: turns / 2 },
  { name: `${turns}`, from: turns - 19, to: turns },
];
/** A late turn may cost this many times the bytes of an early one, for each new byte. In the journal each part is cited again every turn (docs/adr/0093-cost-of-a-session.md). */
const JOURNAL_FACTOR = 2;
const STORED_FACTOR = 1.3;
/** Times the CPU of a bare pipe on the same turn, and how much this may grow from the tenth turn to the last. */
const PIPE_FACTOR = 15;
const PIPE_GROWTH = 2;

const agent = new Agent({ keepAlive: true });
function call(target, bytes, session) {
  const startedAt = performance.now();
  const url = new URL(target.url);
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'content-length': bytes.length,
      'x-claude-code-session-id': session,
      ...target.headers,
    };
    const outgoing = request({ agent, host: url.hostname, port: url.port, path: url.pathname, method: 'POST', headers }, (answer) => {
      answer.on('error', reject);
      answer.on('data', () => undefined);
      answer.on('end', () =>
        answer.statusCode === 200
          ? resolve(performance.now() - startedAt)
          : reject(new Error(`${target.name}: status ${answer.statusCode}`)),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

/** Until the ledger, where there is one, has sealed everything, and nobody works. */
async function quiet(target) {
  if (target.instance !== undefined)
    await until(
      'the ledger has sealed everything',
      async () => JSON.parse(affiant(target.instance.state, ['status', '--json'])).ledger.lag === 0,
      120_000,
    );
  for (let i = 0; i < 40; i += 1) {
    const before = threadCpuMs(target.pid);
    await delay(50);
    if (threadCpuMs(target.pid) - before < 1.5) return;
  }
}

const journalBytes = ({ journal }) =>
  journal === undefined
    ? 0
    : readdirSync(journal, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

const boundaries = new Set(WINDOWS.flatMap(({ from, to }) => [from - 1, to]));

/** One session, call after call. @returns readings at the boundaries, milliseconds and body bytes of every turn */
async function drive(target, seed, salt) {
  const { next } = conversation(seed, salt);
  const readings = new Map();
  const ms = [];
  const bytes = [];
  const read = async () => {
    await quiet(target);
    readings.set(ms.length, { cpuMs: threadCpuMs(target.pid), journal: journalBytes(target) });
  };
  await read();
  while (ms.length < turns) {
    const body = next();
    bytes.push(body.length);
    ms.push(await call(target, body, salt));
    if (boundaries.has(ms.length)) await read();
  }
  return { readings, ms, bytes };
}

const upstream = await script(LOAD, 'test/load/upstream.mjs');
const url = `http://127.0.0.1:${upstream.port}`;
const targets = [await nodePipe(url), await gatewayAlone(url), await ours(url)];
const [pipe, gateway, standalone] = targets;
const runs = new Map(targets.map(({ name }) => [name, []]));
let stored;
try {
  for (const target of targets) {
    const { next } = conversation(0, `warm-${process.pid}`);
    for (let i = 0; i < 40; i += 1) await call(target, next(), 'warm');
  }
  for (let i = 0; i < sessions; i += 1)
    for (const target of targets) runs.get(target.name).push(await drive(target, 100 + i, `session-${i}`));
} finally {
  agent.destroy();
  const points = [...boundaries].toSorted((a, b) => a - b);
  await Promise.allSettled([pipe.stop(), gateway.stop()]);
  const ended = standalone.stop(async (state) => {
    if (runs.get(standalone.name).length === sessions) stored = await storedBytes(state, `session-${sessions - 1}`, points);
  });
  upstream.stop();
  await ended;
}

const perTurn = (target, { from, to }, of) =>
  median(runs.get(target.name).map(({ readings }) => (of(readings.get(to)) - of(readings.get(from - 1))) / (to - from + 1)));
const cpuOf = (target, window) => perTurn(target, window, ({ cpuMs }) => cpuMs);
const latencyOf = (target, { from, to }) => median(runs.get(target.name).flatMap(({ ms }) => ms.slice(from - 1, to)));
const bodyOf = ({ from, to }) => median(runs.get(pipe.name).flatMap(({ bytes }) => bytes.slice(from - 1, to)));
/** Bytes by which a turn is longer than the one before, on average; the whole of the first. */
const newOf = ({ from, to }) =>
  median(runs.get(pipe.name).map(({ bytes }) => (bytes[to - 1] - (from === 1 ? 0 : bytes[from - 2])) / (to - from + 1)));
const storedOf = ({ from, to }, table) => (stored.get(to)[table] - (stored.get(from - 1)?.[table] ?? 0)) / (to - from + 1);

const rows = WINDOWS.map((window) => ({
  turn: window.name,
  body: bodyOf(window),
  new: newOf(window),
  pipeCpuMs: cpuOf(pipe, window),
  gatewayCpuMs: cpuOf(gateway, window),
  standaloneCpuMs: cpuOf(standalone, window),
  addedMs: latencyOf(gateway, window) - latencyOf(pipe, window),
  standaloneAddedMs: latencyOf(standalone, window) - latencyOf(pipe, window),
  journal: perTurn(gateway, window, ({ journal }) => journal),
  events: storedOf(window, 'events'),
  content: storedOf(window, 'content'),
}));
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const row of rows)
  say(
    `turn ${row.turn.padEnd(4)} body ${kB(row.body)}, new ${kB(row.new)}  ·  CPU ms pipe ${row.pipeCpuMs.toFixed(2)}, gateway ${row.gatewayCpuMs.toFixed(2)}, standalone ${row.standaloneCpuMs.toFixed(1)}  ·  added ms gateway ${row.addedMs.toFixed(1)}, standalone ${row.standaloneAddedMs.toFixed(1)}  ·  journal ${kB(row.journal)}  ·  ClickHouse events ${kB(row.events)}, content ${kB(row.content)}`,
  );

/** The whole session. */
const whole = { name: 'whole', from: 1, to: turns };
const total = (of) => of(whole) * turns;
const sums = {
  sent: median(runs.get(pipe.name).map(({ bytes }) => bytes.reduce((sum, each) => sum + each, 0))),
  last: median(runs.get(pipe.name).map(({ bytes }) => bytes.at(-1))),
  pipeCpuMs: total((window) => cpuOf(pipe, window)),
  gatewayCpuMs: total((window) => cpuOf(gateway, window)),
  standaloneCpuMs: total((window) => cpuOf(standalone, window)),
  journal: total((window) => perTurn(gateway, window, ({ journal }) => journal)),
  events: stored.get(turns).events,
  content: stored.get(turns).content,
};
say(
  `${turns} turns: ${kB(sums.sent)} sent, ${kB(sums.last)} of conversation  ·  CPU ms pipe ${sums.pipeCpuMs.toFixed(0)}, gateway ${sums.gatewayCpuMs.toFixed(0)}, standalone ${sums.standaloneCpuMs.toFixed(0)}  ·  journal ${kB(sums.journal)}  ·  ClickHouse events ${kB(sums.events)}, content ${kB(sums.content)}`,
);

const [, early, , late] = rows;
const judged = [];
const judge = (what, value, limit) => judged.push({ what, value, limit, ok: value <= limit });
const growth = (of) => of(late) / late.new / (of(early) / early.new);
judge(
  'journal bytes per new byte, last turn against the tenth',
  growth(({ journal }) => journal),
  JOURNAL_FACTOR,
);
judge(
  'ClickHouse bytes per new byte, last turn against the tenth',
  growth(({ events, content }) => events + content),
  STORED_FACTOR,
);
judge('journal of the session, times its conversation', sums.journal / sums.last, 3);
judge('ClickHouse of the session, times its conversation', (sums.events + sums.content) / sums.last, 3);
judge('gateway CPU of the last turn, times the pipe', late.gatewayCpuMs / late.pipeCpuMs, PIPE_FACTOR);
judge('the same, against the tenth turn', late.gatewayCpuMs / late.pipeCpuMs / (early.gatewayCpuMs / early.pipeCpuMs), PIPE_GROWTH);
for (const { what, value, limit, ok } of judged) say(`${ok ? 'within   ' : 'ABOVE    '} ${limit}: ${what} (${value.toFixed(2)})`);
const failed = judged.filter(({ ok }) => !ok).length;
if (asJson) process.stdout.write(`${JSON.stringify({ rows, sums, judged })}\n`);
console[asJson ? 'error' : 'log'](`${judged.length - failed} passed, ${failed} failed`);
// With --json the caller judges.
process.exit(failed === 0 || asJson ? 0 : 1);
