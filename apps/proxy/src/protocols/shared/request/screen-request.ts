import { hash } from 'node:crypto';
import { canonicalOf } from '#detect';
import type { RuleOutcome } from '#policy';
import { outlineObject, requireUtf8, Slices, splice, spliceRange, type Edit } from '#wire';
import { masksOf, mergeFindings, outcomesOf, verdictOf, type Finding } from '../../../mask/findings.js';
import { askPolicy } from '../../../mask/guard.js';
import { BroughtValues, type MaskedPlace } from '../../../mask/brought-values.js';
import type { MaskEdit } from '../../../mask/leaf.js';
import { OriginalsKeeper } from '../../../mask/keep-originals.js';
import { rememberPlaceholders } from '../../../mask/remember-placeholders.js';
import type { BodyPiece, OriginalsOf, ScreenContext, ScreenedRequest } from '../../protocol.js';
import { CallDigest, cutDigests, HASH_AT_ONCE, sha256Hex } from './digests.js';
import { joinFragments } from './join-fragments.js';
import { planPieces, type PiecePlan, type PieceValue } from './piece-plan.js';
import type { PieceScan, ScanCache, UserText } from './scan-cache.js';
import { screenPiece, type PieceFindings } from './screen-piece.js';
import type { RequestWire } from './wire.js';

/** Pieces gone over between two looks at the budget. */
const PIECES_PER_CHECK = 64;
const VALUES_PER_CHECK = 64;
const KIND_MARKS = { messages: mark('messages'), system: mark('system'), tools: mark('tools'), member: mark('member') } as const;

/** Keeps what belongs to one member apart from the next in the digest of a call. */
function mark(name: string): Buffer {
  return Buffer.from(`\n${name}\n`);
}

/**
 * Reads, scans, decides and masks a request body in slices; a piece seen before costs one digest.
 * @throws AffiantError body_invalid, detector_failed, policy_failed
 */
export async function screenRequest(body: Buffer, asked: ScreenContext, wire: RequestWire, cache: ScanCache): Promise<ScreenedRequest> {
  const context = { ...asked, placeholder: rememberPlaceholders(asked.placeholder) };
  const slices = new Slices();
  await requireUtf8(body, slices);
  const members = await outlineObject(body, wire.splitMembers, slices);
  const facts = wire.facts(body, members);
  const plans = planPieces(body.length, members, wire);
  const scans: PieceScan[] = [];
  const kept: (OriginalsOf | null)[] = [];
  const call = new CallDigest();
  for (const plan of plans) {
    if (plan.kind === 'glue') {
      const values = plan.values.filter((value) => !facts.idMembers.has(value.member));
      const keeper = OriginalsKeeper.of(context);
      scans.push(await screenGlue(body, { ...plan, values }, plan.values, wire, keeper?.context ?? context, slices, call));
      kept.push(keeper === null || keeper.isEmpty ? null : () => keeper.list());
    } else {
      const bytes = body.subarray(plan.start, plan.end);
      // No await for a known piece: a long conversation has hundreds of them.
      const digest = bytes.length <= HASH_AT_ONCE ? hash('sha256', bytes, 'hex') : await sha256Hex(bytes, slices);
      const key = cacheKey(context, plan, digest);
      let scan = cache.get(key);
      if (scan === undefined) {
        const keeper = OriginalsKeeper.of(context);
        scan = await screenNew(body, plan, digest, wire, keeper?.context ?? context, slices);
        if (keeper !== null && !keeper.isEmpty) scan = { ...scan, keeps: true };
        cache.set(key, scan);
        kept.push(scan.keeps && keeper !== null ? () => keeper.list() : null);
      } else kept.push(scan.keeps ? keptAgain(body, plan, wire, context) : null);
      call.add(KIND_MARKS[plan.kind]);
      for (const cut of scan.cuts) call.add(cut.sha256);
      scans.push(scan);
    }
    if (slices.spent) await slices.turn();
  }
  const { masked, pieces } = await assemble(body, plans, scans, kept, slices);
  const sum = await sumUp(scans, slices);
  const findings = mergeFindings(sum.findings);
  const known = askPolicy(() => context.policy.evaluateRequest({ model: facts.model, tools: sum.tools }));
  const refused = wire.refusals?.(body, members, sum.references, context) ?? [];
  return {
    model: facts.model,
    stream: facts.stream,
    tools: sum.tools,
    sessionHint: facts.sessionHint,
    verdict: verdictOf([...refused, ...known.rules.filter((rule) => rule.action !== 'allow'), ...outcomesOf(findings), ...sum.outcomes]),
    masked,
    pieces,
    masks: masksOf(findings),
    callDigest: call.digest(),
    promptDigest: sum.userText?.digest ?? null,
    summary: sum.userText?.summary ?? '',
    heldPieces: known.action === 'hold' ? [] : sum.heldTexts,
    brought: context.policy.restores ? await broughtBy(body, plans, scans, context, slices) : null,
  };
}

