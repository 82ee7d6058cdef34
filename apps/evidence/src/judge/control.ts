import type { Check, Control } from '../catalog/control.js';
import type { ControlResult, GateResult } from '../model/packet.js';
import type { Results } from '../model/result.js';
import type { GateId, Method, Verdict } from '../model/verdict.js';

/** A rationale somebody signed, by control id; the only way to NOT APPLICABLE. */
export type Rationales = Readonly<Record<string, { readonly text: string; readonly signed_by: string }>>;

export interface JudgeInput {
  readonly control: Control;
  readonly check: Check;
  readonly population: number;
  readonly exceptions: number;
  readonly gates: readonly GateResult[];
  /** Drills (subjects of drill.run events) that passed in the period. */
  readonly drills: readonly string[];
  readonly rationale?: { readonly text: string; readonly signed_by: string };
}

/**
 * The verdict of one control. Rules (docs/reference/packet.md):
 * exceptions are always a FINDING; a failed gate keeps everything that rests on it from PASS; zero exceptions are PASS only when the
 * population is not empty; what the ledger cannot know is INCONCLUSIVE or MANUAL, never PASS.
 */
export function judgeControl(input: JudgeInput): ControlResult {
  const { control, population, exceptions } = input;
  const blocked_by = control.gates.filter((id) => input.gates.find((gate) => gate.id === id)?.verdict !== 'PASS');
  const methods = methodsOf(control, input.drills);
  const result = (verdict: Verdict, ...reasons: string[]): ControlResult => ({ id: control.id, verdict, methods, reasons, blocked_by });

  if (input.rationale !== undefined) return result('NOT APPLICABLE', `${input.rationale.text} Signed by ${input.rationale.signed_by}.`);
  if (control.rule.kind === 'manual') return result('MANUAL', control.rule.reason);
  const gateFindings = input.gates.filter((gate) => gate.verdict === 'FINDING' && input.check.findingGates?.includes(gate.id) === true);
  if (gateFindings.length > 0)
    return result('FINDING', ...gateFindings.flatMap((gate) => gate.reasons.map((reason) => `Gate ${gate.id}: ${reason}`)));
  if (exceptions > 0) {
    return result(
      'FINDING',
      `${exceptions} ${input.check.exceptions.label}, of ${population} ${input.check.population.label}.`,
      ...gateReasons(blocked_by),
    );
  }
  if (blocked_by.length > 0) return result('INCONCLUSIVE', ...gateReasons(blocked_by), ...missingReason(control));
  if (population === 0) return result('NO ACTIVITY', `No ${input.check.population.label}: nothing to examine.`, ...missingReason(control));
  const clean = `0 ${input.check.exceptions.label}, of ${population} ${input.check.population.label}.`;
  if (control.rule.kind === 'at_best_inconclusive') return result('INCONCLUSIVE', clean, ...missingReason(control));
  return result('PASS', clean, ...determinations(control));
}

function methodsOf(control: Control, drills: readonly string[]): Method[] {
  const tested = control.testable && control.drill !== null && drills.includes(control.drill);
  return tested ? ['EXAMINE', 'TEST'] : ['EXAMINE'];
}

function gateReasons(blocked: readonly GateId[]): string[] {
  return blocked.length === 0 ? [] : [`Gate ${blocked.join(', ')} does not hold, so the count cannot carry a PASS.`];
}

function missingReason(control: Control): string[] {
  return control.rule.kind === 'at_best_inconclusive' ? [`Not evidenced: ${control.rule.missing}.`] : [];
}

function determinations(control: Control): string[] {
  if (control.determinations === undefined) return [];
  const [shown, of] = control.determinations;
  return shown === of ? [`Covers all ${of} determinations.`] : [`Covers ${shown} of ${of} determinations; the others are MANUAL.`];
}

/** Drills that ran and did not fail. */
export function passedDrills(results: Results): string[] {
  return results
    .records('drills')
    .filter((row) => Number(row['runs']) > 0 && row['runs'] === row['passed'])
    .map((row) => String(row['drill']));
}
