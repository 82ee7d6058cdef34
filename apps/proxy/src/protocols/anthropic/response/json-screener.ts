import type { RuleOutcome } from '#policy';
import { encodeJsonText, run, type Steps } from '#wire';
import { extended } from '../../../extended.js';
import { Findings, outcomesOf, verdictOf } from '../../../mask/findings.js';
import { leafEditSteps, replacementEditSteps, replacementSteps, textWindows, type FoundEdit } from '../../../mask/leaf-steps.js';
import { restoreSteps } from '../../../mask/restore-stream.js';
import { isRestoration, Restorer, type Restoration } from '../../../mask/restorer.js';
import { Seam } from '../../../mask/seam.js';
import { applyReplacements, isCarriedOut, type Treatment } from '../../../mask/stream-masker.js';
import type { ScreenContext, ScreenStep, UpstreamHead } from '../../protocol.js';
import { sha256 } from '../../shared/request/digests.js';
import { DocumentScreener, type ScreenedDocument } from '../../shared/response/document-screener.js';
import { member, text } from '../../shared/response/facts.js';
import { decodedSteps, judgeRestoredSteps } from '../../shared/response/judge-text.js';
import { scanInput } from '../../shared/response/scan-input.js';
import { restoredEdits, restoreInput } from '../../shared/response/restore-input.js';
import { judgeToolInput, maskedInput, toolRules, type ToolContext } from '../../shared/response/tool-input.js';
import type { ContentBlock, Range } from './document-collector.js';
import { JsonBody } from './json-body.js';

const SUMMARY_UNITS = 4_000;
/** Inputs above this are judged as the upstream wrote them: parsing megabytes and writing them again would hold the event loop. */
const NORMALISED_INPUT = 32 * 1024;
const LEAVES_PER_STEP = 16;

/** Screens a response of the Messages API that is one JSON document. */
export class JsonScreener extends DocumentScreener {
  private readonly asksOfText: boolean;
  private granted = false;
  private readonly restorer: Restorer | null;
  private readonly tools: ToolContext;
  /** What the caller gets back, in the order of the document. */
  private readonly restored: FoundEdit[] = [];

  constructor(context: ScreenContext, upstream: UpstreamHead, continues: boolean) {
    super(context, upstream, continues);
    const { policy } = context;
    const stops = policy.responseDetector?.types.some((type) => ['hold', 'block'].includes(policy.actionFor('response', type).action));
    this.restorer = Restorer.of(context, 'text');
    this.tools = extended(context, { restorer: Restorer.of(context, 'tool_input') });
    this.asksOfText = policy.readsResponseText || stops === true || this.restorer !== null;
  }

  override resolve(granted: boolean): ScreenStep {
    this.granted ||= granted;
    return super.resolve(granted);
  }

