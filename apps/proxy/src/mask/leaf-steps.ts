import { decodeJsonText, encodeJsonText, JsonTextOffsets, jsonTextBoundary, type Steps } from '#wire';
import { askDetector } from './guard.js';
import { PieceSize, SCAN_BYTES, WINDOW_BYTES, windowBytes } from './large-leaf.js';
import { findReplacements, leafEdits, leafLabel, leafText, type Leaf, type MaskEdit, type MaskRules } from './leaf.js';
import { ValueStream, type FoundValue, type Replacement, type Treatment } from './stream-masker.js';

/** A replacement in the bytes of a document, with what policy wants done about the value. */
export interface FoundEdit extends MaskEdit {
  readonly action: Treatment;
}

const VALUES_PER_STEP = 16;

/** What is to be replaced in a value of any size, in steps; the same as in one go. @throws AffiantError body_invalid, detector_failed */
export function* leafEditSteps(bytes: Buffer, leaf: Leaf, rules: MaskRules): Steps<FoundEdit[]> {
  if (leaf.end - leaf.start > windowBytes(rules) && !leaf.isNumber) return yield* largeLeafSteps(bytes, leaf, rules);
  const replacements = findReplacements(leafText(bytes, leaf), leafLabel(leaf), rules);
  return leafEdits(bytes, leaf, replacements).map((edit, i) => ({ ...edit, action: replacements[i]!.action }));
}

/** Replacements in a text of any size, in steps; the same as in one go. @throws AffiantError detector_failed */
export function* replacementSteps(text: string, rules: MaskRules): Steps<Replacement[]> {
  if (text.length <= windowBytes(rules)) return findReplacements(text, '', rules);
  const values = askDetector(() => new ValueStream(rules.detector));
  const replacements: Replacement[] = [];
  const add = (found: readonly FoundValue[]): void => {
    for (const { span, value } of found) {
      const action = rules.judge(span);
      if (action !== 'allow' || rules.withAllowed === true)
        replacements.push({ start: span.start, end: span.end, text: rules.placeholder(span.type, value), action, of: span });
    }
  };
  const size = new PieceSize(rules);
  for (let at = 0; at < text.length;) {
    const found = askDetector(() => values.push(text.slice(at, at + size.next)));
    at += size.next;
    size.gave(found.length);
    yield;
    add(found);
  }
  add(askDetector(() => values.end()));
  return replacements;
}

/** Byte edits for replacements (sorted, in units of the leaf's text) in a string of any size, in steps. */
export function* replacementEditSteps(
  bytes: Buffer,
  leaf: Pick<Leaf, 'start' | 'end'>,
  replacements: readonly Replacement[],
): Steps<FoundEdit[]> {
  const offsets = new JsonTextOffsets(bytes, leaf.start, leaf.end);
  const edits: FoundEdit[] = [];
  for (const [i, { start, end, text, action, of }] of replacements.entries()) {
    if (i % VALUES_PER_STEP === VALUES_PER_STEP - 1) yield;
    while (!offsets.advance(start, WINDOW_BYTES)) yield;
    const from = offsets.position;
    edits.push({ start: from, end: offsets.byteOf(end), bytes: Buffer.from(encodeJsonText(text)), action, of });
  }
  return edits;
}

function* largeLeafSteps(bytes: Buffer, leaf: Leaf, rules: MaskRules): Steps<FoundEdit[]> {
  const values = askDetector(() => new ValueStream(rules.detector));
  const offsets = new JsonTextOffsets(bytes, leaf.start, leaf.end);
  const edits: FoundEdit[] = [];
  const size = new PieceSize(rules);
  for (const text of textWindows(bytes, leaf, size)) {
    const found = askDetector(() => values.push(text));
    size.gave(found.length);
    yield;
    yield* addEdits(found, rules, offsets, edits);
    yield;
  }
  yield* addEdits(
    askDetector(() => values.end()),
    rules,
    offsets,
    edits,
  );
  return edits;
}

/** The text of a JSON string, some kilobytes at a time. @throws AffiantError body_invalid */
export function* textWindows(
  bytes: Buffer,
  leaf: Pick<Leaf, 'start' | 'end' | 'escaped'>,
  size: Pick<PieceSize, 'next'> = { next: SCAN_BYTES },
): Generator<string> {
  for (let start = leaf.start; start < leaf.end;) {
    const cut = start + size.next;
    const end = cut >= leaf.end ? leaf.end : jsonTextBoundary(bytes, start, cut);
    yield decodeJsonText(bytes, start, end, leaf.escaped);
    start = end;
  }
}

function* addEdits(found: readonly FoundValue[], rules: MaskRules, offsets: JsonTextOffsets, edits: FoundEdit[]): Steps<void> {
  for (const [i, { span, value }] of found.entries()) {
    if (i % VALUES_PER_STEP === VALUES_PER_STEP - 1) yield;
    const action = rules.judge(span);
    if (action === 'allow' && rules.withAllowed !== true) continue;
    while (!offsets.advance(span.start, WINDOW_BYTES)) yield;
    const start = offsets.position;
    const replacement = Buffer.from(encodeJsonText(rules.placeholder(span.type, value)));
    edits.push({ start, end: offsets.byteOf(span.end), bytes: replacement, action, of: span });
  }
}
