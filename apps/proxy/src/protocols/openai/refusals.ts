import type { AffiantError } from '#errors';
import { errorFrame } from '../shared/error-frame.js';
import { refusalHeaders, refusalText } from '../shared/refusal-headers.js';

/** Error types of the OpenAI API by HTTP status. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'invalid_request_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  413: 'invalid_request_error',
  429: 'rate_limit_error',
};
/** Not a status of this API: its clients know 503. */
const OVERLOADED = 529;

const statusOf = (error: AffiantError): number => (error.status === OVERLOADED ? 503 : error.status);

function described(error: AffiantError): { message: string; type: string; param: null; code: string } {
  return { message: refusalText(error), type: TYPES[statusOf(error)] ?? 'server_error', param: null, code: error.code };
}

export function refusal(
  error: AffiantError,
  requestId: string,
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer } {
  const body = Buffer.from(JSON.stringify({ error: described(error) }));
  return { status: statusOf(error), headers: refusalHeaders(error, body, 'x-request-id', requestId), body };
}

/** Read as an error by clients of both APIs: as the Responses API's error event, and by the `error` member as Chat Completions tells it. */
export function streamRefusal(error: AffiantError): Buffer {
  const { message, type, param, code } = described(error);
  return errorFrame(
    Buffer.from(JSON.stringify({ type: 'error', code, message, param, sequence_number: 0, error: { message, type, param, code } })),
  );
}
