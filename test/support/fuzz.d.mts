/** A source of numbers that depends on the seed alone. */
export interface Random {
  /** Whole number from 0 to below `end`. */
  below(end: number): number;
  bytes(count: number): Buffer;
}

/** One parser: what it may be given, and how it may refuse. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs that mutations start from. */
  readonly seeds: readonly Buffer[];
  /** Error codes it documents. */
  readonly codes: readonly string[];
  /** Parses; whatever it returns is fine. May be asynchronous. */
  readonly parse: (bytes: Buffer) => unknown;
  /** Inputs relative to `FUZZ_RUNS`, for slow parsers. Default 1. */
  readonly share?: number;
}

export interface FuzzReport {
  readonly runs: number;
  /** Inputs the parser accepted: a fuzzer that is never let in tests the door only. */
  readonly accepted: number;
  readonly slowestMs: number;
}

/** Inputs per target: FUZZ_RUNS, or a number that suits `npm test`. */
export const fuzzRuns: number;
export const fuzzSeed: number;

/**
 * Gives mutations of the seeds, pieces of them glued together, and random bytes to the parser.
 * @throws Error naming target, seed and run, with the input in hex, when anything but an AffiantError of a documented code comes out, or one input takes longer than 20 s
 */
export function fuzz(target: FuzzTarget, runs?: number, seed?: number): Promise<FuzzReport>;
export function random(seed: number): Random;
