/** A found value. Offsets are UTF-16 units of the text that was scanned, end exclusive. */
export interface Span {
  /** Entity type: us_ssn, credit_card, ... (ENTITY_TYPES), or a pattern's name. */
  readonly type: string;
  readonly start: number;
  readonly end: number;
  /** Rule id with version, e.g. `us_ssn@1`. */
  readonly rule: string;
  /** 0..1 */
  readonly score: number;
  /** What the detector's assessor said about it; absent without one. */
  readonly grade?: number;
}

/**
 * Says which candidates count, before they compete: a value it leaves alone takes no place from another. Pure. `value` is the value as rules read it
 * (Span offsets are those of the original), empty for a row of digits that could hide anything; it must not be kept.
 */
export interface Assessor {
  /** Equal keys mean equal answers: part of the detector's version. */
  readonly key: string;
  /** 0 = leave it alone; anything else comes back as the span's grade. */
  assess(type: string, score: number, value: string): number;
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
  /** `settled` of a stream that was given `text` from the beginning of a field: what lies before it no later text can change. */
  safeCut(text: string): number;
  /** Longest undecided tail of a stream in UTF-16 units, unless a secret of its own length (PEM, JWT, API token) is open. */
  readonly maxHold: number;
  /** Units that are given to it at once, so that others get their turn: fewer where own patterns are slow. A longer text goes through open() in pieces. */
  readonly pieceUnits: number;
  /** Begins one text that arrives in pieces. */
  open(): ScanStream;
}

/**
 * One field (a text block, a JSON string value) that arrives in pieces. For every text and every way to cut it into pieces, the spans are those of
 * `scan(wholeText)`. Offsets count from the beginning of the field. What lies in [settled, length) must be held back; on an abort it is discarded.
 * @throws AffiantError detector_failed: nothing held may be released.
 */
export interface ScanStream {
  /** Takes the next piece; gives the newly decided spans: sorted, not overlapping, all within [previous settled, settled). */
  push(piece: string): readonly Span[];
  /** No more text follows: decides all the rest; afterwards settled === length. */
  end(): readonly Span[];
  readonly settled: number;
  readonly length: number;
}

/** Makes what replaces a value: deterministic per deployment, so that prompt caches stay warm. */
export type Placeholder = (type: string, value: string) => string;
