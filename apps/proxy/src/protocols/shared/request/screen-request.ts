import { hash } from 'node:crypto';
import { canonicalOf } from '#detect';
import type { Original } from '#content-keys';
import { isAffiantError } from '#errors';
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
import { joinFragments, joinNeighbours } from './join-fragments.js';
import { receivedOf, wholeBody, type KnownPrefix } from './known/conversation.js';
import { conversationOf, type NewPiece } from './known/conversation-of.js';
import type { PieceKind, PieceValue } from './piece-kind.js';
import { planPieces, type PiecePlan } from './piece-plan.js';
import type { PieceScan, ScanCache, UserText } from './scan-cache.js';
import { screenPiece, type PieceFindings } from './screen-piece.js';
import type { RequestWire } from './wire.js';

/** Pieces gone over between two looks at the budget. */
const PIECES_PER_CHECK = 64;
const VALUES_PER_CHECK = 16;
const KIND_MARKS = { messages: mark('messages'), system: mark('system'), tools: mark('tools'), member: mark('member') } as const;

/** Keeps what belongs to one member apart from the next in the digest of a call. */
function mark(name: string): Buffer {
  return Buffer.from(`\n${name}\n`);
}

/** One piece of the body, known or new. */
interface Screened {
  readonly kind: PieceKind;
  readonly scan: PieceScan;
  /** As it goes upstream. */
  readonly content: Buffer;
  /** As it came. */
  readonly received: Buffer;
  /** The values in it, and the offset at which theirs begin. */
  readonly values: readonly PieceValue[];
  readonly offset: number;
  readonly kept: OriginalsOf | null;
}

/**
 * Reads, scans, decides and masks a request body in slices; a piece seen before costs one digest. What `known` says was left out of the body was recognised
 * while it came, and costs nothing but its place in the trail: the result is that of the whole body.
 * @throws AffiantError body_invalid, detector_failed, policy_failed
 */
export async function screenRequest(
  body: Buffer,
  context: ScreenContext,
  wire: RequestWire,
  cache: ScanCache,
  known: KnownPrefix | null = null,
): Promise<ScreenedRequest> {
  // The policy changed while the body came: what was known is not known to this one.
  if (known !== null && known.conversation.scope !== context.cacheScope)
    return screenBody(await wholeBody(body, known), context, wire, cache, null);
  try {
    return await screenBody(body, context, wire, cache, known);
  } catch (error) {
    if (known === null || !isAffiantError(error) || error.code !== 'body_invalid') throw error;
    // The same error, with the place in the body as it was sent.
    return screenBody(await wholeBody(body, known), context, wire, cache, null);
  }
}

