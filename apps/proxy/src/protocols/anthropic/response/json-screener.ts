import { AffiantError } from '#errors';
import type { PolicyAction } from '#config';
import type { RuleOutcome } from '#policy';
import { concatSteps, encodeJsonText, isUtf8Steps, run, type Steps } from '#wire';
import { Findings, outcomesOf, verdictOf } from '../../../mask/findings.js';
import { leafEditSteps } from '../../../mask/leaf-steps.js';
import { applyReplacements } from '../../../mask/stream-masker.js';
import type { ResponseFacts, ResponseScreener, ScreenContext, ScreenStep, UpstreamHead } from '../../protocol.js';
import { errorFrame } from '../../shared/error-frame.js';
import { sha256 } from '../../shared/request/digests.js';
import type { ContentBlock, Range } from './document-collector.js';
import { FactsOfResponse, member, text } from '../../shared/response/facts.js';
import { HoldQueue } from '../../shared/response/hold-queue.js';
import { JsonBody } from './json-body.js';
import { decodedSteps, judgeTextSteps } from '../../shared/response/judge-text.js';
import { maskPlainSteps } from '../../shared/response/plain-text.js';
import { judgeToolInput, maskedInput, toolRules } from '../../shared/response/tool-input.js';
import { WholeValues } from '../../shared/response/whole-values.js';

const MAX_BYTES = 32 << 20;
const SUMMARY_UNITS = 4_000;
/** Inputs above this are judged as the upstream wrote them: parsing megabytes and writing them again would hold the event loop. */
const NORMALISED_INPUT = 32 * 1024;
const LEAVES_PER_STEP = 16;

/** What the screened document gives out. */
type Render = (carriesOut: (action: PolicyAction) => boolean) => Steps<Buffer>;

/** Screens a response that is one JSON document: a message, a count, a list of models, an error. Gives it whole, at the end. */
export class JsonScreener implements ResponseScreener {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private readonly findings: Findings;
  private readonly record: FactsOfResponse;
  private readonly values: WholeValues;
  private readonly holds = new HoldQueue();
  private render: Render | null = null;
  private body: JsonBody | null = null;
  private readonly asksOfText: boolean;
  private granted = false;
  private ended = false;

  constructor(
    private readonly context: ScreenContext,
    private readonly upstream: UpstreamHead,
    /** The client reads an event stream already: the document goes to it as an error event. */
    private readonly continues: boolean,
  ) {
    this.findings = new Findings(context.policy);
    this.record = new FactsOfResponse(this.findings);
    this.values = new WholeValues(context, this.findings);
    const { policy } = context;
    const stops = policy.responseDetector?.types.some((type) => ['hold', 'block'].includes(policy.actionFor('response', type).action));
    this.asksOfText = policy.readsResponseText || stops === true;
  }

  get bufferedBytes(): number {
    return this.size;
  }

