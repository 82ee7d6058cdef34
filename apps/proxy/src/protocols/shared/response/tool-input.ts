import type { PolicyAction } from '#config';
import type { Span } from '#detect';
import type { RuleOutcome, Verdict } from '#policy';
import type { Steps } from '#wire';
import { Findings, outcomesOf, verdictOf, type Finding } from '../../../mask/findings.js';
import { replacementSteps } from '../../../mask/leaf-steps.js';
import type { MaskRules } from '../../../mask/leaf.js';
import { restoreSteps } from '../../../mask/restore-stream.js';
import { together, type Restorer } from '../../../mask/restorer.js';
import { applyReplacements, type Replacement } from '../../../mask/stream-masker.js';
import type { ScreenContext } from '../../protocol.js';
import { judgeRestoredSteps } from './judge-text.js';
import { restoreInput } from './restore-input.js';
import { scanInput } from './scan-input.js';

/** What the screening of one answer needs to know of tool inputs: `restorer` gives values back in them. */
export type ToolContext = ScreenContext & { readonly restorer: Restorer | null };

/** What policy says about one tool call, and what is to be replaced in its input. */
export interface ToolJudgement {
  readonly verdict: Verdict;
  /** Offsets are UTF-16 units of the input's JSON text. Values to mask, values only the trail must not have, and those the client gets back. */
  readonly replacements: readonly Replacement[];
  readonly findings: readonly Finding[];
}

/**
 * Judges the whole input of a tool call. Values of policy-named types are looked for in every string and longer number, read with their member
 * names. A value where it cannot be replaced (a member name, JSON that does not end) is blocked when policy wants it masked.
 * @throws AffiantError detector_failed, policy_failed
 */
export function* judgeToolInput(tool: string, json: string, context: ToolContext): Steps<ToolJudgement> {
  const { policy } = context;
  const findings = new Findings(policy);
  const outcomes: RuleOutcome[] = [];
  let replacements: readonly Replacement[] = [];
  const rules = toolRules(context, findings);
  if (rules !== null) {
    const found = yield* scanInput(json, rules);
    replacements = found.replacements;
    if (found.misplaced.length > 0) outcomes.push(...misplacedOutcomes(found.misplaced, findings));
  }
  replacements = together(replacements, yield* restoreInput(json, replacements, context.restorer));
  outcomes.push(...(yield* judgeConditions(tool, json, replacements, context)));
  return { verdict: verdictOf([...outcomesOf(findings.list()), ...outcomes]), replacements, findings: findings.list() };
}

/**
 * Judges the input of a tool that is plain text (code, a command, free text) and not JSON. Offsets are units of the text.
 * @throws AffiantError detector_failed, policy_failed
 */
export function* judgeToolText(tool: string, text: string, context: ToolContext): Steps<ToolJudgement> {
  const { policy } = context;
  const findings = new Findings(policy);
  const rules = toolRules(context, findings);
  const masks = rules === null ? [] : yield* replacementSteps(text, rules);
  const replacements = together(masks, yield* restoreSteps(text, masks, context.restorer));
  const outcomes = [...outcomesOf(findings.list()), ...(yield* judgeConditions(tool, text, replacements, context))];
  return { verdict: verdictOf(outcomes), replacements, findings: findings.list() };
}

/** What conditions say. They name no value to replace, so `mask` cannot be carried out: refuse instead. */
function* judgeConditions(
  tool: string,
  input: string,
  replacements: readonly Replacement[],
  { policy }: ScreenContext,
): Steps<RuleOutcome[]> {
  if (!policy.readsToolInput) return [];
  const rules = yield* judgeRestoredSteps(input, replacements, (window) => policy.evaluateToolInput(tool, window));
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

function misplacedOutcomes(misplaced: readonly Replacement[], findings: Findings): RuleOutcome[] {
  if (misplaced.every((replacement) => replacement.action !== 'mask')) return [];
  return outcomesOf(findings.list())
    .filter((outcome) => outcome.action === 'mask')
    .map((outcome) => ({ ...outcome, action: 'block', reason: `${outcome.reason}, where it cannot be masked` }));
}
