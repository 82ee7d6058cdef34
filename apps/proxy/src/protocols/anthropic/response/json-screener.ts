import { isUtf8 } from 'node:buffer';
import { AffiantError } from '#errors';
import type { RuleOutcome } from '#policy';
import { Findings, outcomesOf, verdictOf } from '../../../mask/findings.js';
import { askPolicy } from '../../../mask/guard.js';
import { applyReplacements, type Replacement } from '../../../mask/stream-masker.js';
import type { ResponseFacts, ResponseScreener, ScreenContext, ScreenStep, UpstreamHead } from '../../protocol.js';
import { errorFrame } from '../error-frame.js';
import { sha256 } from '../request/digests.js';
import { FactsOfResponse, member, text } from './facts.js';
import { HoldQueue } from './hold-queue.js';
import { JsonBody } from './json-body.js';
import { judgeToolInput, maskedInput, toolRules } from './tool-input.js';
import { WholeValues } from './whole-values.js';

const MAX_BYTES = 32 << 20;
const SUMMARY_UNITS = 4_000;

/** What the screened document gives out. */
type Render = (carriesOut: (replacement: Replacement) => boolean) => Buffer;

/** Screens a response that is one JSON document: a message, a count, a list of models, an error. Gives it whole, at the end. */
export class JsonScreener implements ResponseScreener {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private readonly findings: Findings;
  private readonly record: FactsOfResponse;
  private readonly values: WholeValues;
  private readonly holds = new HoldQueue();
  private render: Render | null = null;
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
    if (this.ended || this.holds.isRefused || this.holds.isWaiting) return { release: [] };
    if (this.render === null) {
      this.render = this.screen(this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks));
      const next = this.holds.next();
      if (next.held !== undefined || next.blocked !== undefined) return { release: [], ...next };
    }
    this.ended = true;
    this.size = 0;
    const trail = this.render(() => true);
    const client = this.render(({ action }) => action !== 'allow' && !(action === 'hold' && this.granted));
    if (client.length === 0) return { release: [] };
    const wrap = (bytes: Buffer): Buffer => (this.continues ? errorFrame(bytes) : bytes);
    return client.equals(trail) ? { release: [wrap(client)] } : { release: [wrap(client)], recorded: [wrap(trail)] };
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

  private screen(bytes: Buffer): Render {
    this.record.complete = true;
    if (bytes.length === 0) return () => bytes;
    if (!isUtf8(bytes)) throw new AffiantError('stream_invalid', 'The upstream response is not valid UTF-8.');
    const body = this.parse(bytes);
    if (body === null) return this.plainText(bytes);
    const isError = this.upstream.status >= 400;
    const hidden = isError ? new Map<string, string>() : this.judgeBlocks(JSON.parse(bytes.toString()));
    const toolInputs = toolRules(this.context, null);
    for (const leaf of body.leaves) {
      const placeholder = leaf.depth === 3 && leaf.key === 'text' && hidden.size > 0 ? hidden.get(body.text(leaf)) : undefined;
      const rules = leaf.inToolInput && !isError ? toolInputs : this.values.rules;
      if (placeholder !== undefined) body.hide(leaf, placeholder);
      else if (rules !== null) body.scan(leaf, rules);
    }
    const masked = body.render(() => true);
    this.note(JSON.parse(masked.toString()));
    this.refuse(outcomesOf(this.findings.list()).filter((outcome) => outcome.action === 'block'));
    return (carriesOut) => body.render(carriesOut);
  }

  /** Null for an error body that is no JSON: the provider's front end answers in words or HTML. */
  private parse(bytes: Buffer): JsonBody | null {
    try {
      return new JsonBody(bytes);
    } catch (error) {
      if (this.upstream.status >= 400) return null;
      throw new AffiantError('stream_invalid', 'The upstream response is not well-formed JSON.', { cause: error });
    }
  }

  private plainText(bytes: Buffer): Render {
    const original = bytes.toString();
    const masked = this.values.maskText(original);
    this.record.upstreamError = { type: 'error', message: masked.slice(0, 2_000) };
    const out = masked === original ? bytes : Buffer.from(masked);
    return () => out;
  }

  /** Asks policy about each content block. @returns texts to hide whole, with what stands in their place. */
  private judgeBlocks(message: unknown): Map<string, string> {
    const hidden = new Map<string, string>();
    const content = member(message, 'content');
    for (const block of Array.isArray(content) ? (content as unknown[]) : []) {
      const type = text(member(block, 'type')) ?? '';
      if (type.endsWith('tool_use')) this.judgeTool(text(member(block, 'name')) ?? '', JSON.stringify(member(block, 'input') ?? {}));
      else if (type === 'text') this.judgeText(text(member(block, 'text')) ?? '', hidden);
    }
    return hidden;
  }

  private judgeTool(tool: string, json: string): void {
    const { verdict, findings } = judgeToolInput(tool, json, this.context);
    this.record.toolCalls.push(tool);
    this.record.judged(findings, verdict.rules);
    this.decide(verdict.rules, tool, json, () => maskedInput(json, this.context));
  }

  private judgeText(own: string, hidden: Map<string, string>): void {
    const { policy, placeholder } = this.context;
    const judged = policy.readsResponseText ? askPolicy(() => policy.evaluateResponseText(own)).rules : [];
    const rules = judged.filter((rule) => rule.action !== 'allow');
    this.record.judged([], rules);
    const hides = rules.find((rule) => rule.action === 'mask');
    if (hides !== undefined) hidden.set(own, placeholder(hides.policy, own));
    const inText = new Findings(policy);
    const masked = applyReplacements(own, this.values.find(own, inText));
    this.decide([...outcomesOf(inText.list()), ...rules], null, own, () => masked);
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
