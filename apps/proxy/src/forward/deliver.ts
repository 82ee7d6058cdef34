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

/** Moves bytes until the upstream ends or policy stops it. @throws AffiantError when upstream or screener fail */
async function pump(call: Call, upstream: UpstreamCall, answer: MaskedAnswer): Promise<{ held?: HeldPart; blocked?: Verdict } | null> {
  const { link } = call;
  let sent = 0;
  for (;;) {
    let flowing = true;
    for (let chunk = upstream.take(); chunk !== null && flowing; chunk = flowing ? upstream.take() : null) {
      const step = answer.push(chunk);
      for (; sent < answer.output.length; sent += 1) {
        if (!link.opened) link.open(answer.head.status, call.protocol.clientHeaders(answer.head.rawHeaders, call.id));
        flowing = link.write((answer.output[sent] as MaskedBytes).shown);
      }
      if (step.blocked !== undefined || step.held !== undefined) return step;
    }
    if (link.gone) throw new Error('the client is gone');
    if (!flowing) {
      await link.drained();
      continue;
    }
    if (upstream.error !== null) throw upstreamError(upstream.error);
    if (upstream.ended) break;
    await upstream.ready();
  }
  const step = answer.end();
  return step.blocked === undefined && step.held === undefined ? null : step;
}

async function endWhole(call: Call, answer: MaskedAnswer, services: Services): Promise<Delivery> {
  const { link } = call;
  const facts = answer.screener.facts();
  const outcome = outcomeOf(answer);
  const { final } = answer;
  const ending: Ending = {
    outcome,
    status: answer.head.status,
    sent: [...recordedOf(answer.output), final.recorded],
    pending: final.shown.length,
    upstream: answer.upstream(),
    facts,
  };
  const masked = facts.rules.length > 0 ? [responseDecision(call, { action: 'mask', rules: facts.rules })] : [];
  await conclude(
    call,
    ending,
    services,
    () => {
      if (link.opened) link.end(final.shown);
      else link.whole(answer.head.status, wholeHeaders(call, answer), final.shown);
    },
    masked,
  );
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
        sent: recordedOf(answer?.output ?? []),
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
    sent: [...recordedOf(answer?.output ?? []), last],
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

export function outcomeOf(answer: MaskedAnswer): Outcome {
  const facts = answer.screener.facts();
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
