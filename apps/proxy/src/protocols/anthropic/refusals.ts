import type { AffiantError } from '#errors';
import { errorFrame } from '../shared/error-frame.js';

/** Error types of the Anthropic API by HTTP status (research/wire.md §1.3). */
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

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

function document(error: AffiantError, requestId: string): Buffer {
  const type = TYPES[error.status] ?? 'api_error';
  const message = `${error.message} ${error.remedy} (affiant: ${error.code})`;
  return Buffer.from(JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId }));
}

export function refusal(
  error: AffiantError,
  requestId: string,
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer } {
  const body = document(error, requestId);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(body.length),
    'request-id': requestId,
  };
  const retryAfter = RETRY_AFTER[error.code];
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  if (retryAfter !== undefined) headers['x-should-retry'] = 'true';
  else if (FINAL.has(error.code)) headers['x-should-retry'] = 'false';
  return { status: error.status, headers, body };
}

export function streamRefusal(error: AffiantError, requestId: string): Buffer {
  return errorFrame(document(error, requestId));
}
