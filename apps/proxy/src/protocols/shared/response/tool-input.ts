import type { PolicyAction } from '#config';
import type { Span } from '#detect';
import type { RuleOutcome, Verdict } from '#policy';
import { JsonScanner, type Steps } from '#wire';
import { Findings, outcomesOf, verdictOf, type Finding } from '../../../mask/findings.js';
import { leafEditSteps, replacementSteps } from '../../../mask/leaf-steps.js';
import type { MaskRules } from '../../../mask/leaf.js';
import { applyReplacements, type Replacement } from '../../../mask/stream-masker.js';
import type { ScreenContext } from '../../protocol.js';
import { LeafCollector, Mode, NO_WORDS } from '../leaf-collector.js';
import { judgeTextSteps } from './judge-text.js';

const LEAVES_PER_STEP = 16;
const READING_UNITS = 32 * 1024;
const LONGEST_ESCAPE = 6;

/** What policy says about one tool call, and what is to be replaced in its input. */
export interface ToolJudgement {
  readonly verdict: Verdict;
  /** Offsets are UTF-16 units of the input's JSON text. Values to mask, and values only the trail must not have. */
  readonly replacements: readonly Replacement[];
  readonly findings: readonly Finding[];
}

class ToolInputCollector extends LeafCollector {
  readonly names: string[] = [];

  constructor(bytes: Buffer) {
    super(bytes, Mode.ToolInput, '', NO_WORDS);
  }

  override key(name: string): void {
    super.key(name);
    this.names.push(name);
  }
}

/**
 * Judges the whole input of a tool call. Values of policy-named types are looked for in every string and longer number, read with their member
 * names. A value where it cannot be replaced (a member name, JSON that does not end) is blocked when policy wants it masked.
 * @throws AffiantError detector_failed, policy_failed
 */
export function* judgeToolInput(tool: string, json: string, context: ScreenContext): Steps<ToolJudgement> {
  const { policy } = context;
  const findings = new Findings(policy);
  const outcomes: RuleOutcome[] = [];
  let replacements: Replacement[] = [];
  const rules = toolRules(context, findings);
  if (rules !== null) {
    const found = yield* scanInput(json, rules);
    replacements = found.replacements;
    if (found.misplaced.length > 0) outcomes.push(...misplacedOutcomes(found.misplaced, findings));
  }
  outcomes.push(...(yield* judgeConditions(tool, json, context)));
  return { verdict: verdictOf([...outcomesOf(findings.list()), ...outcomes]), replacements, findings: findings.list() };
}

/**
 * Judges the input of a tool that is plain text (code, a command, free text) and not JSON. Offsets are units of the text.
 * @throws AffiantError detector_failed, policy_failed
 */
export function* judgeToolText(tool: string, text: string, context: ScreenContext): Steps<ToolJudgement> {
  const { policy } = context;
  const findings = new Findings(policy);
  const rules = toolRules(context, findings);
  const replacements = rules === null ? [] : yield* replacementSteps(text, rules);
  const outcomes = [...outcomesOf(findings.list()), ...(yield* judgeConditions(tool, text, context))];
  return { verdict: verdictOf(outcomes), replacements, findings: findings.list() };
}

/** What conditions say. They name no value to replace, so `mask` cannot be carried out: refuse instead. */
function* judgeConditions(tool: string, input: string, { policy }: ScreenContext): Steps<RuleOutcome[]> {
  if (!policy.readsToolInput) return [];
  const rules = yield* judgeTextSteps(input, (window) => policy.evaluateToolInput(tool, window));
  return rules.filter(({ action }) => action !== 'allow').map((rule) => (rule.action === 'mask' ? { ...rule, action: 'block' } : rule));
}

/** How values in tool inputs are found; counted only when there is something to count them. Null when policy looks for none. */
export function toolRules({ policy, placeholder }: ScreenContext, findings: Findings | null): MaskRules | null {
  const detector = policy.toolInputDetector;
  if (detector === null) return null;
  const judge = (span: Span): PolicyAction =>
    findings?.add('tool_input', span) ?? policy.actionFor('tool_input', span.type, span.grade).action;
  return { detector, placeholder, judge, withAllowed: true };
}

/** The input as people and the trail may see it. JSON that does not end is only shown when nothing is found in it. */
export function* maskedInput(json: string, context: ScreenContext): Steps<string> {
  const rules = toolRules(context, null);
  if (rules === null) return json;
  const { replacements, misplaced } = yield* scanInput(json, rules);
  return misplaced.length > 0
    ? '(not shown: it holds values that cannot be masked where they stand)'
    : applyReplacements(json, replacements);
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
class UnitOffsets {
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

function misplacedOutcomes(misplaced: readonly Replacement[], findings: Findings): RuleOutcome[] {
  if (misplaced.every((replacement) => replacement.action !== 'mask')) return [];
  return outcomesOf(findings.list())
    .filter((outcome) => outcome.action === 'mask')
    .map((outcome) => ({ ...outcome, action: 'block', reason: `${outcome.reason}, where it cannot be masked` }));
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