async function screenBody(
  body: Buffer,
  asked: ScreenContext,
  wire: RequestWire,
  cache: ScanCache,
  known: KnownPrefix | null,
): Promise<ScreenedRequest> {
  const context = { ...asked, placeholder: rememberPlaceholders(asked.placeholder) };
  const slices = new Slices();
  await requireUtf8(body, slices);
  const taken = known === null ? null : { at: known.conversation.head.length, elements: elementsOf(known) };
  const members = await outlineObject(body, wire.splitMembers, slices, taken);
  const facts = wire.facts(body, members);
  const plan = planPieces(body.length, members, wire, taken?.at);
  const pieces: Screened[] = [];
  const fresh: NewPiece[] = [];
  const call = new CallDigest();
  const lastMessages = plan.pieces.findLastIndex(({ kind }) => kind === 'messages');
  for (let i = 0; i <= plan.pieces.length; i += 1) {
    if (known !== null && i === plan.takenBefore) await knownPieces(known, wire, context, call, pieces, slices);
    const next = plan.pieces[i];
    if (next === undefined) break;
    if (next.kind === 'glue') {
      const values = next.values.filter((value) => !facts.idMembers.has(value.member));
      const keeper = OriginalsKeeper.of(context);
      const scan = await screenGlue(body, { ...next, values }, next.values, wire, keeper?.context ?? context, slices, call);
      const kept = keeper === null || keeper.isEmpty ? null : (): readonly Original[] => keeper.list();
      pieces.push(screened(body, next, scan, kept));
      fresh.push({ plan: next, scan, digest: null });
    } else {
      const bytes = body.subarray(next.start, next.end);
      // No await for a known piece: a long conversation has hundreds of them.
      const digest = bytes.length <= HASH_AT_ONCE ? hash('sha256', bytes, 'hex') : await sha256Hex(bytes, slices);
      const scope = cacheScope(context, next);
      let scan = cache.get(scope, digest, bytes.length);
      let kept: OriginalsOf | null = null;
      if (scan === undefined) {
        const keeper = OriginalsKeeper.of(context);
        scan = await screenNew(body, next, digest, wire, keeper?.context ?? context, slices, i >= lastMessages);
        if (keeper !== null && !keeper.isEmpty) scan = { ...scan, keeps: true };
        cache.set(scope, digest, scan);
        if (scan.keeps && keeper !== null) kept = () => keeper.list();
      } else if (scan.keeps) kept = keptAgain(body, next, wire, context);
      call.add(KIND_MARKS[next.kind]);
      for (const cut of scan.cuts) call.add(cut.sha256);
      pieces.push(screened(body, next, scan, kept));
      fresh.push({ plan: next, scan, digest });
    }
    if (slices.spent) await slices.turn();
  }
  const masked = await assemble(body, pieces, known !== null, slices);
  const sum = await sumUp(pieces, slices);
  const userText = sum.lastOfUser === null ? null : await userTextOf(sum.lastOfUser, wire, context, slices);
  const findings = mergeFindings(sum.findings);
  const judged = askPolicy(() => context.policy.evaluateRequest({ model: facts.model, tools: sum.tools }));
  const refused = wire.refusals?.(body, members, sum.references, context) ?? [];
  return {
    model: facts.model,
    stream: facts.stream,
    tools: sum.tools,
    sessionHint: facts.sessionHint,
    verdict: verdictOf([...refused, ...judged.rules.filter((rule) => rule.action !== 'allow'), ...outcomesOf(findings), ...sum.outcomes]),
    masked,
    pieces: await bodyPieces(pieces, slices),
    masks: masksOf(findings),
    callDigest: call.digest(),
    promptDigest: userText?.digest ?? null,
    summary: userText?.summary ?? '',
    heldPieces: judged.action === 'hold' ? [] : sum.heldTexts,
    brought: context.policy.restores ? await broughtBy(pieces, context, slices) : null,
    conversation: await conversationOf(body, fresh, context.cacheScope, known, plan.takenBefore, slices),
  };
}

function screened(body: Buffer, { kind, start, end, values }: PiecePlan, scan: PieceScan, kept: OriginalsOf | null): Screened {
  const received = body.subarray(start, end);
  return { kind, scan, content: scan.masked ?? received, received, values, offset: start, kept };
}

