import type { Detector } from '#detect';
import type { RuleOutcome } from '#policy';
import { run, type Edit, type Steps } from '#wire';
import { extended } from '../../../extended.js';
import { outcomesOf, verdictOf, type Findings } from '../../../mask/findings.js';
import { askDetector } from '../../../mask/guard.js';
import { textWindows } from '../../../mask/leaf-steps.js';
import { findReplacements, leafEdits, leafLabel, leafText } from '../../../mask/leaf.js';
import { Seam } from '../../../mask/seam.js';
import { RestoreStream } from '../../../mask/restore-stream.js';
import { Restorer } from '../../../mask/restorer.js';
import { StreamMasker, type Replacement } from '../../../mask/stream-masker.js';
import type { ScreenContext } from '../../protocol.js';
import type { PlacedLeaf } from '../../shared/leaf-collector.js';
import { sha256 } from '../../shared/request/digests.js';
import { member, text, type FactsOfResponse } from '../../shared/response/facts.js';
import { frameBytes } from '../../shared/response/frame-bytes.js';
import type { HoldQueue } from '../../shared/response/hold-queue.js';
import { judgeRestoredSteps } from '../../shared/response/judge-text.js';
import type { Outbox, Rendered } from '../../shared/response/outbox.js';
import type { StreamEvent } from './read-frame.js';
import { TextChannel } from '../../shared/response/text-channel.js';
import { TextItem } from '../../shared/response/text-item.js';
import { judgeToolInput, maskedInput, toolRules, type ToolContext } from '../../shared/response/tool-input.js';
import type { WholeValues } from '../../shared/response/whole-values.js';

const SUMMARY_UNITS = 4_000;
/** Deltas whose strings are the continuation of one text, and the member that holds it. Others are taken by their only string. */
const TEXT_OF_DELTA: Readonly<Record<string, string>> = {
  text_delta: 'text',
  compaction_delta: 'content',
  input_json_delta: 'partial_json',
};
/** The channel of an ordinary text. */
const TEXT = 'text_delta text';
/** Strings of these arrive whole. */
const WHOLE_DELTAS = new Set(['citations_delta']);

/** A content block under way. */
interface Block {
  readonly index: number;
  /** Name of the tool, when the model calls one. */
  readonly tool: string | null;
  readonly channels: Map<string, TextChannel>;
  /** Input that came with the block's start instead of deltas. */
  readonly startInputs: readonly string[];
}

/** The content blocks of a response: text goes out as it is decided, what policy judges as a whole waits for its end. */
export class Blocks {
  private readonly open = new Map<number, Block>();
  private readonly keepsText: boolean;
  private readonly keepsTools: boolean;
  private readonly detector: Detector | null;
  /** Between the texts of the answer. */
  private readonly seam: Seam | null;
  private readonly restorer: Restorer | null;
  private readonly tools: ToolContext;

  constructor(
    private readonly context: ScreenContext,
    private readonly findings: Findings,
    private readonly values: WholeValues,
    private readonly outbox: Outbox,
    private readonly holds: HoldQueue,
    private readonly record: FactsOfResponse,
  ) {
    const { policy } = context;
    this.detector = policy.responseDetector;
    // A value for which people are asked: they are shown the whole block, so it waits whole.
    const asks = this.detector?.types.some((type) => policy.actionFor('response', type).action === 'hold') ?? false;
    this.keepsText = policy.readsResponseText || asks;
    this.seam = this.detector === null ? null : new Seam(this.detector, policy, (...leak) => record.leaked(...leak));
    this.restorer = Restorer.of(context, 'text');
    this.tools = extended(context, { restorer: Restorer.of(context, 'tool_input') });
    this.keepsTools = policy.readsToolInput || policy.toolInputDetector !== null;
  }

