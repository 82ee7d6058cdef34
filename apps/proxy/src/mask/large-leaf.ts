import { decodeJsonText, encodeJsonText, JsonTextOffsets, jsonTextBoundary, type Edit, type Slices } from '#wire';
import { askDetector } from './guard.js';
import type { Leaf, MaskRules } from './leaf.js';
import { StreamMasker, type Replacement } from './stream-masker.js';

/** Bytes decoded and scanned in one go: well under a millisecond. */
export const WINDOW_BYTES = 32 * 1024;
const OFFSET_BYTES = 256 * 1024;

/**
 * Masks a string of any size in windows, with the same result as in one go, giving others their turn in between.
 * @param eachWindow gets every window's text, in order
 */
export async function maskLargeLeaf(
  bytes: Buffer,
  leaf: Leaf,
  rules: MaskRules | null,
  slices: Slices,
  eachWindow: (text: string) => void,
): Promise<Edit[]> {
  const masker = rules === null ? null : askDetector(() => new StreamMasker(rules.detector, rules.judge, rules.placeholder));
  const replacements: Replacement[] = [];
  for (let start = leaf.start; start < leaf.end;) {
    const end = start + WINDOW_BYTES >= leaf.end ? leaf.end : jsonTextBoundary(bytes, start, start + WINDOW_BYTES);
    const text = decodeJsonText(bytes, start, end, leaf.escaped);
    if (masker !== null) replacements.push(...askDetector(() => masker.push(text)));
    eachWindow(text);
    start = end;
    if (slices.spent) await slices.turn();
  }
  if (masker !== null) replacements.push(...askDetector(() => masker.end()));
  return await editsOf(bytes, leaf, replacements, slices);
}

async function editsOf(bytes: Buffer, leaf: Leaf, replacements: readonly Replacement[], slices: Slices): Promise<Edit[]> {
  const edits: Edit[] = [];
  const offsets = new JsonTextOffsets(bytes, leaf.start, leaf.end);
  const goTo = async (unit: number): Promise<number> => {
    while (!offsets.advance(unit, OFFSET_BYTES)) if (slices.spent) await slices.turn();
    return offsets.position;
  };
  for (const { start, end, text } of replacements) {
    edits.push({ start: await goTo(start), end: await goTo(end), bytes: Buffer.from(encodeJsonText(text)) });
  }
  return edits;
}
