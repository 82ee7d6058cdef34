import { decodeJsonText, encodeJsonText, JsonScanner, JsonTextOffsets, type Steps } from '#wire';
import type { FoundEdit } from '../../../mask/leaf-steps.js';
import { isRestoration, restoration, together, type Restoration, type Restorer } from '../../../mask/restorer.js';
import { applyReplacements, type Replacement } from '../../../mask/stream-masker.js';
import type { PlacedLeaf } from '../leaf-collector.js';
import { scanInput, ToolInputCollector, UnitOffsets } from './scan-input.js';

/** Looks at what would be given back, each with fewer values, before nothing is. */
const LOOKS = 4;
const LEAVES_PER_STEP = 16;
/** Every escape of a letter of a placeholder begins so. */
const MAY_HOLD = /\[|\\u/;
const BRACKET = '[';
const ESCAPE = '\\u';
const IS_JSON = /^\s*[[{]/;

/**
 * What is given back in the input of a tool, as JSON text: in its strings, written as JSON writes them; never in member names. A value is given back only when
 * masking the input as part of a request would put the same placeholder in the same place: the agent sends it back with the next turn.
 * @param masks what is masked in the input
 * @throws AffiantError detector_failed
 */
export function* restoreInput(json: string, masks: readonly Replacement[], restorer: Restorer | null): Steps<readonly Restoration[]> {
  if (restorer === null || !MAY_HOLD.test(json)) return [];
  let restored: readonly Restoration[] = together(masks, yield* findInStrings(json, restorer)).filter(isRestoration);
  for (let look = 0; look < LOOKS && restored.length > 0; look++) {
    const same = yield* foundAgain(json, together(masks, restored), restorer);
    if (same.length === restored.length) return restored;
    restored = same;
  }
  return [];
}

function* findInStrings(json: string, restorer: Restorer): Steps<Restoration[]> {
  const bytes = Buffer.from(json);
  const collector = new ToolInputCollector(bytes);
  const found: Restoration[] = [];
  try {
    yield* new JsonScanner(bytes, 0, bytes.length, collector).steps();
  } catch {
    // JSON that does not end: what its strings are is not known.
    return found;
  }
  const units = new UnitOffsets(bytes, bytes.length === json.length);
  // Of many strings few hold one: the others are not even decoded.
  let [bracket, escape] = [-1, -1];
  for (const [i, leaf] of collector.leaves.entries()) {
    if (i % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
    if (leaf === null || leaf.isNumber) continue;
    if (bracket < leaf.start) bracket = placeOf(bytes, BRACKET, leaf.start);
    if (escape < leaf.start) escape = placeOf(bytes, ESCAPE, leaf.start);
    if (Math.min(bracket, escape) < leaf.end) inString(bytes, leaf, units, restorer, found);
  }
  return found;
}

/** Where it stands next; past the end when it does not. */
function placeOf(bytes: Buffer, what: string, from: number): number {
  const at = bytes.indexOf(what, from);
  return at === -1 ? bytes.length : at;
}

function inString(bytes: Buffer, leaf: PlacedLeaf, units: UnitOffsets, restorer: Restorer, into: Restoration[]): void {
  const text = decodeJsonText(bytes, leaf.start, leaf.end, leaf.escaped);
  const offsets = new JsonTextOffsets(bytes, leaf.start, leaf.end);
  for (let next = restorer.next(text, 0); next !== null; next = restorer.next(text, next.end)) {
    const written = encodeJsonText(next.found.brought.value);
    // A string that is JSON itself would need one more level of escapes, which its reader may or may not expect.
    if (written !== next.found.brought.value && IS_JSON.test(text)) continue;
    const start = units.of(offsets.byteOf(next.start));
    into.push(restoration(start, units.of(offsets.byteOf(next.end)), written, next.found));
  }
}

/** Those that the request of the next turn would mask as they were. */
function* foundAgain(json: string, replaced: readonly Replacement[], restorer: Restorer): Steps<Restoration[]> {
  const { replacements } = yield* scanInput(applyReplacements(json, replaced), restorer.requestRules);
  const masked = new Map(replacements.map((one) => [one.start, one]));
  const same: Restoration[] = [];
  let shift = 0;
  for (const one of replaced) {
    const start = one.start + shift;
    const again = masked.get(start);
    shift += one.text.length - (one.end - one.start);
    if (isRestoration(one) && again?.end === one.end + shift && again.of?.type === one.type) same.push(one);
  }
  return same;
}

/** What is given back in an input that stands in a document as it is, from byte `at` on. */
export function restoredEdits(json: string, at: number, replacements: readonly Replacement[]): FoundEdit[] {
  return replacements.filter(isRestoration).map(({ start, end, text, action, of }) => {
    const from = at + Buffer.byteLength(json.slice(0, start));
    return { start: from, end: from + Buffer.byteLength(json.slice(start, end)), bytes: Buffer.from(text), action, of };
  });
}
