import type { Principal } from '#events';
import type { ReaderRole } from '#ledger-store';
import type { ReaderGroups } from '../ports.js';

export type Reader = Exclude<ReaderRole, 'evidence'>;

/** The widest reader role the groups of a principal give, or null: then it may not read. */
export function readerOf(principal: Principal, groups: ReaderGroups): Reader | null {
  const member = (names: readonly string[]): boolean => names.some((name) => principal.groups.includes(name));
  if (member(groups.auditors)) return 'auditor';
  return member(groups.examiners) ? 'examiner' : null;
}