/** Adds what was left out of the body, as if it had been screened again, and what it gives to the digest of the call. */
async function knownPieces(
  known: KnownPrefix,
  wire: RequestWire,
  context: ScreenContext,
  call: CallDigest,
  pieces: Screened[],
  slices: Slices,
): Promise<void> {
  for (let i = 0; i < known.count; i += 1) {
    const { kind, scan, values, content, length } = known.conversation.parts[i]!;
    const received = receivedOf(known, i);
    call.add(KIND_MARKS[kind as Exclude<PieceKind, 'glue'>]);
    for (const cut of scan.cuts) call.add(cut.sha256);
    const kept = scan.keeps ? keptAgain(received, { kind, start: 0, end: length, values, elements: true }, wire, context) : null;
    pieces.push({ kind, scan, content, received, values, offset: 0, kept });
    if (i % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
}

function elementsOf({ conversation, count }: KnownPrefix): number {
  let elements = 0;
  for (let i = 0; i < count; i += 1) elements += conversation.parts[i]!.values.length;
  return elements;
}

/** The values that were masked, in pieces seen before too: only their places are remembered. */
async function broughtBy(pieces: readonly Screened[], context: ScreenContext, slices: Slices): Promise<BroughtValues> {
  const brought = new BroughtValues(context.placeholder, canonicalOf);
  for (const [i, { scan, received }] of pieces.entries()) {
    for (const [j, place] of scan.places.entries()) {
      brought.add(received, place);
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
  pieces: readonly Screened[],
  slices: Slices,
): Promise<{
  tools: string[];
  references: string[];
  findings: (readonly Finding[])[];
  outcomes: RuleOutcome[];
  heldTexts: Buffer[];
  lastOfUser: Screened | null;
}> {
  const tools: string[] = [];
  const references: string[] = [];
  const findings: (readonly Finding[])[] = [];
  const outcomes: RuleOutcome[] = [];
  const heldTexts: Buffer[] = [];
  let lastOfUser: Screened | null = null;
  for (const [i, piece] of pieces.entries()) {
    const { scan } = piece;
    if (scan.hasUser) lastOfUser = piece;
    if (scan.counts) {
      for (const name of scan.toolNames) tools.push(name);
      for (const reference of scan.references) references.push(reference);
      if (scan.findings.length > 0) findings.push(scan.findings);
      for (const outcome of scan.outcomes) outcomes.push(outcome);
      for (const held of scan.heldTexts) heldTexts.push(held);
    }
    if (i % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  return { tools, references, findings, outcomes, heldTexts, lastOfUser };
}

/** What the user said last in a piece. It was read with the piece when that was the last one of its body, as it nearly always was; else it is read now. */
async function userTextOf(piece: Screened, wire: RequestWire, context: ScreenContext, slices: Slices): Promise<UserText | null> {
  const { kind, scan, received, offset } = piece;
  if (scan.userText !== null) return scan.userText;
  const values = piece.values.map(({ member, start, end }) => ({ member, start: start - offset, end: end - offset }));
  const plan = { kind, start: 0, end: received.length, values, elements: false };
  return (await screenPiece(received, plan, wire, context, slices, true)).userText;
}

/** Under what a scan is remembered: policy, and how its strings were taken. */
function cacheScope(context: ScreenContext, plan: PiecePlan): string {
  const kind = plan.kind === 'member' || plan.values.length === 1 ? `${plan.kind} ${plan.values[0]!.member}` : plan.kind;
  return `${context.cacheScope} ${kind}`;
}

/** Screens a piece that was not seen before. */
async function screenNew(
  body: Buffer,
  plan: PiecePlan,
  digest: string,
  wire: RequestWire,
  context: ScreenContext,
  slices: Slices,
  readsUser: boolean,
): Promise<PieceScan> {
  const found = await screenPiece(body, plan, wire, context, slices, readsUser);
  const { edits } = found;
  const places = await placesOf(edits, plan, context, slices);
  if (edits.length === 0) return scanOf(found, places, null, await cutDigests(body.subarray(plan.start, plan.end), digest, slices));
  const masked = await spliceRange(body, plan.start, plan.end, edits, slices);
  return scanOf(found, places, masked, await cutDigests(masked, null, slices));
}

/** Written out: of a copy by `...` each keeps a hidden class of its own, half a kilobyte that every collection goes over. */
function scanOf(found: PieceFindings, places: readonly MaskedPlace[], masked: Buffer | null, cuts: PieceScan['cuts']): PieceScan {
  const { findings, outcomes, heldTexts, toolNames, references, hasUser, userText } = found;
  const counts = findings.length + outcomes.length + heldTexts.length + toolNames.length + references.length > 0;
  return { masked, cuts, findings, outcomes, heldTexts, toolNames, references, hasUser, userText, places, counts, keeps: false };
}

/** What was masked in a piece whose scan was remembered: found again, and only when it must be recorded again. */
function keptAgain(body: Buffer, plan: PiecePlan, wire: RequestWire, context: ScreenContext): OriginalsOf {
  return async () => {
    const keeper = new OriginalsKeeper(context);
    await screenPiece(body, plan, wire, keeper.context, new Slices(), false);
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
  const found = await screenPiece(body, plan, wire, context, slices, true);
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

/** The masked body: the original itself when nothing changed. What was left out of it stands in memory already and is not copied. */
async function assemble(body: Buffer, pieces: readonly Screened[], isPart: boolean, slices: Slices): Promise<readonly Buffer[]> {
  const fragments: Buffer[] = [];
  let changed = false;
  for (const [i, { scan, content }] of pieces.entries()) {
    changed ||= scan.masked !== null;
    fragments.push(content);
    if (i % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  if (isPart) return joinNeighbours(fragments);
  return [changed ? await joinFragments(fragments, slices) : body];
}

/** The body in the pieces the trail is given. */
async function bodyPieces(pieces: readonly Screened[], slices: Slices): Promise<BodyPiece[]> {
  const cut: BodyPiece[] = [];
  const last = pieces.findLastIndex(({ kind }) => kind === 'messages');
  for (const [i, { kind, scan, content, kept }] of pieces.entries()) {
    // What is between the pieces may differ each time, and an agent changes its last message a turn later, when the cache mark moves on.
    const joins = kind !== 'glue' && kind === pieces[i - 1]?.kind && i !== last;
    let start = 0;
    for (const { sha256, end } of scan.cuts) {
      const piece = { sha256, bytes: scan.cuts.length === 1 ? content : content.subarray(start, end), joins };
      cut.push(kept === null ? piece : { ...piece, originals: kept });
      start = end;
    }
    if (i % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  return cut;
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
    masked: [],
    pieces: [],
    masks: [],
    callDigest: hash('sha256', empty, 'buffer'),
    promptDigest: null,
    summary: '',
    heldPieces: [],
    brought: null,
    conversation: null,
  };
}
