export { openWitness, type RunningWitness, type WitnessOptions } from './open-witness.js';
export { runWitness } from './run-witness.js';
