import type { Call, Caller } from '../call.js';
import type { PrefixFollower } from '../protocols/shared/request/known/follower.js';
import type { Services } from '../services.js';
import { withMarks } from '../protocols/shared/request/known/conversation-of.js';
import { sessionOf } from './inspect.js';

type Known = Pick<Services, 'conversations' | 'policies' | 'clock'>;

/** Follows the body of a call by what its caller sent before in the same session; null when there is nothing. */
export function follow(caller: Caller, { conversations, policies, clock }: Known): PrefixFollower | null {
  const key = callerOf(caller);
  if (!conversations.knows(key)) return null;
  const policy = policies.for(caller.credential.principal, caller.connection.name);
  return conversations.follow(key, policy.screening.cacheScope, clock.nowMs());
}

/** Remembers what a call carried, as it goes upstream. Of what is blocked or held nothing is remembered: values that block are not replaced. */
export function remember(call: Call, { conversations, clock }: Known): void {
  const { conversation } = call.screened;
  if (conversation !== null) conversations.keep(callerOf(call), withMarks(conversation, call.body.marks), clock.nowMs());
}

/** The session is the client's word, so the principal is part of the key: nobody finds another's conversation. */
function callerOf(caller: Caller): string {
  const { principal } = caller.credential;
  const session = sessionOf(caller, null) ?? '';
  return `${principal.issuer}\n${principal.subject}\n${caller.connection.name}\n${caller.protocol.name}\n${caller.route.operation}\n${session}`;
}
