/** What can be wrong, each with what it means in docs/reference/verify.md. Closed: the one-file verifier uses the same codes. */
export const FINDING_CODES = [
  'checkpoint_missing',
  'checkpoint_invalid',
  'cosignature_invalid',
  'quorum_unmet',
  'checkpoint_rolled_back',
  'checkpoint_forked',
  'consistency_unproved',
  'tile_missing',
  'tile_altered',
  'bundle_missing',
  'bundle_malformed',
  'leaf_altered',
  'leaf_malformed',
  'tree_differs',
  'seq_repeated',
  'seq_disordered',
  'chain_broken',
  'event_missing',
  'event_altered',
  'event_unexpected',
  'column_altered',
  'row_missing',
  'row_unexpected',
  'content_returned',
  'frontier_untrue',
  'proof_invalid',
  'stamp_invalid',
  'stamp_missing',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/** One thing that is wrong. `where` names it so that a person can go and look: `leaf 1234`, `tile/0/004`, `ledger.events gateway 17 column build`. */
export interface Finding {
  readonly code: FindingCode;
  readonly where: string;
  readonly message: string;
}

/** Most findings kept: one damaged disk can make a million, and the first one is what matters. */
const KEPT = 100;

/** Findings in the order in which they are to be read: the first is the first bad thing. */
export class Findings {
  readonly list: Finding[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Puts the findings of a later, more telling check in front. */
  putFirst(others: Findings): void {
    this.list.unshift(...others.list);
    this.list.splice(KEPT);
    this.#count += others.count;
  }

  add(code: FindingCode, where: string, message: string): void {
    this.#count += 1;
    if (this.list.length < KEPT) this.list.push({ code, where, message });
  }
}
