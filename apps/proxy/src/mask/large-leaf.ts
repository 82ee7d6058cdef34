import { AffiantError } from '#errors';
import { decodeJsonText, encodeJsonText, JsonTextOffsets, jsonTextBoundary, type Slices } from '#wire';
import { askDetector } from './guard.js';
import type { Leaf, MaskEdit, MaskRules } from './leaf.js';
import { ValueStream, type FoundValue } from './stream-masker.js';

/** Strings up to this are decoded and scanned in one go. */
export const WINDOW_BYTES = 8 * 1024;
/** Bytes of a larger one decoded and scanned in one go. */
export const SCAN_BYTES = 2 * 1024;
/** Bytes up to which a string is scanned in one go: fewer where own patterns are slow. */
export const windowBytes = (rules: MaskRules | null): number => Math.min(WINDOW_BYTES, rules?.detector.pieceUnits ?? WINDOW_BYTES);
/** Bytes of a piece behind one that was full of values: each costs some 7 µs, and 2 kB may hold 170 of them. */
const DENSE_BYTES = 512;
const DENSE_VALUES = 32;

/** Bytes of the next piece of a long string. Where a text is cut changes nothing of what is found in it. */
export class PieceSize {
  readonly #most: number;
  next: number;

  constructor(rules: MaskRules | null) {
    this.#most = Math.min(SCAN_BYTES, rules?.detector.pieceUnits ?? SCAN_BYTES);
    this.next = this.#most;
    // The first may be full of them as well.
    if (rules !== null) this.gave(Infinity);
  }

  /** So many values were found in the piece before. */
  gave(found: number): void {
    this.next = found > DENSE_VALUES ? Math.min(this.#most, DENSE_BYTES) : this.#most;
  }
}

/** More values than this in one body are no conversation; without a bound they would fill the memory. */
const MAX_EDITS = 262_144;
const VALUES_PER_CHECK = 16;

/**
 * Masks a string of any size in windows, with the same result as in one go, giving others their turn in between.
 * @param edits takes what is to be replaced
 * @param eachWindow gets every window's text, in order
 */
export async function maskLargeLeaf(
  bytes: Buffer,
  leaf: Leaf,
  rules: MaskRules | null,
  slices: Slices,
  edits: MaskEdit[],
  eachWindow: (text: string) => void,
): Promise<void> {
  const values = rules === null ? null : askDetector(() => new ValueStream(rules.detector));
  const offsets = new JsonTextOffsets(bytes, leaf.start, leaf.end);
  const size = new PieceSize(rules);
  for (let start = leaf.start; start < leaf.end;) {
    const cut = start + size.next;
    const end = cut >= leaf.end ? leaf.end : jsonTextBoundary(bytes, start, cut);
    const text = decodeJsonText(bytes, start, end, leaf.escaped);
    if (rules !== null && values !== null) {
      const found = askDetector(() => values.push(text));
      size.gave(found.length);
      if (slices.spent) await slices.turn();
      await addEdits(found, rules, offsets, slices, edits);
    }
    eachWindow(text);
    start = end;
    if (slices.spent) await slices.turn();
  }
  if (rules !== null && values !== null)
    await addEdits(
      askDetector(() => values.end()),
      rules,
      offsets,
      slices,
      edits,
    );
}

async function addEdits(
  found: readonly FoundValue[],
  rules: MaskRules,
  offsets: JsonTextOffsets,
  slices: Slices,
  edits: MaskEdit[],
): Promise<void> {
  if (edits.length + found.length > MAX_EDITS) {
    throw new AffiantError('body_invalid', 'The body holds too many values to mask.', { where: `more than ${MAX_EDITS}` });
  }
  for (let i = 0; i < found.length; i++) {
    const { span, value } = found[i]!;
    if (i % VALUES_PER_CHECK === 0 && slices.spent) await slices.turn();
    if (rules.judge(span) === 'allow') continue;
    while (!offsets.advance(span.start, WINDOW_BYTES)) if (slices.spent) await slices.turn();
    const from = offsets.position;
    const bytes = Buffer.from(encodeJsonText(rules.placeholder(span.type, value)));
    edits.push({ start: from, end: offsets.byteOf(span.end), bytes, of: span });
  }
}
