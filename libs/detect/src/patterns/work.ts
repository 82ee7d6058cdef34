import type { RE2JS } from 're2js';

/** An instruction of a compiled expression, as re2js has it. */
export interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  /** Of instructions that take a sign: one code point, or ranges. */
  readonly runes: ArrayLike<number>;
}

export interface Program {
  readonly inst: readonly Instruction[];
  readonly start: number;
}

interface Automaton {
  /** Signs that the program tells apart: entries of each state's table. */
  readonly numClasses: number;
  closure(this: Automaton, pcs: readonly number[], flag: number): { readonly pcs: readonly number[] };
}

interface Engine {
  prog: Program & { getInst: (this: Program, pc: number) => Instruction };
  readonly dfa: Automaton;
  doExecuteNFA: (this: Engine, ...search: unknown[]) => unknown;
  /** Threads' machines that are free. */
  readonly machinePool: Machine[];
}

interface Machine {
  prog: Program;
  step: Step;
}

type Step = (this: Machine, threads: { readonly size: number }, ...rest: unknown[]) => void;

/** Building a state of the automaton costs several times as much per instruction as the other engines' steps do. */
const STATE_WEIGHT = 10;
/** Sixteen entries of its table cost a step. */
const TABLE_SHIFT = 4;

/** Thrown in the middle of a search that has used up its steps. */
export class TooManySteps extends Error {
  override readonly name = 'TooManySteps';
}

let spent = 0;
let limit = Number.POSITIVE_INFINITY;

function spend(steps: number): void {
  spent += steps;
  if (spent > limit) throw new TooManySteps(`more than ${limit} steps`);
}

/**
 * Runs searches of counted expressions that together may take `steps`; inside another such run, they count to that one.
 * @throws TooManySteps
 */
export function bounded<T>(steps: number, work: () => T): T {
  if (limit !== Number.POSITIVE_INFINITY) return work();
  spent = 0;
  limit = steps;
  try {
    return work();
  } finally {
    limit = Number.POSITIVE_INFINITY;
  }
}

/** Steps that `work` takes, at most `most`, at which it is broken off. */
export function stepsOf(most: number, work: () => void): number {
  try {
    bounded(most, work);
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error;
    return most;
  }
  return spent;
}

/** The compiled program. @throws Error when the library keeps it elsewhere than it does */
export const programOf = (regex: RE2JS): Program => engineOf(regex).prog;

function engineOf(regex: RE2JS): Engine {
  const engine = (regex as unknown as { readonly re2Input?: Engine | null }).re2Input;
  if (engine === null || engine === undefined || !Array.isArray(engine.prog?.inst)) throw new Error('re2js keeps its program elsewhere.');
  return engine;
}

/**
 * Counts what the engine does for this expression: every instruction that it looks at, on each of its ways to search (backtracking, threads, states of the
 * automaton). Looking up a state that is there already costs nothing: it is one look per sign. The count is the same on every machine.
 */
export function counted(regex: RE2JS): RE2JS {
  const engine = engineOf(regex);
  const { prog, dfa, doExecuteNFA } = engine;
  const { closure } = dfa;
  dfa.closure = function (pcs, flag) {
    const found = closure.call(this, pcs, flag);
    spend(STATE_WEIGHT * found.pcs.length + (this.numClasses >> TABLE_SHIFT));
    return found;
  };
  prog.getInst = countedInstruction;
  // Machines of threads are made by the engine alone. A new one gets a program that counts, of which all else is the same; later it counts by its steps.
  const { machinePool } = engine;
  const threads = Object.create(prog, { raw: { value: prog.inst }, inst: { get: countedProgram } }) as Engine['prog'];
  engine.doExecuteNFA = function (...search) {
    if (machinePool.length > 0) return doExecuteNFA.apply(engine, search);
    engine.prog = threads;
    try {
      return doExecuteNFA.apply(engine, search);
    } finally {
      engine.prog = prog;
      for (const machine of machinePool) countSteps(machine, prog);
    }
  };
  return regex;
}

function countSteps(machine: Machine, prog: Program): void {
  const { step } = machine;
  machine.prog = prog;
  machine.step = function (threads, b, c, d, e, f, g, h) {
    // Each was looked at when it was added, and is now.
    spend(2 * threads.size);
    step.call(this, threads, b, c, d, e, f, g, h);
  };
}

/** One function for all programs, so that the engine that calls it is compiled for it. */
function countedInstruction(this: Program, pc: number): Instruction {
  if (++spent > limit) spend(0);
  return this.inst[pc] as Instruction;
}

function countedProgram(this: { readonly raw: readonly Instruction[] }): readonly Instruction[] {
  if (++spent > limit) spend(0);
  return this.raw;
}
