import { hash } from 'node:crypto';
import type { RuleOutcome } from '#policy';
import { outlineObject, requireUtf8, Slices, splice, spliceRange, type Edit } from '#wire';
import { masksOf, mergeFindings, outcomesOf, verdictOf } from '../../../mask/findings.js';
import { askPolicy } from '../../../mask/guard.js';
import { rememberPlaceholders } from '../../../mask/remember-placeholders.js';
import type { BodyPiece, ScreenContext, ScreenedRequest } from '../../protocol.js';
import { bodyFacts } from './body-facts.js';
import { cutDigests, HASH_AT_ONCE, sha256, sha256Hex } from './digests.js';
import { joinFragments } from './join-fragments.js';
import { planPieces, SPLIT_MEMBERS, type PiecePlan, type PieceValue } from './piece-plan.js';
import type { PieceScan, ScanCache } from './scan-cache.js';
import { screenPiece } from './screen-piece.js';

/** Members that a retry or the non-stream twin changes (research/wire.md §1.3). */
const NOT_OF_THE_CALL = new Set(['stream', 'max_tokens']);
const KIND_MARKS = { messages: mark('messages'), system: mark('system'), tools: mark('tools'), member: mark('member') } as const;

/** Keeps what belongs to one member apart from the next in the digest of a call. */
function mark(name: string): Buffer {
  return Buffer.from(`\n${name}\n`);
}

/**
 * Reads, scans, decides and masks a request body in slices; a piece seen before costs one digest.
 * @throws AffiantError body_invalid, detector_failed, policy_failed
 */
export async function screenRequest(body: Buffer, asked: ScreenContext, cache: ScanCache): Promise<ScreenedRequest> {
  const context = { ...asked, placeholder: rememberPlaceholders(asked.placeholder) };
  const slices = new Slices();
  await requireUtf8(body, slices);
  const members = await outlineObject(body, SPLIT_MEMBERS, slices);
  const facts = bodyFacts(body, members);
  const plans = planPieces(body.length, members);
  const scans: PieceScan[] = [];
  const callParts: Buffer[] = [];
  for (const plan of plans) {
    if (plan.kind === 'glue') {
      const values = facts.metadataIsIds ? plan.values.filter((value) => value.member !== 'metadata') : plan.values;
      scans.push(await screenGlue(body, { ...plan, values }, plan.values, context, slices, callParts));
    } else {
      const bytes = body.subarray(plan.start, plan.end);
      // No await for a known piece: a long conversation has hundreds of them.
      const digest = bytes.length <= HASH_AT_ONCE ? hash('sha256', bytes, 'hex') : await sha256Hex(bytes, slices);
      const key = cacheKey(context, plan, digest);
      let scan = cache.get(key);
      if (scan === undefined) {
        scan = await screenNew(body, plan, digest, context, slices);
        cache.set(key, scan);
      }
      callParts.push(KIND_MARKS[plan.kind]);
      for (const cut of scan.cuts) callParts.push(cut.sha256);
      scans.push(scan);
    }
    if (slices.spent) await slices.turn();
  }
  const { masked, pieces } = await assemble(body, plans, scans, slices);
  const tools = scans.flatMap((scan) => scan.toolNames);
  const findings = mergeFindings(scans.map((scan) => scan.findings));
  const known = askPolicy(() => context.policy.evaluateRequest({ model: facts.model, tools }));
  const textOutcomes: RuleOutcome[] = scans.flatMap((scan) => scan.outcomes);
  const said = scans.findLast((scan) => scan.userText !== null)?.userText ?? null;
  return {
    model: facts.model,
    stream: facts.stream,
    tools,
    sessionHint: facts.sessionHint,
    verdict: verdictOf([...known.rules.filter((rule) => rule.action !== 'allow'), ...outcomesOf(findings), ...textOutcomes]),
    masked,
    pieces,
    masks: masksOf(findings),
    callDigest: sha256(Buffer.concat(callParts)),
    promptDigest: said?.digest ?? null,
    summary: said?.summary ?? '',
    heldPieces: known.action === 'hold' ? [] : scans.flatMap((scan) => scan.heldTexts),
  };
}

function cacheKey(context: ScreenContext, plan: PiecePlan, digest: string): string {
  const kind = plan.kind === 'member' ? `member ${plan.values[0]!.member}` : plan.kind;
  return `${digest} ${context.cacheScope} ${kind}`;
}

/** Screens a piece that was not seen before. */
async function screenNew(body: Buffer, plan: PiecePlan, digest: string, context: ScreenContext, slices: Slices): Promise<PieceScan> {
  const { edits, ...found } = await screenPiece(body, plan, context, slices);
  if (edits.length === 0) return { ...found, masked: null, cuts: await cutDigests(body.subarray(plan.start, plan.end), digest, slices) };
  const masked = await spliceRange(body, plan.start, plan.end, edits, slices);
  return { ...found, masked, cuts: await cutDigests(masked, null, slices) };
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
    callParts.push(mark(value.member), valueBytes(body, value, edits));
  }
  const masked = edits.length === 0 ? null : await spliceRange(body, plan.start, plan.end, edits, slices);
  return { ...found, masked, cuts: await cutDigests(masked ?? body.subarray(plan.start, plan.end), null, slices) };
}

function valueBytes(body: Buffer, value: PieceValue, edits: readonly Edit[]): Buffer {
  const inside = edits.filter((edit) => edit.start >= value.start && edit.end <= value.end);
  return splice(
    body.subarray(value.start, value.end),
    inside.map((edit) => ({ ...edit, start: edit.start - value.start, end: edit.end - value.start })),
  );
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
