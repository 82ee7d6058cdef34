import { AffiantError } from '#errors';
import { run, type Edit, type Steps } from '#wire';
import type { Findings } from '../../../mask/findings.js';
import { leafEditSteps } from '../../../mask/leaf-steps.js';
import { findReplacements, type MaskRules } from '../../../mask/leaf.js';
import { applyReplacements, type Replacement } from '../../../mask/stream-masker.js';
import type { ScreenContext } from '../../protocol.js';
import type { PlacedLeaf } from '../leaf-collector.js';
import type { FramedEvent } from './frame-bytes.js';

const LEAVES_PER_STEP = 16;

/** Masks values that arrive whole: results of server tools, citations, error messages, events we do not know. */
export class WholeValues {
  readonly rules: MaskRules | null;

  constructor(context: ScreenContext, findings: Findings) {
    const { policy, placeholder } = context;
    const detector = policy.responseDetector;
    this.rules = detector === null ? null : { detector, placeholder, judge: (span) => findings.add('response', span) };
  }

  /** Edits for every value of the event, save those `except` names. */
  *editSteps(event: FramedEvent, except?: (leaf: PlacedLeaf) => boolean): Steps<Edit[]> {
    const { rules } = this;
    if (rules === null) return [];
    if (event.leaves === null) return this.plainEdits(event, rules);
    const edits: Edit[] = [];
    for (const [i, leaf] of event.leaves.entries()) {
      if (i % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
      if (except?.(leaf) !== true) edits.push(...(yield* leafEditSteps(event.data, leaf, rules)));
    }
    return edits;
  }

  editsOf(event: FramedEvent): Edit[] {
    return run(this.editSteps(event));
  }

  maskText(text: string): string {
    return this.rules === null ? text : applyReplacements(text, findReplacements(text, '', this.rules));
  }

  /** What would be replaced in a text, counted apart from what goes out. */
  find(text: string, findings: Findings): Replacement[] {
    return this.rules === null ? [] : findReplacements(text, '', { ...this.rules, judge: (span) => findings.add('response', span) });
  }

  /** Data that is no JSON: masked as plain text. */
  private plainEdits(event: FramedEvent, rules: MaskRules): Edit[] {
    const text = event.data.toString();
    return findReplacements(text, '', rules).map((replacement) => plainEdit(text, replacement));
  }
}

function plainEdit(text: string, { start, end, text: replacement }: Replacement): Edit {
  if (/[\r\n]/.test(text.slice(start, end))) throw new AffiantError('stream_invalid', 'A value spans the lines of an unknown event.');
  const from = Buffer.byteLength(text.slice(0, start));
  return { start: from, end: from + Buffer.byteLength(text.slice(start, end)), bytes: Buffer.from(replacement) };
}
