import type { PolicyAction } from '#config';
import type { Span } from '#detect';
import type { RuleOutcome, Verdict } from '#policy';
import { JsonScanner } from '#wire';
import { Findings, outcomesOf, verdictOf, type Finding } from '../../../mask/findings.js';
import { askPolicy } from '../../../mask/guard.js';
import { findReplacements, leafEdits, leafLabel, leafText, type MaskRules } from '../../../mask/leaf.js';
import { applyReplacements, type Replacement } from '../../../mask/stream-masker.js';
import type { ScreenContext } from '../../protocol.js';
import { LeafCollector, Mode } from '../leaf-collector.js';

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
    super(bytes, Mode.ToolInput, '');
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
export function judgeToolInput(tool: string, json: string, context: ScreenContext): ToolJudgement {
  const { policy } = context;
  const findings = new Findings(policy);
  const outcomes: RuleOutcome[] = [];
  let replacements: Replacement[] = [];
  const rules = toolRules(context, findings);
  if (rules !== null) {
    const found = scanInput(json, rules);
    replacements = found.replacements;
    if (found.misplaced.length > 0) outcomes.push(...misplacedOutcomes(found.misplaced, findings));
  }
  if (policy.readsToolInput) {
    const judged = askPolicy(() => policy.evaluateToolInput(tool, json));
    for (const rule of judged.rules)
      if (rule.action !== 'allow') outcomes.push(rule.action === 'mask' ? { ...rule, action: 'block' } : rule);
  }
  return { verdict: verdictOf([...outcomesOf(findings.list()), ...outcomes]), replacements, findings: findings.list() };
}

/** How values in tool inputs are found; counted only when there is something to count them. Null when policy looks for none. */
export function toolRules({ policy, placeholder }: ScreenContext, findings: Findings | null): MaskRules | null {
  const detector = policy.toolInputDetector;
  if (detector === null) return null;
  const judge = (span: Span): PolicyAction => findings?.add('tool_input', span) ?? policy.actionFor('tool_input', span.type).action;
  return { detector, placeholder, judge, withAllowed: true };
}

/** The input as people and the trail may see it. JSON that does not end is only shown when nothing is found in it. */
export function maskedInput(json: string, context: ScreenContext): string {
  const rules = toolRules(context, null);
  if (rules === null) return json;
  const { replacements, misplaced } = scanInput(json, rules);
  return misplaced.length > 0
    ? '(not shown: it holds values that cannot be masked where they stand)'
    : applyReplacements(json, replacements);
}

interface ScannedInput {
  readonly replacements: Replacement[];
  /** Values that cannot be replaced where they stand. */
  readonly misplaced: readonly Replacement[];
}

function scanInput(json: string, rules: MaskRules): ScannedInput {
  const bytes = Buffer.from(json);
  const collector = new ToolInputCollector(bytes);
  try {
    new JsonScanner(bytes, 0, bytes.length, collector).run();
  } catch {
    return { replacements: [], misplaced: findReplacements(withoutEscapes(json), '', rules) };
  }
  const replacements: Replacement[] = [];
  const isAscii = bytes.length === json.length;
  for (const leaf of collector.leaves) {
    if (leaf === null) continue;
    const found = findReplacements(leafText(bytes, leaf), leafLabel(leaf), rules);
    for (const [i, edit] of leafEdits(bytes, leaf, found).entries()) {
      const start = isAscii ? edit.start : bytes.toString('utf8', 0, edit.start).length;
      const length = isAscii ? edit.end - edit.start : bytes.toString('utf8', edit.start, edit.end).length;
      replacements.push({ start, end: start + length, text: edit.bytes.toString(), action: found[i]!.action });
    }
  }
  return { replacements, misplaced: collector.names.flatMap((name) => findReplacements(name, '', rules)) };
}

function misplacedOutcomes(misplaced: readonly Replacement[], findings: Findings): RuleOutcome[] {
  if (misplaced.every((replacement) => replacement.action !== 'mask')) return [];
  return outcomesOf(findings.list())
    .filter((outcome) => outcome.action === 'mask')
    .map((outcome) => ({ ...outcome, action: 'block', reason: `${outcome.reason}, where it cannot be masked` }));
}

/** Best reading of JSON that is not well-formed, for detection only. */
function withoutEscapes(json: string): string {
  return json
    .replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\(.)/g, (_, letter: string) => (letter === 'n' || letter === 't' || letter === 'r' ? ' ' : letter));
}
