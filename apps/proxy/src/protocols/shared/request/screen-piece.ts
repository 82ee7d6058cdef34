import type { PolicyAction } from '#config';
import type { RuleOutcome, SelectedPolicy } from '#policy';
import { JsonScanner, runInSlices, spliceRange, type Slices } from '#wire';
import { Findings } from '../../../mask/findings.js';
import { askPolicy } from '../../../mask/guard.js';
import { findReplacements, leafEdits, leafLabel, leafText, type MaskEdit, type MaskRules } from '../../../mask/leaf.js';
import { maskLargeLeaf, windowBytes } from '../../../mask/large-leaf.js';
import { replacementEditSteps } from '../../../mask/leaf-steps.js';
import { applyReplacements } from '../../../mask/stream-masker.js';
import type { ScreenContext } from '../../protocol.js';
import type { PlacedLeaf } from '../leaf-collector.js';
import { decodedSteps } from '../response/judge-text.js';
import { sha256, sha256Hex } from './digests.js';
import { isTypedText, MessageCollector } from './message-collector.js';
import { jsonTextReplacements } from './json-text.js';
import type { PieceValue } from './piece-kind.js';
import type { PiecePlan } from './piece-plan.js';
import type { UserText } from './scan-cache.js';
import { TextWindows } from './text-windows.js';
import { UserTextFinder } from './user-text.js';
import type { RequestWire } from './wire.js';

/** What one piece of a request says, before its masked bytes are put together. */
export interface PieceFindings {
  readonly edits: readonly MaskEdit[];
  readonly findings: ReturnType<Findings['list']>;
  readonly outcomes: readonly RuleOutcome[];
  /** SHA-256 of each text, masked, that people are to be asked about. */
  readonly heldTexts: readonly Buffer[];
  readonly toolNames: readonly string[];
  readonly references: readonly string[];
  readonly hasUser: boolean;
  /** Null also when it was not asked for. */
  readonly userText: UserText | null;
}

/**
 * Walks, scans and judges one piece in slices. `readsUser`: says what its last user says, too.
 * @throws AffiantError body_invalid, detector_failed, policy_failed
 */
export async function screenPiece(
  body: Buffer,
  plan: PiecePlan,
  wire: RequestWire,
  context: ScreenContext,
  slices: Slices,
  readsUser: boolean,
): Promise<PieceFindings> {
  const screening = new PieceScreening(body, plan, wire, context, slices, readsUser ? new UserTextFinder() : null);
  for (const value of plan.values) await screening.value(value);
  return screening.result();
}

class PieceScreening {
  private readonly policy: SelectedPolicy;
  private readonly findings: Findings;
  private readonly rules: MaskRules | null;
  private readonly readsText: boolean;
  private readonly edits: MaskEdit[] = [];
  private readonly textOutcomes: RuleOutcome[] = [];
  private readonly toolNames: string[] = [];
  private readonly references: string[] = [];
  private readonly heldTexts: Buffer[] = [];
  private asks = false;
  private hasUser = false;

  constructor(
    private readonly body: Buffer,
    private readonly plan: PiecePlan,
    private readonly wire: RequestWire,
    context: ScreenContext,
    private readonly slices: Slices,
    private readonly user: UserTextFinder | null,
  ) {
    const { policy, placeholder } = context;
    this.policy = policy;
    this.findings = new Findings(policy);
    const detector = policy.requestDetector;
    this.rules = detector === null ? null : { detector, placeholder, judge: (span) => this.noted(this.findings.add('request', span)) };
    this.readsText = policy.readsRequestText && (plan.kind === 'messages' || plan.kind === 'system' || plan.kind === 'glue');
  }

