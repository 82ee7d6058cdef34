import { Window } from '../engine/window.js';
import { hostileTexts, HOSTILE_UNITS } from './adversary.js';
import type { CompiledRegex, PatternCost } from './compiled.js';
import { Counts } from './counts.js';
import { PatternFinder } from './finder.js';
import { programOf, stepsOf } from './work.js';

/** Steps that own patterns should take of a piece of text, all of them together: some five milliseconds. */
export const PIECE_STEPS = 150_000;
/** Of one scan at least, before it is broken off and the call refused: texts may be worse than those tried. */
const LEAST_SCAN_STEPS = 2 * PIECE_STEPS;
/** Most that one pattern may take of a piece of FEWEST_UNITS, some 30 ms, and all of a detector together. */
const MAX_STEPS = 1_000_000;
const MAX_STEPS_TOGETHER = 2 * MAX_STEPS;
/** Most and fewest units that are given to a detector at once. */
export const MOST_UNITS = 8192;
export const FEWEST_UNITS = 512;
/** At which a trial of one text ends: more than MAX_STEPS allow. */
const MOST = (MAX_STEPS / FEWEST_UNITS) * HOSTILE_UNITS;

/** A pattern's two expressions, compiled for the trial alone: what it leaves in their automata is not kept. */
type Tried = Omit<CompiledRegex, 'cost'>;

/** Tries a pattern on texts written against it, until it is too much. Deterministic. */
export function costOf(pattern: Tried): PatternCost {
  const tried = { ...pattern, cost: NOTHING, context: [] };
  const finder = new PatternFinder(tried, new Counts(tried, null));
  let cost = NOTHING;
  for (const text of hostileTexts(programOf(pattern.regex))) {
    const search = stepsOf(MOST, () => {
      searchThrough(finder, text);
    });
    const opening = stepsOf(MAX_STEPS, () => {
      finder.openFrom(text, 0);
    });
    cost = { rate: Math.max(cost.rate, Math.ceil(search / HOSTILE_UNITS)), tail: Math.max(cost.tail, opening) };
    if (isTooMuch(cost)) break;
  }
  return cost;
}

const NOTHING: PatternCost = { rate: 0, tail: 0 };

/** As a scan does: on behind each match. */
function searchThrough(finder: PatternFinder, text: string): void {
  const window = new Window(text, true, 0);
  for (let from = 0; from < text.length;) {
    const found = finder.next(window, from);
    if (found === null) return;
    from = found.end;
  }
}

export const isTooMuch = (cost: PatternCost): boolean => stepsFor([cost], FEWEST_UNITS) > MAX_STEPS;
export const areTooMuch = (costs: readonly PatternCost[]): boolean => stepsFor(costs, FEWEST_UNITS) > MAX_STEPS_TOGETHER;

/** Whether it can take longer than a turn of the event loop should: for a warning. */
export const isSlow = ({ cost }: CompiledRegex): boolean => stepsFor([cost], FEWEST_UNITS) > PIECE_STEPS;

/** Steps of a piece with so many units. */
export function stepsFor(costs: readonly PatternCost[], units: number): number {
  return costs.reduce((steps, { rate, tail }) => steps + rate * units + tail, 0);
}

/** Units of a piece with which these patterns keep to PIECE_STEPS, as far as FEWEST_UNITS allow. */
export function unitsFor(costs: readonly PatternCost[]): number {
  const tails = stepsFor(costs, 0);
  const units = Math.floor((PIECE_STEPS - tails) / Math.max(1, stepsFor(costs, 1) - tails));
  return Math.min(MOST_UNITS, Math.max(FEWEST_UNITS, units));
}

/** Steps after which a scan of `units` is broken off, where `pieceUnits` are given at once: twice what the trials took, and never fewer than LEAST_SCAN_STEPS. */
export function scanSteps(costs: readonly PatternCost[], pieceUnits: number, units: number): number {
  return Math.max(LEAST_SCAN_STEPS, 2 * stepsFor(costs, pieceUnits)) * Math.max(1, Math.ceil(units / pieceUnits));
}
