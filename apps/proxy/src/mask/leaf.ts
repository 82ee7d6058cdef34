import type { PolicyAction } from '#config';
import type { Detector, Placeholder, Span } from '#detect';
import { decodeJsonText, encodeJsonText, JsonTextOffsets, type Edit } from '#wire';
import { askDetector } from './guard.js';
import type { Replacement, ValueKind } from './stream-masker.js';

/** A JSON value in a buffer: the content of a string without its quotes, or a number. Byte offsets, end exclusive. */
export interface Leaf {
  readonly start: number;
  readonly end: number;
  readonly escaped: boolean;
  /** A number: replacing it needs quotes. */
  readonly isNumber: boolean;
  /** Member name to be read as the context of a short value (`account_number: 12345678`); null where the text stands for itself. */
  readonly label: string | null;
}

/** A replacement in bytes, with what it covers: undefined when that is more than one value. */
export interface MaskEdit extends Edit {
  readonly of: ValueKind | undefined;
}

/** A member name that is read as it stands. */
const PLAIN_WORD = /^[a-z0-9]{1,64}$/;
/** Longest value whose member name is read along. */
const LONGEST_LABELLED = 200;

/** What the masking of one place needs. */
export interface MaskRules {
  readonly detector: Detector;
  /** Counts a value; says what to do about it. `allow` leaves it. */
  readonly judge: (span: Span) => PolicyAction;
  readonly placeholder: Placeholder;
  /** Also give values that policy allows, marked so: the client keeps them, the trail does not. */
  readonly withAllowed?: boolean;
}

/**
 * Scans a value that is small enough to be scanned in one go and gives the byte edits that mask it.
 * @throws AffiantError body_invalid (malformed string), detector_failed
 */
export function maskLeaf(bytes: Buffer, leaf: Leaf, rules: MaskRules): MaskEdit[] {
  const text = leafText(bytes, leaf);
  return leafEdits(bytes, leaf, findReplacements(text, leafLabel(leaf), rules));
}

export function leafText(bytes: Buffer, leaf: Leaf): string {
  return decodeJsonText(bytes, leaf.start, leaf.end, leaf.escaped);
}

/** Replacements in a text that is there whole; `label` is read along as context and never replaced. */
export function findReplacements(text: string, label: string, rules: MaskRules): Replacement[] {
  const replacements: Replacement[] = [];
  for (const span of askDetector(() => rules.detector.scan(label + text))) {
    const start = Math.max(0, span.start - label.length);
    const end = span.end - label.length;
    if (end <= 0) continue;
    const action = rules.judge(span);
    if (action !== 'allow' || rules.withAllowed === true)
      replacements.push({ start, end, text: rules.placeholder(span.type, text.slice(start, end)), action, of: span });
  }
  return replacements;
}

/** Byte edits for replacements whose offsets are units of the leaf's text. */
export function leafEdits(bytes: Buffer, leaf: Leaf, replacements: readonly Replacement[]): MaskEdit[] {
  const [first] = replacements;
  if (first === undefined) return [];
  if (leaf.isNumber) return [{ start: leaf.start, end: leaf.end, bytes: Buffer.from(`"${encodeJsonText(first.text)}"`), of: first.of }];
  const offsets = new JsonTextOffsets(bytes, leaf.start, leaf.end);
  return replacements.map(({ start, end, text, of }) => ({
    start: offsets.byteOf(start),
    end: offsets.byteOf(end),
    bytes: Buffer.from(encodeJsonText(text)),
    of,
  }));
}

/** The member name of a short value in words, as context for detectors; empty where the text stands for itself. */
export function leafLabel(leaf: Leaf): string {
  if (leaf.label === null || leaf.label === '' || leaf.end - leaf.start > LONGEST_LABELLED) return '';
  if (PLAIN_WORD.test(leaf.label)) return `${leaf.label}: `;
  const words = leaf.label
    .slice(0, 64)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[_\-.]+/g, ' ');
  return `${words}: `;
}
