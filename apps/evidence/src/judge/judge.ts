import { catalogueOf } from '../catalog/catalogue.js';
import type { Framework } from '../catalog/control.js';
import type { ControlResult, GateResult } from '../model/packet.js';
import { judgeControl, passedDrills, type Rationales } from './control.js';
import { judgeGates, type GateInput } from './gates.js';

export interface Judgement {
  readonly gates: readonly GateResult[];
  readonly controls: readonly ControlResult[];
}

/** Gates first, then every control. Pure, so that a verifier judges again from the results in packet.json. */
export function judge(framework: Framework, input: GateInput, rationales: Rationales = {}): Judgement {
  const catalogue = catalogueOf(framework);
  const gates = judgeGates(input);
  const drills = passedDrills(input.results);
  const controls = catalogue.controls.map((control) => {
    const check = catalogue.check(control.check);
    return judgeControl({
      control,
      check,
      population: input.results.number(check.population.query, check.population.column),
      exceptions: input.results.number(check.exceptions.query, check.exceptions.column),
      gates,
      drills,
      rationale: rationales[control.id],
    });
  });
  return { gates, controls };
}
