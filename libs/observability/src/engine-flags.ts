import { setFlagsFromString } from 'node:v8';

/**
 * Keeps a serving process small (docs/adr/0042-process-memory.md has the figures). Call it before anything large is loaded: V8 asks for the
 * growth factor at each growth of the young generation, and for the WebAssembly flags when a module is compiled.
 */
export function setEngineFlags(): void {
  // The young generation of the calling process stays at 2 x 1 MB instead of growing to 3 x 16 MB; its pauses stay short with it.
  setFlagsFromString('--semi-space-growth-factor=1');
  // undici's HTTP parser is WebAssembly. The optimising compiler takes 35 MB and half a second of CPU for it, for no gain one can measure.
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
}
