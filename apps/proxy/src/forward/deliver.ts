import { AffiantError, toAffiantError } from '#errors';
import type { Verdict } from '#policy';
import type { Call } from '../call.js';
import { refusalOf, sendWhole } from '../intake/refuse.js';
import type { Ending, Outcome } from '../record/answer-record.js';
import { conclude } from '../record/conclude.js';
import { decisionDraft } from '../record/drafts.js';
import type { HeldPart } from '../protocols/protocol.js';
import type { Services } from '../services.js';
import { askUpstream, openAnswer } from './ask.js';
import type { MaskedAnswer, MaskedBytes } from './masked-answer.js';
import { upstreamError, type UpstreamCall } from './upstream-call.js';

/** How a forwarded call left this room. */
export type Delivery =
  /** Its response event is durable; `retryable` when the client may come again for the same call. */
  | { readonly kind: 'ended'; readonly retryable: boolean }
  /** Policy blocked the answer after bytes were sent: the client will ask again at once (research/wire.md §0.5). */
  | { readonly kind: 'blocked'; readonly error: AffiantError }
  /** Policy holds a part of the answer; nothing is recorded as ended yet. */
  | { readonly kind: 'held'; readonly part: HeldPart; readonly answer: MaskedAnswer; readonly upstream: UpstreamCall };

/** Forwards a call and hands its masked answer to the client, the last bytes after the response event is durable. */
export async function deliver(call: Call, services: Services): Promise<Delivery> {
  let answer: MaskedAnswer | null = null;
  let upstream: UpstreamCall | null = null;
  let unsubscribe: (() => void) | null = null;
  try {
    const asked = await askUpstream(call, services);
    upstream = asked;
    unsubscribe = call.link.onGone(() => asked.abort(new Error('the client is gone')));
    answer = await openAnswer(call, asked, services);
    const stopped = await pump(call, asked, answer);
    if (stopped?.held !== undefined) return { kind: 'held', part: stopped.held, answer, upstream: asked };
    if (stopped?.blocked !== undefined) {
      asked.abort(new Error('blocked by policy'));
      answer.close();
      return await endBlocked(call, answer, stopped.blocked, services);
    }
    return await endWhole(call, answer, services);
  } catch (cause) {
    const failure =
      call.link.gone || services.drain.cutting ? null : toAffiantError(cause, 'internal', 'the answer could not be delivered');
    upstream?.abort(failure ?? new Error('the client is gone'));
    answer?.close();
    return await endBroken(call, answer, failure, services);
  } finally {
    unsubscribe?.();
  }
}

/** Upstream bytes screened in one turn of the event loop, so that no burst makes other streams wait. */
const TURN_BYTES = 64 * 1024;

/**
 * Moves bytes until the upstream ends or policy stops it. What comes together with the upstream's end is not written here: it leaves
 * with the last bytes.
 * @throws AffiantError when upstream or screener fail
 */
async function pump(call: Call, upstream: UpstreamCall, answer: MaskedAnswer): Promise<{ held?: HeldPart; blocked?: Verdict } | null> {
  const { link } = call;
  for (let screened = 0; ;) {
    const chunk = upstream.take();
    if (chunk !== null) {
      const step = await answer.push(chunk);
      if (step.blocked !== undefined || step.held !== undefined) {
        if (step.held !== undefined || link.opened) flush(call, answer);
        return step;
      }
      if (!upstream.ended && !flush(call, answer)) await link.drained();
      if (link.gone) throw new Error('the client is gone');
      screened += chunk.length;
      if (screened < TURN_BYTES) continue;
      screened = 0;
      await new Promise(setImmediate);
    } else if (link.gone) throw new Error('the client is gone');
    else if (upstream.error !== null) throw upstreamError(upstream.error);
    else if (upstream.ended) break;
    else {
      screened = 0;
      await upstream.ready();
    }
  }
  const step = await answer.end();
  if (step.held !== undefined) flush(call, answer);
  return step.blocked === undefined && step.held === undefined ? null : step;
}

/** Hands over what is released. False when the client takes no more for now. */
function flush(call: Call, answer: MaskedAnswer): boolean {
  const { link } = call;
  let flowing = true;
  for (; answer.sent < answer.output.length; answer.sent += 1) {
    if (!link.opened) link.open(answer.head.status, call.protocol.clientHeaders(answer.head.rawHeaders, call.id));
    flowing = link.write((answer.output[answer.sent] as MaskedBytes).shown);
  }
  return flowing;
}

