import { JsonScanner, type Steps } from '#wire';
import { leafEditSteps, replacementSteps } from '../../../mask/leaf-steps.js';
import type { MaskRules } from '../../../mask/leaf.js';
import type { Replacement } from '../../../mask/stream-masker.js';
import { LeafCollector, Mode, NO_WORDS } from '../leaf-collector.js';

const LEAVES_PER_STEP = 16;
const READING_UNITS = 32 * 1024;
const LONGEST_ESCAPE = 6;

/** Strings, numbers and member names of a JSON text. */
export class ToolInputCollector extends LeafCollector {
  readonly names: string[] = [];

  constructor(bytes: Buffer) {
    super(bytes, Mode.ToolInput, '', NO_WORDS);
  }

  override key(name: string): void {
    super.key(name);
    this.names.push(name);
  }
}

/** What was found in a JSON text. */
export interface ScannedInput {
  readonly replacements: Replacement[];
  /** Values that cannot be replaced where they stand: member names, JSON that does not end. */
  readonly misplaced: readonly Replacement[];
}

/** Finds values in JSON text. Offsets are UTF-16 units. @throws AffiantError detector_failed */
export function* scanInput(json: string, rules: MaskRules): Steps<ScannedInput> {
  const bytes = Buffer.from(json);
  const collector = new ToolInputCollector(bytes);
  try {
    yield* new JsonScanner(bytes, 0, bytes.length, collector).steps();
  } catch {
    return { replacements: [], misplaced: yield* replacementSteps(yield* withoutEscapes(json), rules) };
  }
  const replacements: Replacement[] = [];
  const units = new UnitOffsets(bytes, bytes.length === json.length);
  for (const [i, leaf] of collector.leaves.entries()) {
    if (i % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
    if (leaf === null) continue;
    for (const edit of yield* leafEditSteps(bytes, leaf, rules)) {
      const start = units.of(edit.start);
      replacements.push({ start, end: units.of(edit.end), text: edit.bytes.toString(), action: edit.action, of: edit.of });
    }
  }
  const misplaced: Replacement[] = [];
  for (const [i, name] of collector.names.entries()) {
    if (i % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
    for (const found of yield* replacementSteps(name, rules)) misplaced.push(found);
  }
  return { replacements, misplaced };
}

/** UTF-16 offsets of byte offsets, going forward only. */
export class UnitOffsets {
  private at = 0;
  private unit = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly isAscii: boolean,
  ) {}

  of(offset: number): number {
    if (this.isAscii) return offset;
    this.unit += this.bytes.toString('utf8', this.at, offset).length;
    this.at = offset;
    return this.unit;
  }
}

/** Best reading of JSON that is not well-formed, for detection only. Some kilobytes at a time, never cut right after a backslash. */
function* withoutEscapes(json: string): Steps<string> {
  const parts: string[] = [];
  for (let at = 0; at < json.length;) {
    let end = Math.min(json.length, at + READING_UNITS);
    const backslash = end < json.length ? json.lastIndexOf('\\', end - 1) : -1;
    if (backslash > at && backslash > end - LONGEST_ESCAPE) end = backslash;
    parts.push(unescaped(json.slice(at, end)));
    at = end;
    yield;
  }
  return parts.join('');
}

function unescaped(json: string): string {
  return json
    .replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\(.)/g, (_, letter: string) => (letter === 'n' || letter === 't' || letter === 'r' ? ' ' : letter));
}
