import type { AffiantError } from '#errors';
import type { ApprovalStep, EventContext, EventDraft } from '#events';
import type { Verdict } from '#policy';
import type { Call, Caller } from '../call.js';
import { recordBody } from '../record/body.js';
import { decisionDraft, digestOnly, requestDraft } from '../record/drafts.js';
import type { ReceivedBody } from '../intake/read-body.js';
import type { Services } from '../services.js';

/** What is said about a call before anything happens to it. */
export interface Stated {
  readonly verdict: Verdict;
  /** Exchange whose decision or failure this one joins. */
  readonly joins: string | null;
  readonly subjectDigest: string | null;
  readonly approval?: ApprovalStep;
  /** approval_requested events. */
  readonly together?: readonly EventDraft[];
}

/**
 * Makes request and decision durable, in this order and in one commit. Nothing of the call has any effect before this resolves;
 * a crash before it leaves no trace of a call that did nothing.
 * `late` is called when they are durable although this throws (record/evidence.ts): the exchange must then still be ended.
 * @throws AffiantError journal_full | journal_failed | replication_timeout
 */
export async function state(call: Call, said: Stated, services: Services, late: (why: AffiantError) => void): Promise<void> {
  const { screened, context } = call;
  const recorded = await recordBody(
    {
      direction: 'request',
      mediaType: 'application/json',
      pieces: screened.pieces,
      originalDigest: call.body.digest,
      originalLength: call.body.length,
      complete: true,
      masks: screened.masks,
    },
    context,
    call.segmentScope,
    services.segments,
    services.keys,
  );
  const request = requestDraft(call, context, recorded.body, screened, said.joins);
  const decision = decisionDraft(context, {
    kind: 'verdict',
    phase: 'request',
    verdict: said.verdict,
    policy: call.policy.set,
    subjectDigest: said.subjectDigest,
    approval: said.approval,
  });
  await services.evidence.commit([...recorded.ahead, request, decision, ...(said.together ?? [])], late);
  stated(call);
  recorded.durable();
}

/** The same for a call that was refused before policy read it: lengths and the keyed digest only. */
export async function stateUnread(
  caller: Caller,
  context: EventContext,
  body: ReceivedBody,
  verdict: Verdict,
  services: Services,
  late: (why: AffiantError) => void,
): Promise<void> {
  const request = requestDraft(caller, context, digestOnly(body), null, null);
  const decision = decisionDraft(context, {
    kind: 'verdict',
    phase: 'request',
    verdict,
    policy: services.policies.set,
    subjectDigest: null,
  });
  await services.evidence.commit([request, decision], late);
  stated(caller);
}

function stated(caller: Caller): void {
  caller.progress.owesResponse = true;
  caller.link.exchangeId = caller.id;
}