  *start(event: StreamEvent, shift: readonly Edit[]): Steps<void> {
    const content = member(JSON.parse(event.data.toString()), 'content_block');
    const type = text(member(content, 'type')) ?? '';
    const isTool = type.endsWith('tool_use');
    const tool = isTool ? (text(member(content, 'name')) ?? '') : null;
    if (tool !== null) this.record.toolCalls.push(tool);
    const input = member(content, 'input');
    const hasInput = isTool && typeof input === 'object' && input !== null && Object.keys(input).length > 0;
    const block: Block = { index: event.index, tool, channels: new Map(), startInputs: hasInput ? [JSON.stringify(input)] : [] };
    this.open.set(event.index, block);
    const first = type === 'text' ? event.leaves?.find((leaf) => leaf.depth === 2 && leaf.key === 'text') : undefined;
    const edits = [...shift, ...(yield* this.values.editSteps(event, (leaf) => leaf === first || (isTool && leaf.inToolInput)))];
    if (first !== undefined) yield* this.text(event, first, this.channel(block, TEXT), edits);
    else if (isTool && this.keepsTools) this.keepStart(event, block, edits);
    else this.push(event, edits);
  }

  *delta(event: StreamEvent, shift: readonly Edit[]): Steps<void> {
    const block = this.open.get(event.index) ?? this.unknownBlock(event.index);
    const leaf = textLeaf(event);
    const isInput = event.deltaType === 'input_json_delta';
    const edits = [...shift, ...(yield* this.values.editSteps(event, (other) => other === leaf))];
    if (leaf === undefined || (isInput && !this.keepsTools) || (!isInput && !this.readsText)) this.push(event, edits);
    else yield* this.text(event, leaf, this.channel(block, isInput ? 'input' : `${event.deltaType} ${leaf.key}`), edits);
  }

  *stop(event: StreamEvent, shift: readonly Edit[]): Steps<void> {
    const block = this.open.get(event.index);
    if (block !== undefined) yield* this.close(block);
    this.push(event, shift);
  }

  /** The message ended: blocks without a stop end with it. */
  *finish(): Steps<void> {
    for (const block of this.open.values()) yield* this.close(block);
  }

  private unknownBlock(index: number): Block {
    const block: Block = { index, tool: null, channels: new Map(), startInputs: [] };
    this.open.set(index, block);
    return block;
  }

  private channel(block: Block, key: string): TextChannel {
    let channel = block.channels.get(key);
    if (channel === undefined) {
      const isInput = key === 'input';
      const { rules } = this.values;
      const masker = rules === null || isInput ? null : askDetector(() => new StreamMasker(rules.detector, rules.judge, rules.placeholder));
      const restore = key === TEXT && this.restorer !== null ? new RestoreStream(this.restorer) : null;
      channel = new TextChannel(masker, isInput || this.keepsText, restore);
      if (key === TEXT) this.seam?.begin();
      block.channels.set(key, channel);
    }
    return channel;
  }

  private *text(event: StreamEvent, leaf: PlacedLeaf, channel: TextChannel, edits: readonly Edit[]): Steps<void> {
    const from = channel.length;
    const isText = event.deltaType === 'text_delta' || event.type === 'content_block_start';
    let own = '';
    for (const part of textWindows(event.data, leaf)) {
      if (own !== '') yield;
      own += part;
      this.decided(askDetector(() => channel.push(part)));
      if (isText) this.seam?.push(part);
    }
    if (own === '') channel.push('');
    const last = this.outbox.last;
    const rest = last instanceof TextItem ? last.restOf(channel) : null;
    if (rest !== null) this.outbox.popLast();
    const slot = { range: leaf, channel, from: rest?.from ?? from, own: (rest?.text ?? '') + own };
    this.outbox.push(new TextItem(event, [slot], edits, { taken: rest }));
  }

  private get readsText(): boolean {
    return this.detector !== null || this.keepsText || this.restorer !== null;
  }

  /** A value that policy blocks in a response ends it where it was found. */
  private decided(replacements: readonly Replacement[]): void {
    if (this.restorer !== null) this.record.gaveBack('text', replacements);
    if (replacements.every((replacement) => replacement.action !== 'block')) return;
    const rules = outcomesOf(this.findings.list()).filter((outcome) => outcome.action === 'block');
    this.outbox.push({ weight: 0, take: () => null });
    this.holds.add({ verdict: { action: 'block', rules }, held: null, grant: () => undefined });
  }

  /** The start of a tool call waits with its input. */
  private keepStart(event: StreamEvent, block: Block, edits: readonly Edit[]): void {
    const channel = this.channel(block, 'input');
    const bytes = (forTrail: boolean): Buffer => frameBytes(event, [...edits, ...this.startInputEdits(event, channel, forTrail)]);
    const take = (): Rendered | null => {
      if (!channel.isReleased) return null;
      const client = bytes(false);
      return { client, trail: block.startInputs.length === 0 ? client : bytes(true), done: true };
    };
    this.outbox.push({ weight: event.frame.raw.length, take });
  }

