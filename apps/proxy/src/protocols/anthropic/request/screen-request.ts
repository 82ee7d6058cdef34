import { hash } from 'node:crypto';
import type { RuleOutcome } from '#policy';
import { outlineObject, requireUtf8, Slices, spliceFragments, type Edit } from '#wire';
import { masksOf, mergeFindings, outcomesOf, verdictOf } from '../../../mask/findings.js';
import { askPolicy } from '../../../mask/guard.js';
import type { BodyPiece, ScreenContext, ScreenedRequest } from '../../protocol.js';
import { bodyFacts } from './body-facts.js';
import { cutDigests, sha256, sha256Hex } from './digests.js';
import { joinFragments } from './join-fragments.js';
import { planPieces, SPLIT_MEMBERS, type PiecePlan, type PieceValue } from './piece-plan.js';
import type { PieceScan, ScanCache } from './scan-cache.js';
import { screenPiece } from './screen-piece.js';

/** Members that a retry or the non-stream twin changes (research/wire.md §1.3). */
const NOT_OF_THE_CALL = new Set(['stream', 'max_tokens']);

/**
 * Reads, scans, decides and masks a request body in slices; a piece seen before costs one digest.
 * @throws AffiantError body_invalid, detector_failed, policy_failed
 */
export async function screenRequest(body: Buffer, context: ScreenContext, cache: ScanCache): Promise<ScreenedRequest> {
  const slices = new Slices();
  await requireUtf8(body, slices);
  const members = await outlineObject(body, SPLIT_MEMBERS, slices);
  const facts = bodyFacts(body, members);
  const plans = planPieces(body.length, members);
  const scans: PieceScan[] = [];
  const callParts: Buffer[] = [];
  for (const plan of plans) {
    const scan =
      plan.kind === 'glue'
        ? await screenGlue(body, facts.metadataIsIds ? withoutMetadata(plan) : plan, plan.values, context, slices, callParts)
        : await screenKnown(body, plan, context, cache, slices);
    if (plan.kind !== 'glue') callParts.push(Buffer.from(`\n${plan.kind}\n`), ...scan.cuts.map((cut) => cut.sha256));
    scans.push(scan);
    if (slices.spent) await slices.turn();
  }
  const { masked, pieces } = await assemble(body, plans, scans, slices);
  const tools = scans.flatMap((scan) => scan.toolNames);
  const findings = mergeFindings(scans.map((scan) => scan.findings));
  const asked = askPolicy(() => context.policy.evaluateRequest({ model: facts.model, tools }));
  const textOutcomes: RuleOutcome[] = scans.flatMap((scan) => scan.outcomes);
  const said = scans.findLast((scan) => scan.userText !== null)?.userText ?? null;
  return {
    model: facts.model,
    stream: facts.stream,
    tools,
    sessionHint: facts.sessionHint,
    verdict: verdictOf([...asked.rules.filter((rule) => rule.action !== 'allow'), ...outcomesOf(findings), ...textOutcomes]),
    masked,
    pieces,
    masks: masksOf(findings),
    callDigest: sha256(Buffer.concat(callParts)),
    promptDigest: said?.digest ?? null,
    summary: said?.summary ?? '',
    heldPieces: asked.action === 'hold' ? [] : scans.filter((scan) => scan.action === 'hold').map((scan) => scan.cuts[0]!.sha256),
  };
}

/** A piece that an agent resends: found by content, or screened once. */
async function screenKnown(body: Buffer, plan: PiecePlan, context: ScreenContext, cache: ScanCache, slices: Slices): Promise<PieceScan> {
  const bytes = body.subarray(plan.start, plan.end);
  const digest = await sha256Hex(bytes, slices);
  const key = `${context.cacheScope}\n${plan.kind === 'member' ? plan.values[0]!.member : plan.kind}\n${digest}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const { edits, ...found } = await screenPiece(body, plan, context, slices);
  const masked = edits.length === 0 ? null : await joinFragments(spliceFragments(body, plan.start, plan.end, edits), slices);
  const scan: PieceScan = { ...found, masked, cuts: await cutDigests(masked ?? bytes, masked === null ? digest : null, slices) };
  cache.set(key, scan);
  return scan;
}

/** The bytes between pieces: small, different each time, looked at each time. Adds what they give to the digest of the call. */
async function screenGlue(
  body: Buffer,
  plan: PiecePlan,
  values: readonly PieceValue[],
  context: ScreenContext,
  slices: Slices,
  callParts: Buffer[],
): Promise<PieceScan> {
  const { edits, ...found } = await screenPiece(body, plan, context, slices);
  for (const value of values) {
    if (NOT_OF_THE_CALL.has(value.member)) continue;
    callParts.push(Buffer.from(`\n${value.member}\n`), ...valueBytes(body, value, edits));
  }
  const masked = edits.length === 0 ? null : await joinFragments(spliceFragments(body, plan.start, plan.end, edits), slices);
  return { ...found, masked, cuts: await cutDigests(masked ?? body.subarray(plan.start, plan.end), null, slices) };
}

function valueBytes(body: Buffer, value: PieceValue, edits: readonly Edit[]): Buffer[] {
  const inside = edits.filter((edit) => edit.start >= value.start && edit.end <= value.end);
  return spliceFragments(body, value.start, value.end, inside);
}

function withoutMetadata(plan: PiecePlan): PiecePlan {
  return { ...plan, values: plan.values.filter((value) => value.member !== 'metadata') };
}

/** Puts the masked body together; the original itself when nothing changed. */
async function assemble(
  body: Buffer,
  plans: readonly PiecePlan[],
  scans: readonly PieceScan[],
  slices: Slices,
): Promise<{ masked: Buffer; pieces: BodyPiece[] }> {
  const changed = scans.some((scan) => scan.masked !== null);
  const masked = changed
    ? await joinFragments(
        plans.map((plan, i) => scans[i]!.masked ?? body.subarray(plan.start, plan.end)),
        slices,
      )
    : body;
  const pieces: BodyPiece[] = [];
  let at = 0;
  for (const scan of scans) {
    let start = 0;
    for (const cut of scan.cuts) {
      pieces.push({ sha256: cut.sha256, bytes: masked.subarray(at + start, at + cut.end) });
      start = cut.end;
    }
    at += start;
  }
  return { masked, pieces };
}

/** For calls without a body: only what policy says about the call as such. */
export function screenBodiless(context: ScreenContext): ScreenedRequest {
  const empty = Buffer.alloc(0);
  const asked = askPolicy(() => context.policy.evaluateRequest({ model: null, tools: [] }));
  return {
    model: null,
    stream: false,
    tools: [],
    sessionHint: null,
    verdict: verdictOf(asked.rules.filter((rule) => rule.action !== 'allow')),
    masked: empty,
    pieces: [],
    masks: [],
    callDigest: hash('sha256', empty, 'buffer'),
    promptDigest: null,
    summary: '',
    heldPieces: [],
  };
}
