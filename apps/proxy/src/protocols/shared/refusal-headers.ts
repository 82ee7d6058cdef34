import type { AffiantError } from '#errors';

/** Seconds; clients honour up to 60. */
const RETRY_AFTER: Readonly<Partial<Record<AffiantError['code'], number>>> = {
  approval_pending: 5,
  auth_throttled: 10,
  overloaded: 5,
  journal_full: 15,
  replication_timeout: 15,
  draining: 5,
};
/** A second try gives the same answer: the client is told to stop. */
const FINAL: ReadonlySet<AffiantError['code']> = new Set([
  'body_invalid', 'detector_failed', 'policy_failed', 'policy_blocked', 'approval_denied', 'approval_expired', 'path_denied', 'connection_denied',
  'connection_unknown', 'upgrade_denied', 'body_too_large', 'token_conflict', 'config_secret_missing',
]); // prettier-ignore

/** Headers of a refusal; both vendors' SDKs obey `retry-after` and `x-should-retry` (research/wire.md §1.3). */
export function refusalHeaders(error: AffiantError, body: Buffer, requestIdHeader: string, requestId: string): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(body.length),
    [requestIdHeader]: requestId,
  };
  const retryAfter = RETRY_AFTER[error.code];
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  if (retryAfter !== undefined) headers['x-should-retry'] = 'true';
  else if (FINAL.has(error.code)) headers['x-should-retry'] = 'false';
  return headers;
}

/** What the client reads: what happened, what to do, and the code. */
export function refusalText(error: AffiantError): string {
  return `${error.message} ${error.remedy} (affiant: ${error.code})`;
}