/** The values that were masked, in pieces seen before too: only their places are remembered. */
async function broughtBy(
  body: Buffer,
  plans: readonly PiecePlan[],
  scans: readonly PieceScan[],
  context: ScreenContext,
  slices: Slices,
): Promise<BroughtValues> {
  const brought = new BroughtValues(context.placeholder, canonicalOf);
  for (const [i, { places }] of scans.entries()) {
    const plan = plans[i]!;
    const bytes = places.length === 0 ? body : body.subarray(plan.start, plan.end);
    for (const [j, place] of places.entries()) {
      brought.add(bytes, place);
      if (j % VALUES_PER_CHECK === VALUES_PER_CHECK - 1 && slices.spent) await slices.turn();
    }
    if (i % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  return brought;
}

/** Offsets from the beginning of the piece, so that they hold wherever its bytes come again. */
async function placesOf(
  edits: readonly MaskEdit[],
  plan: PiecePlan,
  { policy }: ScreenContext,
  slices: Slices,
): Promise<readonly MaskedPlace[]> {
  const places: MaskedPlace[] = [];
  if (!policy.restores) return places;
  for (const [i, { start, end, bytes, of }] of edits.entries()) {
    if (i % VALUES_PER_CHECK === VALUES_PER_CHECK - 1 && slices.spent) await slices.turn();
    if (of === undefined) continue;
    const placeholder = bytes.toString('latin1').replace(/^"|"$/g, '');
    places.push({ start: start - plan.start, end: end - plan.start, of: { type: of.type, ...gradeOf(of) }, placeholder });
  }
  return places;
}

const gradeOf = ({ grade }: { readonly grade?: number }): { grade?: number } => (grade === undefined ? {} : { grade });

/** What all pieces say together. A long conversation has thousands. */
async function sumUp(
  scans: readonly PieceScan[],
  slices: Slices,
): Promise<{
  tools: string[];
  references: string[];
  findings: (readonly Finding[])[];
  outcomes: RuleOutcome[];
  heldTexts: Buffer[];
  userText: UserText | null;
}> {
  const tools: string[] = [];
  const references: string[] = [];
  const findings: (readonly Finding[])[] = [];
  const outcomes: RuleOutcome[] = [];
  const heldTexts: Buffer[] = [];
  let userText: UserText | null = null;
  for (const [i, scan] of scans.entries()) {
    for (const name of scan.toolNames) tools.push(name);
    for (const reference of scan.references) references.push(reference);
    if (scan.findings.length > 0) findings.push(scan.findings);
    for (const outcome of scan.outcomes) outcomes.push(outcome);
    for (const held of scan.heldTexts) heldTexts.push(held);
    userText = scan.userText ?? userText;
    if (i % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  return { tools, references, findings, outcomes, heldTexts, userText };
}

function cacheKey(context: ScreenContext, plan: PiecePlan, digest: string): string {
  const kind = plan.kind === 'member' || plan.values.length === 1 ? `${plan.kind} ${plan.values[0]!.member}` : plan.kind;
  return `${digest} ${context.cacheScope} ${kind}`;
}

/** Screens a piece that was not seen before. */
async function screenNew(
  body: Buffer,
  plan: PiecePlan,
  digest: string,
  wire: RequestWire,
  context: ScreenContext,
  slices: Slices,
): Promise<PieceScan> {
  const found = await screenPiece(body, plan, wire, context, slices);
  const { edits } = found;
  const places = await placesOf(edits, plan, context, slices);
  if (edits.length === 0) return scanOf(found, places, null, await cutDigests(body.subarray(plan.start, plan.end), digest, slices));
  const masked = await spliceRange(body, plan.start, plan.end, edits, slices);
  return scanOf(found, places, masked, await cutDigests(masked, null, slices));
}

/** Written out: of a copy by `...` each keeps a hidden class of its own, half a kilobyte that every collection goes over. */
function scanOf(found: PieceFindings, places: readonly MaskedPlace[], masked: Buffer | null, cuts: PieceScan['cuts']): PieceScan {
  const { findings, outcomes, heldTexts, toolNames, references, userText } = found;
  return { masked, cuts, findings, outcomes, heldTexts, toolNames, references, userText, places, keeps: false };
}

/** What was masked in a piece whose scan was remembered: found again, and only when it must be recorded again. */
function keptAgain(body: Buffer, plan: PiecePlan, wire: RequestWire, context: ScreenContext): OriginalsOf {
  return async () => {
    const keeper = new OriginalsKeeper(context);
    await screenPiece(body, plan, wire, keeper.context, new Slices());
    return keeper.list();
  };
}

/** The bytes between pieces: small, different each time, looked at each time. Adds what they give to the digest of the call. */
async function screenGlue(
  body: Buffer,
  plan: PiecePlan,
  values: readonly PieceValue[],
  wire: RequestWire,
  context: ScreenContext,
  slices: Slices,
  call: CallDigest,
): Promise<PieceScan> {
  const found = await screenPiece(body, plan, wire, context, slices);
  const { edits } = found;
  for (const value of values) {
    if (wire.notOfTheCall.has(value.member)) continue;
    call.add(mark(value.member));
    call.add(valueBytes(body, value, edits));
  }
  const masked = edits.length === 0 ? null : await spliceRange(body, plan.start, plan.end, edits, slices);
  const places = await placesOf(edits, plan, context, slices);
  return scanOf(found, places, masked, await cutDigests(masked ?? body.subarray(plan.start, plan.end), null, slices));
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
  kept: readonly (OriginalsOf | null)[],
  slices: Slices,
): Promise<{ masked: Buffer; pieces: BodyPiece[] }> {
  const fragments: Buffer[] = [];
  let changed = false;
  for (const [i, scan] of scans.entries()) {
    changed ||= scan.masked !== null;
    fragments.push(scan.masked ?? body.subarray(plans[i]!.start, plans[i]!.end));
    if (i % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  const masked = changed ? await joinFragments(fragments, slices) : body;
  const pieces: BodyPiece[] = [];
  const last = plans.findLastIndex(({ kind }) => kind === 'messages');
  let at = 0;
  for (const [i, scan] of scans.entries()) {
    let start = 0;
    const originals = kept[i] ?? null;
    // What is between the pieces may differ each time, and an agent changes its last message a turn later, when the cache mark moves on.
    const joins = plans[i]!.kind !== 'glue' && plans[i]!.kind === plans[i - 1]?.kind && i !== last;
    for (const cut of scan.cuts) {
      const piece = { sha256: cut.sha256, bytes: masked.subarray(at + start, at + cut.end), joins };
      pieces.push(originals === null ? piece : { ...piece, originals });
      start = cut.end;
    }
    at += start;
    if (i % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
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
    brought: null,
  };
}
