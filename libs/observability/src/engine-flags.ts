import { setFlagsFromString } from 'node:v8';

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
}

const LOOK_EVERY_MS = 2_000;
/** Share of the last period in which the event loop worked, from which on the process counts as saturated. */
const SATURATED = 0.6;

/**
 * From here on the young generation grows while the process is saturated, and only then: a small one costs a saturated gateway a third
 * more CPU, a large one costs an idle gateway with many open streams 20 MB for nothing.
 */
export function engineFlagsForServing(): void {
  let last = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(now, last).utilization >= SATURATED;
    last = now;
    setFlagsFromString(`--semi-space-growth-factor=${busy ? 2 : 1}`);
  }, LOOK_EVERY_MS).unref();
}
