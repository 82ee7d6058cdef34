// Preload (`node --import`): measures every turn of the event loop of this process, on demand of its parent over IPC.
// CPU is the main thread's own (CLOCK_THREAD_CPUTIME_ID): what other programs and other threads of this process do meanwhile does not count, so a
// busy machine does not blur it; garbage collection on the main thread counts to the turn it happens in.
// Commands: 'begin' · 'end' -> the figures since 'begin' · 'gc' forces a collection before a run, when started with --expose-gc.
import { Session } from 'node:inspector';
import { PerformanceObserver } from 'node:perf_hooks';

const { threadCpuMs } = await import('./thread-cpu.mjs');
const GC_KINDS = { 1: 'scavenge', 4: 'mark-compact', 8: 'incremental', 16: 'weak callbacks' };

/** Keeps the loop turning, so that one turn is from one check phase to the next; the longest turns by CPU are kept. */
const KEPT = 200;
let watching = false;
let turns = [];
let count = 0;
let cpu = 0;
let wall = 0;
let longestWall = null;
let collections = [];

new PerformanceObserver((list) => {
  if (watching)
    for (const { startTime, duration, detail } of list.getEntries()) collections.push({ startTime, duration, kind: GC_KINDS[detail.kind] ?? 'other' });
}).observe({ entryTypes: ['gc'] });

function turn() {
  const cpuNow = threadCpuMs();
  const wallNow = performance.now();
  const taken = cpuNow - cpu;
  count += 1;
  const entry = { cpu: taken, wall: wallNow - wall, from: wall, to: wallNow };
  if (longestWall === null || entry.wall > longestWall.wall) longestWall = entry;
  if (taken > 0.5) {
    turns.push(entry);
    if (turns.length > 4 * KEPT) keepLongest();
  }
  if (!watching) return;
  cpu = threadCpuMs();
  wall = performance.now();
  setImmediate(turn);
}

function keepLongest() {
  turns.sort((a, b) => b.cpu - a.cpu);
  turns.length = Math.min(turns.length, KEPT);
}

const session = process.env.TURN_PROFILE === '1' ? new Session() : null;
const post = (method, parameters) =>
  new Promise((resolve, reject) => session.post(method, parameters, (error, result) => (error === null ? resolve(result) : reject(error))));
if (session !== null) {
  session.connect();
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: 100 });
}

async function begin() {
  globalThis.gc?.();
  if (session !== null) await post('Profiler.start');
  turns = [];
  collections = [];
  longestWall = null;
  count = 0;
  watching = true;
  cpu = threadCpuMs();
  wall = performance.now();
  setImmediate(turn);
  return {};
}

async function end() {
  // What was collected is told asynchronously.
  await new Promise((resolve) => setTimeout(resolve, 20));
  watching = false;
  await new Promise((resolve) => setImmediate(resolve));
  keepLongest();
  for (const entry of turns) {
    const inside = collections.filter(({ startTime }) => startTime >= entry.from && startTime < entry.to);
    // A collection's time is wall time: on a busy machine it is more than the thread used, so never more than the turn.
    entry.gc = Math.min(entry.cpu, inside.reduce((sum, { duration }) => sum + duration, 0));
    entry.gcKinds = inside.map(({ kind, duration }) => `${kind} ${duration.toFixed(1)}`).join(', ');
  }
  const profile = session === null ? null : (await post('Profiler.stop')).profile;
  if (profile !== null) for (const entry of turns.slice(0, 5)) entry.ran = framesOf(profile, entry);
  return {
    turns: count,
    longest: turns.slice(0, 5),
    cpuMs: turns[0]?.cpu ?? 0,
    cpuWithoutGcMs: turns.reduce((most, { cpu: of, gc }) => Math.max(most, of - gc), 0),
    wallMs: longestWall?.wall ?? 0,
    gcMs: collections.reduce((most, { duration }) => Math.max(most, duration), 0),
  };
}

/** What ran in a turn: functions by their share of the samples, with the callers that lead there. Profile times are microseconds of the same clock. */
function framesOf(profile, { from, to }) {
  const offset = profileOffset();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])));
  const weights = new Map();
  let at = profile.startTime;
  for (let i = 0; i < profile.samples.length; i += 1) {
    const delta = profile.timeDeltas[i];
    at += delta;
    const ms = at / 1000 - offset;
    if (ms < from || ms > to) continue;
    const stack = [];
    for (let node = nodes.get(profile.samples[i]); node !== undefined && stack.length < 8; node = parents.get(node.id)) {
      const { functionName, url, lineNumber } = node.callFrame;
      if (functionName === '(root)') break;
      stack.push(`${functionName || 'anonymous'}${url === '' ? '' : ` ${url.split('/').slice(-1)[0]}:${lineNumber + 1}`}`);
    }
    const key = stack.join(' < ');
    weights.set(key, (weights.get(key) ?? 0) + delta / 1000);
  }
  return [...weights].toSorted((a, b) => b[1] - a[1]).slice(0, 12).map(([stack, ms]) => `${ms.toFixed(2)} ${stack}`);
}

/** Milliseconds between the profile's clock (monotonic) and performance.now(). */
const profileOffset = () => Number(process.hrtime.bigint()) / 1e6 - performance.now();

process.on('message', async (command) => {
  process.send(command === 'begin' ? await begin() : await end());
});
process.on('disconnect', () => process.exit(0));
