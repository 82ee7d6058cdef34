import type { AffiantError } from '#errors';
import { errorFrame } from '../shared/error-frame.js';
import { refusalHeaders, refusalText } from '../shared/refusal-headers.js';

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

function document(error: AffiantError, requestId: string): Buffer {
  const type = TYPES[error.status] ?? 'api_error';
  return Buffer.from(JSON.stringify({ type: 'error', error: { type, message: refusalText(error) }, request_id: requestId }));
}

export function refusal(
  error: AffiantError,
  requestId: string,
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer } {
  const body = document(error, requestId);
  return { status: error.status, headers: refusalHeaders(error, body, 'request-id', requestId), body };
}

export function streamRefusal(error: AffiantError, requestId: string): Buffer {
  return errorFrame(document(error, requestId));
}