  push(chunk: Buffer): ScreenStep {
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.size > MAX_BYTES) throw new AffiantError('stream_invalid', 'The response is too large to be screened whole.');
    return { release: [] };
  }

  end(): ScreenStep {
    return run(this.ending());
  }

  // oxlint-disable-next-line require-yield
  *pushing(chunk: Buffer): Steps<ScreenStep> {
    return this.push(chunk);
  }

  *ending(): Steps<ScreenStep> {
    if (this.ended || this.holds.isRefused || this.holds.isWaiting) return { release: [] };
    if (this.render === null) {
      this.render = yield* this.screen(yield* concatSteps(this.chunks));
      const next = this.holds.next();
      if (next.held !== undefined || next.blocked !== undefined) return { release: [], ...next };
    }
    this.ended = true;
    this.size = 0;
    const wrap = (bytes: Buffer): Buffer => (this.continues ? errorFrame(bytes) : bytes);
    const trail = yield* this.render(() => true);
    if (trail.length === 0) return { release: [] };
    const passes = (action: PolicyAction): boolean => action === 'allow' || (action === 'hold' && this.granted);
    if (this.body?.some(passes) !== true) return { release: [wrap(trail)] };
    const client = yield* this.render((action) => !passes(action));
    return { release: [wrap(client)], recorded: [wrap(trail)] };
  }

  resolve(granted: boolean): ScreenStep {
    this.granted ||= granted;
    const refusal = this.holds.resolve(granted);
    if (refusal !== null) return { release: [], blocked: refusal };
    return { release: [], ...this.holds.next() };
  }

  facts(): ResponseFacts {
    return this.record.facts();
  }

  private *screen(bytes: Buffer): Steps<Render> {
    this.record.complete = true;
    if (bytes.length === 0) return wholeOf(bytes);
    if (!(yield* isUtf8Steps(bytes))) throw new AffiantError('stream_invalid', 'The upstream response is not valid UTF-8.');
    const body = yield* this.parse(bytes);
    if (body === null) return yield* this.plainText(bytes);
    this.body = body;
    const isError = this.upstream.status >= 400;
    const hidden = isError ? new Map<string, string>() : yield* this.judgeBlocks(body);
    const toolInputs = toolRules(this.context, null);
    for (const [i, leaf] of body.leaves.entries()) {
      if (i % LEAVES_PER_STEP === LEAVES_PER_STEP - 1) yield;
      if (leaf === null) continue;
      const placeholder = leaf.depth === 3 && leaf.key === 'text' && hidden.size > 0 ? hidden.get(body.text(leaf)) : undefined;
      const rules = leaf.inToolInput && !isError ? toolInputs : this.values.rules;
      if (placeholder !== undefined) body.hide(leaf, Buffer.from(encodeJsonText(placeholder)));
      else if (rules !== null) yield* body.scan(leaf, rules);
    }
    this.note(yield* body.facts());
    this.refuse(outcomesOf(this.findings.list()).filter((outcome) => outcome.action === 'block'));
    return (carriesOut) => body.render(carriesOut);
  }

  /** Null for an error body that is no JSON: the provider's front end answers in words or HTML. */
  private *parse(bytes: Buffer): Steps<JsonBody | null> {
    try {
      return yield* JsonBody.read(bytes);
    } catch (error) {
      if (this.upstream.status >= 400) return null;
      throw new AffiantError('stream_invalid', 'The upstream response is not well-formed JSON.', { cause: error });
    }
  }

  private *plainText(bytes: Buffer): Steps<Render> {
    const out = yield* maskPlainSteps(bytes, this.values.rules);
    this.record.upstreamError = { type: 'error', message: out.toString('utf8', 0, 8_000).slice(0, 2_000) };
    return wholeOf(out);
  }

  /** Asks policy about each content block. @returns texts to hide whole, with what stands in their place. */
  private *judgeBlocks(body: JsonBody): Steps<Map<string, string>> {
    const hidden = new Map<string, string>();
    for (const block of body.blocks) {
      if (block.type.endsWith('tool_use')) yield* this.judgeTool(body.bytes, block);
      else if (block.type === 'text' && this.asksOfText) yield* this.judgeText(body.bytes, block.text, hidden);
      yield;
    }
    return hidden;
  }

  private *judgeTool(bytes: Buffer, { name, input }: ContentBlock): Steps<void> {
    const json = inputOf(bytes, input);
    const { verdict, findings } = yield* judgeToolInput(name, json, this.context);
    this.record.toolCalls.push(name);
    this.record.judged(findings, verdict.rules);
    this.decide(verdict.rules, name, json, () => run(maskedInput(json, this.context)));
  }

  private *judgeText(bytes: Buffer, range: ContentBlock['text'], hidden: Map<string, string>): Steps<void> {
    const { policy, placeholder } = this.context;
    const own = range === null ? '' : yield* decodedSteps(bytes, range);
    const judged = policy.readsResponseText ? yield* judgeTextSteps(own, (window) => policy.evaluateResponseText(window)) : [];
    const rules = judged.filter((rule) => rule.action !== 'allow');
    this.record.judged([], rules);
    const hides = rules.find((rule) => rule.action === 'mask');
    if (hides !== undefined) hidden.set(own, placeholder(hides.policy, own));
    const inText = new Findings(policy);
    const counted = this.values.rules === null ? null : { ...this.values.rules, judge: inText.add.bind(inText, 'response') };
    if (range !== null && counted !== null) yield* leafEditSteps(bytes, { ...range, isNumber: false, label: null }, counted);
    const shown = (): string => applyReplacements(own, this.values.find(own, new Findings(policy)));
    this.decide([...outcomesOf(inText.list()), ...rules], null, own, shown);
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
    if (this.upstream.status < 400 && member(message, 'type') !== 'error') return;
    const error = member(message, 'error');
    const words = text(member(error, 'message')) ?? '';
    record.upstreamError = { type: text(member(error, 'type')) ?? 'error', message: words.slice(0, 2_000) };
  }
}

/** The same in every form. */
function wholeOf(bytes: Buffer): Render {
  // oxlint-disable-next-line require-yield
  return function* whole() {
    return bytes;
  };
}

/** The input of a tool call as JSON text. */
function inputOf(bytes: Buffer, input: Range | null): string {
  if (input === null) return '{}';
  const raw = bytes.toString('utf8', input.start, input.end);
  return raw.length > NORMALISED_INPUT ? raw : JSON.stringify((JSON.parse(raw) as unknown) ?? {});
}
