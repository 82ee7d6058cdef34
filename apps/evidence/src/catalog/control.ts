import type { GateId } from '../model/verdict.js';

export type Framework = 'ffiec' | 'nist-800-53';

export interface FrameworkInfo {
  readonly id: Framework;
  readonly title: string;
  /** Which text and release the ids come from. */
  readonly source: string;
  /** What the framework is and is not, in one paragraph. */
  readonly standing: string;
  readonly groupNoun: string;
}

/** A query as data. Placeholders: {tree_size}, {from}, {to}, {sealed_at}, {bucket}; printed with literal values. */
export interface QueryTemplate {
  readonly id: string;
  readonly title: string;
  readonly sql: string;
}

/** One number printed with a control: a cell of row 0 of a query. */
export interface FigureSpec {
  readonly label: string;
  readonly query: string;
  readonly column: string;
}

/** A reusable examination: population, exceptions, and how the verdict follows. Several controls may rest on one. */
export interface Check {
  readonly id: string;
  /** What was counted. */
  readonly population: FigureSpec;
  /** What contradicts the objective; zero is PASS only with a population and sound gates. */
  readonly exceptions: FigureSpec;
  /** Rows of the exceptions (complete up to the exhibit bound); null when the count has no rows behind it. */
  readonly exceptionRows: string | null;
  /** Rows that show what the population looks like. */
  readonly sampleRows: string | null;
  readonly figures: readonly FigureSpec[];
  /** Gates whose FINDING is a finding of this examination itself. */
  readonly findingGates?: readonly GateId[];
}

export type Rule =
  /** PASS when the population is > 0, no exceptions, gates hold. */
  | { readonly kind: 'zero_exceptions' }
  /** As zero_exceptions, but what the ledger cannot know keeps it INCONCLUSIVE at best; exceptions still are a FINDING. */
  | { readonly kind: 'at_best_inconclusive'; readonly missing: string }
  /** Judged by people; the numbers are shown as material. */
  | { readonly kind: 'manual'; readonly reason: string };

export interface Control {
  readonly id: string;
  /** OSCAL key for NIST, booklet short name for FFIEC. */
  readonly key: string;
  readonly title: string;
  readonly group: string;
  /** Our words. */
  readonly objective: string;
  /** What this product does about it. */
  readonly statement: string;
  readonly check: string;
  readonly rule: Rule;
  /** Gates whose failure keeps it from PASS. */
  readonly gates: readonly GateId[];
  /** `[evidenced, of]` determinations when the source text has several. */
  readonly determinations?: readonly [number, number];
  /** False for controls whose assessment procedure has no TEST method (AU-6, AU-11). */
  readonly testable: boolean;
  /** Kind of drill (control event drill.run, subject) that would make it TEST. */
  readonly drill: string | null;
  readonly limits: string;
}
