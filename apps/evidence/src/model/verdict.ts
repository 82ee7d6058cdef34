/** The six verdicts. Order = the order of the verdict strip. */
export const VERDICTS = ['PASS', 'FINDING', 'INCONCLUSIVE', 'NO ACTIVITY', 'NOT APPLICABLE', 'MANUAL'] as const;

export type Verdict = (typeof VERDICTS)[number];

export const GATE_IDS = ['G1', 'G2', 'G3', 'G4', 'G5', 'G6'] as const;

export type GateId = (typeof GATE_IDS)[number];

/** SP 800-53A methods. A ledger query is EXAMINE; TEST only when a drill ran in the period; INTERVIEW is never automated. */
export type Method = 'EXAMINE' | 'TEST';

export function countVerdicts(verdicts: readonly Verdict[]): Record<Verdict, number> {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const verdict of verdicts) counts[verdict]++;
  return counts;
}
