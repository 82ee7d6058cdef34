export { runErasures, type ErasurePorts, type ErasureRun } from './run-erasures.js';
export { startErasures, type ErasureOptions } from './start-erasures.js';
export { destroyAgain, sweep } from './sweep.js';