  protected *screen(bytes: Buffer): Steps<ScreenedDocument> {
    const body = yield* JsonBody.read(bytes);
    const hidden = this.isError ? new Map<string, string>() : yield* this.judgeBlocks(body);
    const toolInputs = toolRules(this.context, null);
    for (const [i, leaf] of body.leaves.entries()) {
      if (i % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
      if (leaf === null) continue;
      const placeholder = leaf.depth === 3 && leaf.key === 'text' && hidden.size > 0 ? hidden.get(body.text(leaf)) : undefined;
      const rules = leaf.inToolInput && !this.isError ? toolInputs : this.values.rules;
      if (placeholder !== undefined) body.hide(leaf, Buffer.from(encodeJsonText(placeholder)));
      else if (rules !== null) yield* body.scan(leaf, rules);
    }
    const trail = yield* body.facts();
    yield* body.restore(this.restored);
    this.note(trail);
    this.refuse(outcomesOf(this.findings.list()).filter((outcome) => outcome.action === 'block'));
    const passes = (action: Treatment): boolean => action === 'allow' || (action === 'hold' && this.granted);
    const carries = (forTrail: boolean) => (action: Treatment) => isCarriedOut(action, forTrail, passes);
    const differs = (): boolean => body.some((action) => carries(true)(action) !== carries(false)(action));
    return { trail: () => body.render(carries(true)), client: () => (differs() ? body.render(carries(false)) : null) };
  }

  /** Asks policy about each content block. @returns texts to hide whole, with what stands in their place. */
  private *judgeBlocks(body: JsonBody): Steps<Map<string, string>> {
    const hidden = new Map<string, string>();
    const { policy } = this.context;
    const detector = policy.responseDetector;
    const seam = detector === null ? null : new Seam(detector, policy, (...leak) => this.record.leaked(...leak));
    for (const block of body.blocks) {
      if (block.type === 'text' && block.text !== null && seam !== null) yield* borderSteps(seam, body.bytes, block.text);
      if (block.type.endsWith('tool_use')) yield* this.judgeTool(body.bytes, block);
      else if (block.type === 'text' && this.asksOfText) yield* this.judgeText(body.bytes, block.text, hidden);
      yield;
    }
    return hidden;
  }

  private *judgeTool(bytes: Buffer, { name, input }: ContentBlock): Steps<void> {
    const json = inputOf(bytes, input);
    const { verdict, findings, replacements } = yield* judgeToolInput(name, json, this.tools);
    if (input !== null) yield* this.restoreInput(bytes, input, applyReplacements(json, replacements.filter(isRestoration)));
    this.record.toolCalls.push(name);
    this.record.judged(findings, verdict.rules);
    this.decide(verdict.rules, name, json, () => run(maskedInput(json, this.context)));
  }

  private *judgeText(bytes: Buffer, range: ContentBlock['text'], hidden: Map<string, string>): Steps<void> {
    const { policy, placeholder } = this.context;
    const own = range === null ? '' : yield* decodedSteps(bytes, range);
    const restored = range === null ? [] : yield* this.restoredIn(own);
    const judged = policy.readsResponseText
      ? yield* judgeRestoredSteps(own, restored, (window) => policy.evaluateResponseText(window))
      : [];
    const rules = judged.filter((rule) => rule.action !== 'allow');
    this.record.judged([], rules);
    const hides = rules.find((rule) => rule.action === 'mask');
    if (hides !== undefined) hidden.set(own, placeholder(hides.policy, own));
    else if (range !== null && restored.length > 0) {
      this.record.gaveBack('text', restored);
      for (const edit of yield* replacementEditSteps(bytes, range, restored)) this.restored.push(edit);
    }
    const inText = new Findings(policy);
    const counted = this.values.rules === null ? null : { ...this.values.rules, judge: inText.add.bind(inText, 'response') };
    if (range !== null && counted !== null) yield* leafEditSteps(bytes, extended(range, { isNumber: false, label: null }), counted);
    const shown = (): string => applyReplacements(own, this.values.find(own, new Findings(policy)));
    this.decide([...outcomesOf(inText.list()), ...rules], null, own, shown);
  }

  private *restoredIn(whole: string): Steps<readonly Restoration[]> {
    if (this.restorer === null) return [];
    const uncounted = new Findings(this.context.policy);
    const { rules } = this.values;
    const masks = rules === null ? [] : yield* replacementSteps(whole, { ...rules, judge: uncounted.add.bind(uncounted, 'response') });
    return yield* restoreSteps(whole, masks, this.restorer);
  }

  /** Where the input stands in the document: what was judged was written anew. Nothing is given back that was not `judged`. */
  private *restoreInput(bytes: Buffer, input: Range, judged: string): Steps<void> {
    const { restorer } = this.tools;
    if (restorer === null) return;
    const json = bytes.toString('utf8', input.start, input.end);
    const rules = toolRules(this.context, null);
    const masks = rules === null ? [] : (yield* scanInput(json, rules)).replacements;
    const restored = yield* restoreInput(json, masks, restorer);
    if (restored.length === 0 || normalised(applyReplacements(json, restored)) !== judged) return;
    this.record.gaveBack('tool_input', restored);
    for (const edit of restoredEdits(json, input.start, restored)) this.restored.push(edit);
  }

  private decide(outcomes: readonly RuleOutcome[], tool: string | null, whole: string, shown: () => string): void {
    const verdict = verdictOf(outcomes);
    if (verdict.action === 'block') this.refuse(verdict.rules);
    else if (verdict.action === 'hold') {
      const held = { verdict, tool, summary: shown().slice(0, SUMMARY_UNITS), digest: sha256(Buffer.from(whole)) };
      this.holds.add({ verdict, held, grant: () => undefined });
    }
  }

  private refuse(rules: readonly RuleOutcome[]): void {
    if (rules.length > 0) this.holds.add({ verdict: verdictOf(rules), held: null, grant: () => undefined });
  }

  /** Takes the facts from the masked document, so that no raw value reaches them. */
  private note(message: unknown): void {
    const { record } = this;
    record.model = text(member(message, 'model'));
    record.stopReason = text(member(message, 'stop_reason'));
    record.usage(member(message, 'usage') ?? message);
    if (!this.isError && member(message, 'type') !== 'error') return;
    const error = member(message, 'error');
    const words = text(member(error, 'message')) ?? '';
    record.upstreamError = { type: text(member(error, 'type')) ?? 'error', message: words.slice(0, 2_000) };
  }
}

/** Shows a text to the watch between texts, as the deltas of a stream would. */
function* borderSteps(seam: Seam, bytes: Buffer, range: NonNullable<ContentBlock['text']>): Steps<void> {
  seam.begin();
  for (const part of textWindows(bytes, range)) {
    seam.push(part);
    yield;
  }
  seam.end();
}

/** The input of a tool call as JSON text. */
function inputOf(bytes: Buffer, input: Range | null): string {
  return input === null ? '{}' : normalised(bytes.toString('utf8', input.start, input.end));
}

function normalised(json: string): string {
  return json.length > NORMALISED_INPUT ? json : JSON.stringify((JSON.parse(json) as unknown) ?? {});
}
