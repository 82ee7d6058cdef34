import { AffiantError, toAffiantError } from '#errors';
import type { Call } from '../call.js';
import { askUpstream, openAnswer } from '../forward/ask.js';
import { reasonsOf, responseDecision } from '../forward/deliver.js';
import type { MaskedAnswer } from '../forward/masked-answer.js';
import { upstreamError, type UpstreamCall } from '../forward/upstream-call.js';
import { decisionDraft } from '../record/drafts.js';
import type { HeldPart, ScreenStep } from '../protocols/protocol.js';
import type { Services } from '../services.js';
import { approve } from './approve.js';
import type { HeldCall } from './held-call.js';
import { Refused } from './refused.js';

/** Screener bytes above which a waiting call's upstream is read no further. */
const HELD_BYTES = 4 * 1024 * 1024;

/** Drives a call whose request waits for people: decision, release, forward, answer. Never throws; the end is `held.terminal`. */
export async function driveRequest(held: HeldCall, services: Services): Promise<void> {
  let upstream: UpstreamCall | null = null;
  await settling(held, services, async () => {
    const { call } = await approve(held, null, services);
    held.owner = call.id;
    held.streams = call.screened.stream;
    held.goOn();
    try {
      upstream = await askUpstream(call, services);
      held.answer = await openAnswer(call, upstream, services);
      await pump(held, call, upstream, held.answer, services);
    } finally {
      upstream?.abort(new Error('the call ended'));
    }
  });
}

/** Takes over a call whose answer was stopped at a part policy holds. */
export async function driveAnswer(
  held: HeldCall,
  call: Call,
  stopped: { readonly upstream: UpstreamCall; readonly answer: MaskedAnswer; readonly part: HeldPart },
  services: Services,
): Promise<void> {
  const { upstream, answer, part } = stopped;
  await settling(held, services, async () => {
    try {
      await follow(held, call, { release: [], held: part }, upstream, answer, services);
      await pump(held, call, upstream, answer, services);
    } finally {
      upstream.abort(new Error('the call ended'));
    }
  });
}

async function settling(held: HeldCall, services: Services, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    held.settle({ kind: 'ended' }, services.clock.nowMs());
  } catch (cause) {
    held.answer?.close();
    held.failOpen(cause as Error);
    if (cause instanceof Refused) {
      held.settle({ kind: 'refused', error: cause.error, outcome: cause.outcome }, services.clock.nowMs());
      return;
    }
    const error = toAffiantError(cause, 'internal', 'the held call failed');
    const ofUpstream = error.code === 'upstream_unreachable' || error.code === 'upstream_timeout';
    const outcome = ofUpstream ? 'upstream_gone' : held.answer === null ? 'refused' : 'stream_error';
    held.settle({ kind: 'broken', error, outcome }, services.clock.nowMs());
  }
}

/** Moves the answer into the held call's buffer until the upstream ends. */
async function pump(held: HeldCall, call: Call, upstream: UpstreamCall, answer: MaskedAnswer, services: Services): Promise<void> {
  while (!answer.upstreamEnded) {
    const chunk = upstream.take();
    if (chunk !== null) await follow(held, call, await answer.push(chunk), upstream, answer, services);
    else if (upstream.error !== null) throw upstreamError(upstream.error);
    else if (upstream.ended) await follow(held, call, await answer.end(), upstream, answer, services);
    else await upstream.ready();
  }
}

/** Lets the viewers have what a step released; stops at what it holds or blocks. */
async function follow(
  held: HeldCall,
  call: Call,
  first: ScreenStep,
  upstream: UpstreamCall,
  answer: MaskedAnswer,
  services: Services,
): Promise<void> {
  for (let step = first; ;) {
    if (step.blocked !== undefined) {
      await services.evidence.commit([responseDecision(call, step.blocked)]);
      throw new Refused(new AffiantError('policy_blocked', `the answer is blocked by policy: ${reasonsOf(step.blocked)}`), 'refused');
    }
    held.changed();
    if (step.held === undefined) return;
    step = await holdPart(held, call, step.held, upstream, answer, services);
    // The end was reached before the part was granted: what is left comes now.
    if (answer.upstreamEnded && step.held === undefined && step.blocked === undefined) step = await answer.end();
  }
}

/** Asks people about one part, reading the upstream on meanwhile. Returns what the screener releases once they granted it. */
async function holdPart(
  held: HeldCall,
  call: Call,
  part: HeldPart,
  upstream: UpstreamCall,
  answer: MaskedAnswer,
  services: Services,
): Promise<ScreenStep> {
  const digest = services.tickets.subjectDigest(part.digest);
  const { ticket, drafts } = services.tickets.prepare(call, { phase: 'response', verdict: part.verdict, digest, summary: part.summary });
  const verdict = decisionDraft(call.context, {
    kind: 'verdict',
    phase: 'response',
    verdict: part.verdict,
    policy: call.policy.set,
    subjectDigest: digest,
  });
  await services.evidence.commit([verdict, ...drafts]);
  // A crash before this line leaves an approval_requested event without a row; the rebuild from the log opens it, and it expires.
  await services.tickets.open(ticket);
  held.hold(ticket);
  held.markOpen();
  const approved = approve(held, part, services);
  try {
    await readOnUntil(approved, held, upstream, answer);
  } catch (cause) {
    await services.tickets.expire(ticket).catch((error: unknown) => {
      services.logger.error({ exchange: call.id, err: (error as Error).message }, 'the approval of a broken answer is still pending');
    });
    throw cause;
  }
  await approved;
  const step = answer.resume();
  held.goOn();
  return step;
}

/** Feeds the screener, which keeps what it may not release, so that the upstream does not wait for people. */
async function readOnUntil(approved: Promise<unknown>, held: HeldCall, upstream: UpstreamCall, answer: MaskedAnswer): Promise<void> {
  const waiting = { over: false };
  const over = (): void => {
    waiting.over = true;
  };
  const settled = approved.then(over, over);
  while (!waiting.over) {
    const chunk = answer.screener.bufferedBytes < HELD_BYTES ? upstream.take() : null;
    if (chunk !== null) await answer.push(chunk);
    else if (upstream.error !== null) throw upstreamError(upstream.error);
    else if (upstream.ended || answer.screener.bufferedBytes >= HELD_BYTES) {
      if (upstream.ended) held.markUpstreamDone();
      await settled;
    } else await Promise.race([settled, upstream.ready()]);
  }
}
