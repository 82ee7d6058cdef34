import { createHash } from 'node:crypto';
import type { RuleOutcome } from '#policy';
import { run, type Steps } from '#wire';
import { extended } from '../../../extended.js';
import { Findings, outcomesOf, verdictOf } from '../../../mask/findings.js';
import { replacementSteps } from '../../../mask/leaf-steps.js';
import { Seam } from '../../../mask/seam.js';
import { restoreSteps } from '../../../mask/restore-stream.js';
import { Restorer, together } from '../../../mask/restorer.js';
import { applyReplacements, isCarriedOut, type Replacement, type Treatment } from '../../../mask/stream-masker.js';
import type { ScreenContext } from '../../protocol.js';
import { sha256 } from '../../shared/request/digests.js';
import type { FactsOfResponse } from '../../shared/response/facts.js';
import type { HoldQueue } from '../../shared/response/hold-queue.js';
import { judgeRestoredSteps } from '../../shared/response/judge-text.js';
import { judgeToolInput, judgeToolText, maskedInput, type ToolContext } from '../../shared/response/tool-input.js';

const SUMMARY_UNITS = 4_000;
const HASHED_UNITS = 64 * 1024;

/** A text, or the input of a tool, as policy judged it. It stands at up to five places of an answer, and is the same at all. */
export class Part {
  isReleased = false;
  private granted = false;
  private readonly waiting: ((granted: boolean) => void)[] = [];

  /** Offsets are UTF-16 units of the text. */
  constructor(readonly replacements: readonly Replacement[]) {}

  /** Whether the client (or the trail) gets the text with a replacement treated like that. */
  carries(action: Treatment, forTrail: boolean): boolean {
    return isCarriedOut(action, forTrail, (treated) => treated === 'allow' || (treated === 'hold' && this.granted));
  }

  onRelease(then: (granted: boolean) => void): void {
    if (this.isReleased) then(this.granted);
    else this.waiting.push(then);
  }

  release(granted: boolean): void {
    this.granted = granted;
    this.isReleased = true;
    for (const then of this.waiting.splice(0)) then(granted);
  }
}

/**
 * The parts of one answer. Agents take their text and their tool inputs from the whole places (`response.completed`), not from the deltas, so every
 * place is judged by its own content: the same content at the same slot is one part with one decision, other content is another part.
 */
export class Parts {
  private readonly known = new Map<string, Part>();
  private readonly called = new Set<string>();
  /** Policy looks at the inputs of tools. */
  readonly readsTools: boolean;
  /** Gives the caller's values back in text; null when nothing may be. */
  readonly restorer: Restorer | null;
  private readonly tools: ToolContext;
  /** Policy looks at text as a whole: nothing of it may go out before its end. */
  readonly keepsText: boolean;

  constructor(
    private readonly context: ScreenContext,
    private readonly findings: Findings,
    private readonly record: FactsOfResponse,
    private readonly holds: HoldQueue,
  ) {
    const { policy } = context;
    // A value for which people are asked: they are shown the whole text, so it waits whole.
    const asks = policy.responseDetector?.types.some((type) => policy.actionFor('response', type).action === 'hold') ?? false;
    this.keepsText = policy.readsResponseText || asks;
    this.restorer = Restorer.of(context, 'text');
    this.tools = extended(context, { restorer: Restorer.of(context, 'tool_input') });
    this.readsTools = policy.readsToolInput || policy.toolInputDetector !== null;
  }

  /** `counted` when the values of the text were counted as it came. @throws AffiantError detector_failed, policy_failed */
  *text(slot: string, text: string, counted: boolean): Steps<Part> {
    const key = yield* keyOf(slot, 'text', text);
    let part = this.known.get(key);
    if (part === undefined) {
      part = yield* this.judgeText(text, counted);
      this.known.set(key, part);
    }
    return part;
  }