async function endWhole(call: Call, answer: MaskedAnswer, services: Services): Promise<Delivery> {
  const { link } = call;
  const facts = answer.screener.facts();
  const outcome = outcomeOf(answer, facts);
  const rest = answer.rest();
  const ending: Ending = {
    outcome,
    status: answer.head.status,
    sent: [...answer.sentForTrail(), ...rest.recorded],
    pending: rest.length,
    upstream: answer.upstream(),
    facts,
  };
  const masked = facts.rules.length > 0 ? [responseDecision(call, { action: 'mask', rules: facts.rules })] : [];
  const send = (): void => {
    if (link.opened) link.end(rest.shown);
    else link.whole(answer.head.status, wholeHeaders(call, answer), rest.shown);
  };
  await conclude(call, ending, services, send, masked);
  return { kind: 'ended', retryable: outcome !== 'completed' };
}

async function endBlocked(call: Call, answer: MaskedAnswer, verdict: Verdict, services: Services): Promise<Delivery> {
  const error = new AffiantError('policy_blocked', `the answer is blocked by policy: ${reasonsOf(verdict)}`);
  await endRefused(call, answer, error, 'refused', services, responseDecision(call, verdict));
  return call.link.opened ? { kind: 'blocked', error } : { kind: 'ended', retryable: false };
}

async function endBroken(call: Call, answer: MaskedAnswer | null, error: AffiantError | null, services: Services): Promise<Delivery> {
  if (error === null) {
    const upstream = answer?.upstream();
    const facts = answer?.screener.facts();
    await conclude(
      call,
      {
        outcome: services.drain.cutting ? 'aborted' : 'client_gone',
        status: call.link.status,
        sent: answer?.sentForTrail() ?? [],
        pending: 0,
        upstream,
        facts,
      },
      services,
      () => call.link.cut(),
    );
  } else {
    const ofUpstream = error.code === 'upstream_unreachable' || error.code === 'upstream_timeout';
    await endRefused(call, answer, error, ofUpstream ? 'upstream_gone' : answer === null ? 'refused' : 'stream_error', services);
  }
  return { kind: 'ended', retryable: true };
}

/** Refuses in the client's own format; a stream whose upstream broke off is cut as the upstream cut it. */
async function endRefused(
  call: Call,
  answer: MaskedAnswer | null,
  error: AffiantError,
  outcome: Outcome,
  services: Services,
  ...decisions: ReturnType<typeof decisionDraft>[]
): Promise<void> {
  const { link, protocol, id } = call;
  const whole = link.opened ? null : refusalOf(protocol, error, id);
  const cut = link.opened && outcome === 'upstream_gone';
  const last = whole?.body ?? (cut ? Buffer.alloc(0) : protocol.streamRefusal(error, id));
  const ending: Ending = {
    outcome,
    status: whole?.status ?? link.status,
    sent: [...(answer?.sentForTrail() ?? []), last],
    pending: last.length,
    upstream: answer?.upstream(),
    facts: answer?.screener.facts(),
    error,
  };
  const send = (): void => {
    if (whole !== null) sendWhole(link, whole);
    else if (cut) link.cut();
    else link.end(last);
  };
  await conclude(call, ending, services, send, decisions);
}

export function recordedOf(output: readonly MaskedBytes[]): Buffer[] {
  return output.map(({ recorded }) => recorded);
}

export function outcomeOf(answer: MaskedAnswer, facts = answer.screener.facts()): Outcome {
  if (answer.head.status >= 400) return 'upstream_error';
  if (facts.upstreamError !== null) return 'stream_error';
  return facts.complete || answer.head.contentType === '' ? 'completed' : 'upstream_gone';
}

/** Headers of an answer sent in one piece. */
export function wholeHeaders(call: Call, answer: MaskedAnswer): Record<string, string | string[]> {
  const headers = call.protocol.clientHeaders(answer.head.rawHeaders, call.id);
  delete headers['transfer-encoding'];
  return headers;
}

export function responseDecision(call: Call, verdict: Verdict): ReturnType<typeof decisionDraft> {
  return decisionDraft(call.context, { kind: 'verdict', phase: 'response', verdict, policy: call.policy.set, subjectDigest: null });
}

export function reasonsOf(verdict: Verdict): string {
  return verdict.rules.map(({ policy, reason }) => `${policy}: ${reason}`).join('; ') || verdict.action;
}
