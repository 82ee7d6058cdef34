import { describe, expect, it } from 'vitest';
import { catalogueOf } from '../catalog/catalogue.js';
import type { Check, Control, Rule } from '../catalog/control.js';
import { atBest, manual, ZERO } from '../catalog/rules.js';
import type { GateResult } from '../model/packet.js';
import { GATE_IDS, type GateId, type Verdict } from '../model/verdict.js';
import { judgeControl, type JudgeInput } from './control.js';

const check: Check = {
  id: 'c',
  population: { label: 'things', query: 'c', column: 'population' },
  exceptions: { label: 'bad things', query: 'c', column: 'exceptions' },
  exceptionRows: null,
  sampleRows: null,
  figures: [],
};
const control = (rule: Rule, gates: readonly GateId[] = ['G1', 'G2']): Control => ({
  ...(catalogueOf('nist-800-53').controls[0] as Control),
  id: 'X-1',
  rule,
  gates,
  drill: 'deny',
  determinations: [1, 3],
});
const gates = (bad: Partial<Record<GateId, GateResult['verdict']>> = {}): GateResult[] =>
  GATE_IDS.map((id) => ({ id, title: id, verdict: bad[id] ?? 'PASS', reasons: [`${id} says so`] }));
const judge = (rule: Rule, population: number, exceptions: number, more: Partial<JudgeInput> = {}): ReturnType<typeof judgeControl> =>
  judgeControl({ control: control(rule), check, population, exceptions, gates: gates(), drills: [], ...more });

describe('judgeControl', () => {
  it.each<[string, Rule, number, number, Partial<Record<GateId, GateResult['verdict']>>, Verdict]>([
    ['clean over a population', ZERO, 10, 0, {}, 'PASS'],
    ['clean over nothing is never PASS', ZERO, 0, 0, {}, 'NO ACTIVITY'],
    ['an exception', ZERO, 10, 1, {}, 'FINDING'],
    ['an exception stays a finding under a failed gate', ZERO, 10, 1, { G1: 'FINDING' }, 'FINDING'],
    ['a failed gate it rests on', ZERO, 10, 0, { G1: 'FINDING' }, 'INCONCLUSIVE'],
    ['an inconclusive gate it rests on', ZERO, 10, 0, { G2: 'INCONCLUSIVE' }, 'INCONCLUSIVE'],
    ['a failed gate makes an empty population doubtful', ZERO, 0, 0, { G1: 'FINDING' }, 'INCONCLUSIVE'],
    ['a failed gate it does not rest on', ZERO, 10, 0, { G3: 'INCONCLUSIVE', G4: 'FINDING' }, 'PASS'],
    ['clean but not all evidenced', atBest('the register is missing'), 10, 0, {}, 'INCONCLUSIVE'],
    ['not all evidenced, with an exception', atBest('the register is missing'), 10, 2, {}, 'FINDING'],
    ['not all evidenced, nothing there', atBest('the register is missing'), 0, 0, {}, 'NO ACTIVITY'],
    ['judged by people, whatever the numbers', manual('People decide.'), 10, 3, {}, 'MANUAL'],
  ])('%s', (_, rule, population, exceptions, bad, verdict) => {
    expect(judge(rule, population, exceptions, { gates: gates(bad) }).verdict).toBe(verdict);
  });

  it('takes NOT APPLICABLE from a signed rationale alone', () => {
    const result = judge(ZERO, 0, 0, { rationale: { text: 'No such system.', signed_by: 'M. Fernandez' } });
    expect(result).toMatchObject({ verdict: 'NOT APPLICABLE', reasons: ['No such system. Signed by M. Fernandez.'] });
  });

  it('names the gates in the way, and never more determinations than it evidenced', () => {
    expect(judge(ZERO, 5, 0, { gates: gates({ G1: 'FINDING', G2: 'FINDING' }) }).blocked_by).toEqual(['G1', 'G2']);
    expect(judge(ZERO, 5, 0).reasons.join(' ')).toContain('Covers 1 of 3 determinations');
  });

  it('takes a gate finding as its own where the control is about that gate', () => {
    const result = judge(ZERO, 5, 0, { check: { ...check, findingGates: ['G2'] }, gates: gates({ G2: 'FINDING' }) });
    expect(result).toMatchObject({ verdict: 'FINDING', reasons: ['Gate G2: G2 says so'] });
  });

  it('is TEST only when its own drill passed and the procedure has that method', () => {
    expect(judge(ZERO, 5, 0).methods).toEqual(['EXAMINE']);
    expect(judge(ZERO, 5, 0, { drills: ['other'] }).methods).toEqual(['EXAMINE']);
    expect(judge(ZERO, 5, 0, { drills: ['deny'] }).methods).toEqual(['EXAMINE', 'TEST']);
    expect(judge(ZERO, 5, 0, { drills: ['deny'], control: { ...control(ZERO), testable: false } }).methods).toEqual(['EXAMINE']);
  });
});