  /** Input of a tool: JSON, or plain text. @throws AffiantError detector_failed, policy_failed */
  *tool(slot: string, tool: string, input: string, isJson: boolean): Steps<Part> {
    this.calls(slot, tool);
    const key = yield* keyOf(slot, `tool ${tool}`, input);
    let part = this.known.get(key);
    if (part === undefined) {
      part = yield* this.judgeTool(tool, input, isJson);
      this.known.set(key, part);
    }
    return part;
  }

  /** Notes a tool call for the record, once. */
  calls(slot: string, tool: string): void {
    if (this.called.has(slot)) return;
    this.called.add(slot);
    this.record.toolCalls.push(tool);
  }

  /** The border between texts that follow each other; null when no policy looks for values. */
  seam(): Seam | null {
    const { policy } = this.context;
    return policy.responseDetector === null ? null : new Seam(policy.responseDetector, policy, (...leak) => this.record.leaked(...leak));
  }

  /** A value in text that policy blocks ends the answer where it was found. */
  refuse(rules: readonly RuleOutcome[]): void {
    this.holds.add({ verdict: { action: 'block', rules }, held: null, grant: () => undefined });
  }

  private *judgeText(text: string, counted: boolean): Steps<Part> {
    const { policy, placeholder } = this.context;
    const detector = policy.responseDetector;
    const inText = new Findings(policy);
    const masks =
      detector === null
        ? []
        : yield* replacementSteps(text, {
            detector,
            placeholder,
            judge: (span) => {
              if (!counted) this.findings.add('response', span);
              return inText.add('response', span);
            },
          });
    const replacements = together(masks, yield* restoreSteps(text, masks, this.restorer));
    if (!counted) this.record.gaveBack('text', replacements);
    const judged = policy.readsResponseText
      ? yield* judgeRestoredSteps(text, replacements, (window) => policy.evaluateResponseText(window))
      : [];
    const rules = judged.filter((rule) => rule.action !== 'allow');
    this.record.judged([], rules);
    // A condition names no value to replace: `mask` hides the whole text.
    const hides = rules.find((rule) => rule.action === 'mask');
    const part = new Part(
      hides === undefined ? replacements : [{ start: 0, end: text.length, text: placeholder(hides.policy, text), action: 'mask' }],
    );
    this.decide([...outcomesOf(inText.list()), ...rules], null, part, text, () => applyReplacements(text, masks));
    return part;
  }

  private *judgeTool(tool: string, input: string, isJson: boolean): Steps<Part> {
    const { context, tools } = this;
    // A call without arguments may leave them empty.
    const judged = yield* isJson ? judgeToolInput(tool, input === '' ? '{}' : input, tools) : judgeToolText(tool, input, tools);
    this.record.judged(judged.findings, judged.verdict.rules);
    this.record.gaveBack('tool_input', judged.replacements);
    const part = new Part(judged.replacements);
    const shown = (): string =>
      isJson
        ? run(maskedInput(input, context))
        : applyReplacements(
            input,
            judged.replacements.filter(({ action }) => action !== 'restore'),
          );
    this.decide(judged.verdict.rules, tool, part, input, shown);
    return part;
  }

  private decide(outcomes: readonly RuleOutcome[], tool: string | null, part: Part, whole: string, shown: () => string): void {
    const verdict = verdictOf(outcomes);
    if (verdict.action !== 'hold' && verdict.action !== 'block') {
      part.release(false);
      return;
    }
    const held =
      verdict.action === 'block' ? null : { verdict, tool, summary: shown().slice(0, SUMMARY_UNITS), digest: sha256(Buffer.from(whole)) };
    this.holds.add({ verdict, held, grant: () => part.release(true) });
  }
}

/** Content by its digest; long ones are hashed in steps. */
function* keyOf(slot: string, kind: string, text: string): Steps<string> {
  const hash = createHash('sha256').update(`${slot}\n${kind}\n`);
  for (let at = 0; at < text.length; at += HASHED_UNITS) {
    if (at > 0) yield;
    hash.update(Buffer.from(text.slice(at, at + HASHED_UNITS), 'utf16le'));
  }
  return hash.digest('base64');
}
