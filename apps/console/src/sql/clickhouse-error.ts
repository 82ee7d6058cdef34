import type { AffiantError, ErrorCode } from '#errors';

/** An error as ClickHouse clients know them: `Code: NNN. DB::Exception: text. (NAME)` with X-ClickHouse-Exception-Code. */
export interface ClickHouseError {
  readonly status: number;
  readonly code: number;
  readonly name: string;
  readonly message: string;
}

/** ClickHouse's numbers for our codes (ClickHouse src/Common/ErrorCodes.cpp). */
const NUMBERS: Partial<Record<ErrorCode, { readonly code: number; readonly name: string }>> = {
  token_missing: { code: 194, name: 'REQUIRED_PASSWORD' },
  token_invalid: { code: 516, name: 'AUTHENTICATION_FAILED' },
  token_expired: { code: 516, name: 'AUTHENTICATION_FAILED' },
  token_conflict: { code: 516, name: 'AUTHENTICATION_FAILED' },
  auth_throttled: { code: 516, name: 'AUTHENTICATION_FAILED' },
  connection_denied: { code: 497, name: 'ACCESS_DENIED' },
  query_refused: { code: 497, name: 'ACCESS_DENIED' },
  query_limit: { code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES' },
  body_too_large: { code: 307, name: 'TOO_MANY_BYTES' },
  usage_invalid: { code: 36, name: 'BAD_ARGUMENTS' },
  engine_failed: { code: 210, name: 'NETWORK_ERROR' },
  issuer_unavailable: { code: 210, name: 'NETWORK_ERROR' },
  not_found: { code: 36, name: 'BAD_ARGUMENTS' },
};

export function asClickHouseError(error: AffiantError): ClickHouseError {
  const { code, name } = NUMBERS[error.code] ?? { code: 1002, name: 'UNKNOWN_EXCEPTION' };
  return { status: error.status, code, name, message: `${error.message}. ${error.remedy}` };
}

/** The body ClickHouse would send, our error code last so that it can be looked up in docs/reference/errors.md. */
export function errorText(error: AffiantError): string {
  const { code, name, message } = asClickHouseError(error);
  return `Code: ${code}. DB::Exception: affiant: ${message} [${error.code}] (${name})\n`;
}
