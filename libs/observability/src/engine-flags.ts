import { availableParallelism } from 'node:os';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/**
 * Keeps a serving process small (docs/adr/0042-process-memory.md has the figures). Called before anything large is loaded; `engineFlagsForServing`
 * must follow when the process serves.
 */
export function engineFlagsForStart(): void {
  // Loading modules grows the young generation to 3 x 16 MB, and nothing takes that back soon. V8 asks for the factor at each growth.
  setFlagsFromString('--semi-space-growth-factor=1');
  // undici's HTTP parser is WebAssembly: the optimising compiler takes 32 MB for it at the first burst, for no gain measured.
  // V8 looks at these when a module is compiled.
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  // On one core the threads that mark beside us take turns with us, of 15 to 20 ms each, for a tenth of a second. V8 asks when it begins to mark; without
  // them it marks between our turns, a little at a time.
  if (availableParallelism() === 1) setFlagsFromString('--no-concurrent-marking');
}

const LOOK_EVERY_MS = 2_000;
/** Share of the last period in which the event loop worked, from which on the process counts as saturated. */
const SATURATED = 0.6;

/**
 * Memory that may be asked for, outside the heap too, between two full collections. V8 lets a heap grow by a share of itself, and counts what lies outside
 * against it: 30 MB of objects allowed 12 MB of bodies, so that bodies alone made it go over all objects several times a second, for 5 to 20 ms each.
 */
const BETWEEN_COLLECTIONS = 128 * 2 ** 20;
/** Percent of the heap. Below, a large heap would be collected more often than V8 means to. */
const LEAST_GROWTH = 50;
const MOST_GROWTH = 500;

/**
 * From here on the young generation grows while the process is saturated, and only then: a small one costs a saturated gateway a third
 * more CPU, a large one costs an idle gateway with many open streams 20 MB for nothing.
 */
export function engineFlagsForServing(): void {
  letHeapGrow();
  let last = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(now, last).utilization >= SATURATED;
    last = now;
    setFlagsFromString(`--semi-space-growth-factor=${busy ? 2 : 1}`);
    letHeapGrow();
  }, LOOK_EVERY_MS).unref();
}

/** V8 asks at the end of each full collection. */
function letHeapGrow(): void {
  const percent = Math.round((100 * BETWEEN_COLLECTIONS) / getHeapStatistics().used_heap_size);
  setFlagsFromString(`--heap-growing-percent=${Math.min(MOST_GROWTH, Math.max(LEAST_GROWTH, percent))}`);
}