  async value(value: PieceValue): Promise<void> {
    const collector = new MessageCollector(this.body, this.plan.kind, value.member, this.wire);
    const scanner = new JsonScanner(this.body, value.start, value.end, collector);
    while (!scanner.run(this.slices)) await this.slices.turn();
    if (collector.toolName !== null) this.toolNames.push(collector.toolName);
    for (const reference of collector.references) this.references.push(reference);
    if (collector.role === 'user') {
      this.hasUser = true;
      this.user?.beginMessage();
    }
    for (const leaf of collector.leaves) {
      if (leaf === null) continue;
      if (this.wire.isJsonText(leaf)) await this.jsonLeaf(leaf);
      else if (leaf.end - leaf.start > windowBytes(this.rules)) await this.largeLeaf(leaf, collector.role);
      else this.leaf(leaf, collector.role, value.member);
      if (this.slices.spent) await this.slices.turn();
    }
  }

  result(): PieceFindings {
    return {
      edits: this.edits,
      findings: this.findings.list(),
      outcomes: this.textOutcomes,
      heldTexts: this.heldTexts,
      toolNames: this.toolNames,
      references: this.references,
      hasUser: this.hasUser,
      userText: this.user?.result() ?? null,
    };
  }

  private leaf(leaf: PlacedLeaf, role: string | null, member: string): void {
    const text = leafText(this.body, leaf);
    if (this.wire.staysAsIs(member, text)) return;
    const replacements = this.rules === null ? [] : findReplacements(text, leafLabel(leaf), this.rules);
    if (replacements.length > 0) this.edits.push(...leafEdits(this.body, leaf, replacements));
    if (this.readsText) this.judgeText(text);
    if (this.takeAsks()) this.heldTexts.push(sha256(Buffer.from(applyReplacements(text, replacements))));
    if (role === 'user') this.user?.text(text, replacements, isTypedText(leaf));
  }

  private async largeLeaf(leaf: PlacedLeaf, role: string | null): Promise<void> {
    const windows = this.readsText ? new TextWindows((text) => this.judgeText(text)) : null;
    const first = this.edits.length;
    await maskLargeLeaf(this.body, leaf, this.rules, this.slices, this.edits, (text) => windows?.push(text));
    if (this.takeAsks()) this.heldTexts.push(await this.maskedDigest(leaf, first));
    if (role === 'user') this.user?.largeText(this.body, leaf, this.edits, first, isTypedText(leaf));
  }

  /** A string that holds JSON: the values in it are found under their escapes, and replaced where they stand. */
  private async jsonLeaf(leaf: PlacedLeaf): Promise<void> {
    const first = this.edits.length;
    const text = await runInSlices(decodedSteps(this.body, leaf), this.slices);
    if (this.rules !== null) {
      const { replacements } = await runInSlices(jsonTextReplacements(text, this.rules), this.slices);
      for (const edit of await runInSlices(replacementEditSteps(this.body, leaf, replacements), this.slices)) this.edits.push(edit);
    }
    if (this.readsText) new TextWindows((part) => this.judgeText(part)).push(text);
    if (this.takeAsks()) this.heldTexts.push(await this.maskedDigest(leaf, first));
  }

  /** Remembers that people are to be asked about the text in hand. */
  private noted(action: PolicyAction): PolicyAction {
    if (action === 'hold') this.asks = true;
    return action;
  }

  private takeAsks(): boolean {
    const { asks } = this;
    this.asks = false;
    return asks;
  }

  /** Digest of a large text as it goes upstream. `this.edits` from `first` on belong to it. */
  private async maskedDigest(leaf: PlacedLeaf, first: number): Promise<Buffer> {
    const masked = await spliceRange(this.body, leaf.start, leaf.end, this.edits.slice(first), this.slices);
    return Buffer.from(await sha256Hex(masked, this.slices), 'hex');
  }

  private judgeText(text: string): void {
    const verdict = askPolicy(() => this.policy.evaluateRequestText(text));
    for (const rule of verdict.rules) {
      // A condition names no value to replace, so `mask` cannot be carried out here: refuse instead.
      if (rule.action !== 'allow') this.textOutcomes.push(rule.action === 'mask' ? { ...rule, action: 'block' } : rule);
      this.noted(rule.action);
    }
  }
}
