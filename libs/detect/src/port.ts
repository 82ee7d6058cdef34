/** A found value. Offsets are UTF-16 units of the text that was scanned, end exclusive. */
export interface Span {
  /** Entity type: us_ssn, credit_card, us_aba_routing, us_bank_account, iban, email, phone, secret, or a pattern's name. */
  readonly type: string;
  readonly start: number;
  readonly end: number;
  /** Rule id with version, e.g. `us_ssn@1`. */
  readonly rule: string;
  /** 0..1 */
  readonly score: number;
}

/**
 * Port: finds sensitive values. Pure, synchronous, linear in the text; spans come sorted and do not overlap.
 * @throws AffiantError detector_failed: the caller must refuse the call.
 */
export interface Detector {
  /** Changes whenever the same text could give other spans. Part of every cache key and of the policy digest. */
  readonly version: string;
  /** Entity types it looks for. */
  readonly types: readonly string[];
  scan(text: string): Span[];
  /**
   * Index from which `text` could still be the beginning of a value that later text completes (streaming hold-back);
   * text.length when nothing needs holding. Never more than `maxHold` units before the end, unless a sticky secret is open.
   */
  safeCut(text: string): number;
  readonly maxHold: number;
}

/** Makes what replaces a value: deterministic per deployment, so that prompt caches stay warm. */
export type Placeholder = (type: string, value: string) => string;
