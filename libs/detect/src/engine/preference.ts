import type { Candidate } from './window.js';

/** Of two overlapping candidates: the stronger, then the longer, then the surer, then the earlier, then by name. */
export function better(a: Candidate, b: Candidate): Candidate {
  if (a.strength !== b.strength) return a.strength > b.strength ? a : b;
  const byLength = a.end - a.start - (b.end - b.start);
  if (byLength !== 0) return byLength > 0 ? a : b;
  if (a.score !== b.score) return a.score > b.score ? a : b;
  if (a.start !== b.start) return a.start < b.start ? a : b;
  return a.type <= b.type ? a : b;
}

export function byStart(a: Candidate, b: Candidate): number {
  return a.start - b.start;
}
