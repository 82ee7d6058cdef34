import type { Edit, Steps } from '#wire';
import { leafEditSteps, replacementEditSteps, type FoundEdit } from '../../../mask/leaf-steps.js';
import type { MaskRules } from '../../../mask/leaf.js';
import type { ScreenContext } from '../../protocol.js';
import { decodedSteps } from '../../shared/response/judge-text.js';
import { restoredEdits } from '../../shared/response/restore-input.js';
import { toolRules } from '../../shared/response/tool-input.js';
import { Judged } from './judged.js';
import type { Part, Parts } from './parts.js';
import type { Place, Places } from './places.js';
import type { DocumentReader, ReadLeaf } from './reader.js';
import { toolName } from './container.js';

const LEAVES_PER_STEP = 16;

/** What one document needs to be judged. */
export interface Judging {
  readonly context: ScreenContext;
  readonly parts: Parts;
  /** How values outside the model's own words are masked; null when policy looks for none. */
  readonly rules: MaskRules | null;
  /** True for text whose values were counted when it came in deltas. */
  readonly isCounted: (slot: string, text: string) => boolean;
  /** Is told each text of a document that is the whole answer, in order. @throws AffiantError detector_failed */
  readonly read?: (slot: string, text: string) => void;
}

/**
 * Judges a whole document (or an event that carries whole values): text, tool inputs, and all other strings.
 * @throws AffiantError body_invalid, detector_failed, policy_failed
 */
export function* judgeDocument(bytes: Buffer, reader: DocumentReader, places: Places, judging: Judging): Steps<Judged> {
  const judged = new Judged(reader);
  yield* judgeActions(bytes, reader, places, judging, judged);
  for (const [i, leaf] of reader.readLeaves.entries()) {
    if (i % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
    if (leaf === null) continue;
    const place = places.of(leaf);
    if (place.kind === 'text' || place.kind === 'input') yield* judgePart(bytes, leaf, place, judging, judged);
    else if (place.kind === 'value' && judging.rules !== null)
      for (const edit of yield* leafEditSteps(bytes, leaf, judging.rules)) judged.edits.push(edit);
  }
  for (const edit of logprobEdits(reader, judging)) judged.edits.push(edit);
  return judged;
}

/** Masks the strings of a document without asking what they are: errors. */
export function* maskDocument(bytes: Buffer, reader: DocumentReader, { rules }: Judging): Steps<Judged> {
  const judged = new Judged(reader);
  if (rules === null) return judged;
  for (const [i, leaf] of reader.readLeaves.entries()) {
    if (i % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
    if (leaf !== null) for (const edit of yield* leafEditSteps(bytes, leaf, rules)) judged.edits.push(edit);
  }
  return judged;
}

/** Log probabilities spell the text out token by token, and what else it could have been: none where policy reads the text. */
export function logprobEdits(reader: DocumentReader, { parts, rules }: Pick<Judging, 'parts' | 'rules'>): Edit[] {
  if (rules === null && !parts.keepsText && parts.restorer === null) return [];
  return reader.logprobs.map(({ start, end, isArray }) => ({ start, end, bytes: Buffer.from(isArray ? '[]' : 'null') }));
}

function* judgePart(
  bytes: Buffer,
  leaf: ReadLeaf,
  place: Extract<Place, { kind: 'text' | 'input' }>,
  { parts, rules, isCounted, read }: Judging,
  judged: Judged,
): Steps<void> {
  const { slot } = place;
  const isRead = place.kind === 'input' ? parts.readsTools : rules !== null || parts.keepsText || parts.restorer !== null;
  if (place.kind === 'input' && !isRead) parts.calls(slot, place.tool);
  if (!isRead) return;
  const text = yield* decodedSteps(bytes, leaf);
  if (place.kind === 'text') read?.(slot, text);
  const part: Part =
    place.kind === 'text' ? yield* parts.text(slot, text, isCounted(slot, text)) : yield* parts.tool(slot, place.tool, text, place.isJson);
  judged.add(part, yield* replacementEditSteps(bytes, leaf, part.replacements));
  if (place.kind === 'text') judged.texts.set(leaf.inside, { text, part });
}

/** Inputs that are objects: actions of a computer or a shell, patches, queries. Judged as JSON, as they stand. */
function* judgeActions(bytes: Buffer, reader: DocumentReader, places: Places, { context, parts }: Judging, judged: Judged): Steps<void> {
  const rules = toolRules(context, null);
  const leaves = reader.readLeaves;
  let next = 0;
  for (const { start, end, call } of reader.inputs) {
    const slot = places.slotOf(call);
    const tool = toolName(call);
    if (!parts.readsTools) {
      parts.calls(slot, tool);
      continue;
    }
    const json = bytes.toString('utf8', start, end);
    const part = yield* parts.tool(slot, tool, json, true);
    const edits: FoundEdit[] = restoredEdits(json, start, part.replacements);
    // Both lists are in the order of the document.
    for (; next < leaves.length; next++) {
      const leaf = leaves[next];
      if (next % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
      if (leaf === null || leaf === undefined || leaf.start < start || rules === null) continue;
      if (leaf.start >= end) break;
      if (leaf.inToolInput) for (const edit of yield* leafEditSteps(bytes, leaf, rules)) edits.push(edit);
    }
    judged.add(part, edits);
  }
}
