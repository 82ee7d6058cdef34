import type { Rule } from './control.js';
import type { GateId } from '../model/verdict.js';

export const ZERO: Rule = { kind: 'zero_exceptions' };

export const atBest = (missing: string): Rule => ({ kind: 'at_best_inconclusive', missing });

export const manual = (reason: string): Rule => ({ kind: 'manual', reason });

/** Gates every count over the ledger rests on. */
export const RECORDS: readonly GateId[] = ['G1', 'G2', 'G5', 'G6'];

/** The same for statements about the order of events in time. */
export const ORDERED: readonly GateId[] = ['G1', 'G2', 'G4', 'G5', 'G6'];

/** The same for statements about traffic that should have passed the gateway. */
export const COMPLETE: readonly GateId[] = ['G1', 'G2', 'G3', 'G5', 'G6'];

/** Integrity only. */
export const INTEGRITY: readonly GateId[] = ['G1', 'G2', 'G5'];

export const GATEWAY_ONLY = 'Speaks of what the gateway handled; what never reached it is not in the population (gate G3).';
