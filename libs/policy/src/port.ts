import type { PolicyAction, ApproversConfig, RestorePlace } from '#config';
import type { Detector } from '#detect';
import type { Principal } from '#events';

export interface RuleOutcome {
  readonly policy: string;
  readonly action: PolicyAction;
  /** Plain words; never a raw sensitive value. */
  readonly reason: string;
  readonly approvers?: ApproversConfig;
}

/** block > hold > mask > allow over all rules that hit. */
export interface Verdict {
  readonly action: PolicyAction;
  readonly rules: readonly RuleOutcome[];
}

/** What applies to one principal on one connection; computed once per (policy version, principal groups, connection) and cached. */
export interface SelectedPolicy {
  /** Null when no policy detects anything in that direction. */
  readonly requestDetector: Detector | null;
  readonly responseDetector: Detector | null;
  readonly toolInputDetector: Detector | null;
  /**
   * What to do about an entity type found in each place (strongest action of the policies that name it), and which policy says so. `grade` is the span's:
   * only the policies that want this very value count then.
   */
  actionFor(
    place: 'request' | 'response' | 'tool_input',
    entity: string,
    grade?: number,
  ): { readonly action: PolicyAction; readonly policy: string; readonly approvers?: ApproversConfig };
  /** True when some value that is masked in a request may be given back to the caller who brought it: only then originals are gathered. */
  readonly restores: boolean;
  /**
   * Whether a value of this type that was masked in a request may be given back in a place of the answer, and which policy says so. Null unless every policy
   * that does anything about the type, in the request or in that place, says so.
   */
  restoredBy(place: RestorePlace, entity: string, grade?: number): string | null;
  /** Whether a policy that names the type wants what is masked of it kept, sealed. */
  keepsOriginal(entity: string): boolean;
  /** False when it is so of no type. */
  readonly keepsOriginals: boolean;
  /** Conditions on what is known before the body's text: model, tools offered, principal. */
  evaluateRequest(facts: { readonly model: string | null; readonly tools: readonly string[] }): Verdict;
  /** True when some rule has a request_text condition: only then texts are given to evaluateRequestText. */
  readonly readsRequestText: boolean;
  evaluateRequestText(text: string): Verdict;
  /** A tool call of the model, with its whole input as JSON text. */
  evaluateToolInput(tool: string, inputJson: string): Verdict;
  /** True when some rule can hold or block a tool call: its stream must then be kept back until the input is whole. */
  readonly readsToolInput: boolean;
  readonly readsResponseText: boolean;
  /** Whole text of one response block. Rules of this kind keep the block back until it is whole. */
  evaluateResponseText(text: string): Verdict;
}

export interface PolicySet {
  /** Human-readable, e.g. `3`; grows with every published change. */
  readonly version: string;
  /** Hex SHA-256 of `text`. */
  readonly digest: string;
  /** Canonical JSON of policies, patterns and detector versions: what the digest is over. */
  readonly text: string;
  /** Whether any of its policies wants originals kept. */
  readonly keepsOriginals: boolean;
  select(principal: Principal, connection: string): SelectedPolicy;
}
