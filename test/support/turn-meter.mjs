// Measures every turn of this process's event loop: from one check phase to the next. CPU is the main thread's own (CLOCK_THREAD_CPUTIME_ID): what
// other programs and other threads of this process do meanwhile does not count, so a busy machine does not blur it; garbage collection on the main
// thread counts to the turn it happens in. The loop is kept turning meanwhile, so what waits for the network is not lumped together.
import { PerformanceObserver } from 'node:perf_hooks';
import { threadCpuMs } from './thread-cpu.mjs';

const GC_KINDS = { 1: 'scavenge', 4: 'mark-compact', 8: 'incremental', 16: 'weak callbacks' };
const KEPT = 200;
/** Shorter turns are only counted. */
const SHORT_MS = 0.5;

let watching = false;
let turns = [];
let collections = [];
let count = 0;
let longestWallMs = 0;
let cpu = 0;
let wall = 0;

new PerformanceObserver((list) => {
  if (!watching) return;
  for (const { startTime, duration, detail } of list.getEntries())
    collections.push({ startTime, duration, kind: GC_KINDS[detail.kind] ?? 'other' });
}).observe({ entryTypes: ['gc'] });

function turn() {
  const entry = { cpu: threadCpuMs() - cpu, wall: performance.now() - wall, from: wall, to: performance.now() };
  count += 1;
  longestWallMs = Math.max(longestWallMs, entry.wall);
  if (entry.cpu > SHORT_MS) turns.push(entry);
  if (turns.length > 4 * KEPT) keepLongest();
  if (!watching) return;
  cpu = threadCpuMs();
  wall = performance.now();
  setImmediate(turn);
}

function keepLongest() {
  turns.sort((a, b) => b.cpu - a.cpu);
  turns.length = Math.min(turns.length, KEPT);
}

export function beginTurns() {
  turns = [];
  collections = [];
  count = 0;
  longestWallMs = 0;
  watching = true;
  cpu = threadCpuMs();
  wall = performance.now();
  setImmediate(turn);
}

/** Figures since beginTurns(): longest turn by CPU, the same without what the collector took in it, longest by wall clock, longest collection. */
export async function endTurns() {
  // Collections are told asynchronously.
  await new Promise((resolve) => setTimeout(resolve, 20));
  watching = false;
  await new Promise((resolve) => setImmediate(resolve));
  keepLongest();
  for (const entry of turns) {
    const inside = collections.filter(({ startTime }) => startTime >= entry.from && startTime < entry.to);
    // The collector's time is wall time: on a busy machine that is more than the thread used, so never more than the turn.
    entry.gc = Math.min(
      entry.cpu,
      inside.reduce((sum, { duration }) => sum + duration, 0),
    );
    entry.gcKinds = inside.map(({ kind, duration }) => `${kind} ${duration.toFixed(1)}`).join(', ');
  }
  return {
    turns: count,
    cpuMs: turns[0]?.cpu ?? 0,
    cpuWithoutGcMs: turns.reduce((most, { cpu: of, gc }) => Math.max(most, of - gc), 0),
    wallMs: longestWallMs,
    gcMs: collections.reduce((most, { duration }) => Math.max(most, duration), 0),
    longest: turns.slice(0, 5),
  };
}
