import type { TestEngine } from './engine.d.mts';

export interface TestWitness extends TestEngine {
  /** Of its cosignatures (signature type 0x04). */
  readonly vkey: string;
}

export interface TestWitnessOptions {
  /** Vkeys of the logs it follows; the name of a key is its log's origin. */
  readonly logs: readonly string[];
  /** Default: `witness.example/third-party`. */
  readonly name?: string;
  /** Default: built when needed. */
  readonly program?: string;
}

/** False, said loudly, when it cannot be built here (with CI=true: throws). */
export function hasWitness(): boolean;
export function startWitness(options: TestWitnessOptions): Promise<TestWitness>;