  /** Edits for an input that came with the block's start; it was judged, and its values counted, when the block ended. */
  private startInputEdits(event: StreamEvent, channel: TextChannel, forTrail: boolean): Edit[] {
    const rules = toolRules(this.context, null);
    if (rules === null || event.leaves === null) return [];
    const isWanted = (replacement: Replacement): boolean => channel.carries(replacement, forTrail);
    return event.leaves
      .filter((leaf) => leaf.inToolInput)
      .flatMap((leaf) => {
        const found = findReplacements(leafText(event.data, leaf), leafLabel(leaf), rules);
        return leafEdits(event.data, leaf, found.filter(isWanted));
      });
  }

  private push(event: StreamEvent, edits: readonly Edit[]): void {
    const bytes = frameBytes(event, edits);
    this.outbox.push({ weight: event.frame.raw.length, take: () => ({ client: bytes, trail: bytes, done: true }) });
  }

  private *close(block: Block): Steps<void> {
    this.open.delete(block.index);
    for (const [key, channel] of block.channels) {
      if (key === 'input') yield* this.closeTool(block, channel);
      else yield* this.closeText(channel);
      if (key === TEXT) this.seam?.end();
    }
  }

  private *closeText(channel: TextChannel): Steps<void> {
    this.decided(askDetector(() => channel.end()));
    if (!channel.isKept) return;
    const { policy } = this.context;
    const judged = policy.readsResponseText
      ? yield* judgeRestoredSteps(channel.text, channel.restorations, (window) => policy.evaluateResponseText(window))
      : [];
    const asked = channel.asks ? outcomesOf(this.findings.list()).filter((outcome) => outcome.action === 'hold') : [];
    // A condition names no value to replace: `mask` hides the whole text.
    const hides = judged.find((rule) => rule.action === 'mask');
    if (hides !== undefined) channel.replaceAll(this.context.placeholder(hides.policy, channel.text));
    const rules = [...judged.filter((rule) => rule.action !== 'allow'), ...asked];
    this.record.judged([], rules);
    this.decide(verdictOf(rules), null, channel, channel.text, () => channel.maskedOf(channel.text));
  }

  private *closeTool(block: Block, channel: TextChannel): Steps<void> {
    const tool = block.tool ?? '';
    const inputs = [...block.startInputs, ...(channel.text === '' ? [] : [channel.text])];
    const outcomes: RuleOutcome[] = [];
    for (const json of inputs.length === 0 ? ['{}'] : inputs) {
      const { verdict, replacements, findings } = yield* judgeToolInput(tool, json, this.tools);
      this.record.judged(findings, verdict.rules);
      outcomes.push(...verdict.rules);
      if (json === channel.text) {
        channel.setReplacements(replacements);
        this.record.gaveBack('tool_input', replacements);
      }
    }
    const whole = channel.text === '' ? (inputs[0] ?? '{}') : channel.text;
    this.decide(verdictOf(outcomes), tool, channel, whole, () => run(maskedInput(whole, this.context)));
  }

  private decide(
    verdict: ReturnType<typeof verdictOf>,
    tool: string | null,
    channel: TextChannel,
    whole: string,
    shown: () => string,
  ): void {
    if (verdict.action !== 'hold' && verdict.action !== 'block') {
      channel.release(false);
      return;
    }
    const held =
      verdict.action === 'block' ? null : { verdict, tool, summary: shown().slice(0, SUMMARY_UNITS), digest: sha256(Buffer.from(whole)) };
    this.holds.add({ verdict, held, grant: () => channel.release(true) });
  }
}

/** The string of a delta that continues a text; undefined when it has none, or more than one of unknown meaning. */
function textLeaf(event: StreamEvent): PlacedLeaf | undefined {
  if (event.leaves === null || WHOLE_DELTAS.has(event.deltaType)) return undefined;
  const name = TEXT_OF_DELTA[event.deltaType];
  const candidates = event.leaves.filter((leaf) => leaf.depth === 2 && (name === undefined || leaf.key === name));
  return candidates.length === 1 ? candidates[0] : undefined;
}
