import type { AffiantError } from '#errors';
import type { Protocol } from '../protocols/protocol.js';
import type { ClientLink } from './client-link.js';

export interface WholeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A pending approval is worth another try soon; the retry joins it (research/wire.md §1.4). */
const TRY_AGAIN = { 'retry-after': '5', 'x-should-retry': 'true' };

/** The refusal of a call that was sent no byte yet, in the caller's own format. */
export function refusalOf(protocol: Protocol, error: AffiantError, requestId: string): WholeAnswer {
  const { status, headers, body } = protocol.refusal(error, requestId);
  return { status, body, headers: error.code === 'approval_pending' ? { ...TRY_AGAIN, ...headers } : headers };
}

export function sendWhole(link: ClientLink, answer: WholeAnswer): void {
  link.whole(answer.status, answer.headers, answer.body);
}
