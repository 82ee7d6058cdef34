import { AffiantError, isAffiantError, type ErrorCode } from '#errors';

/** ClickHouse error numbers after which the same call cannot succeed: a constraint, a type, an unknown column, a syntax error. */
const PERMANENT = new Set([469, 53, 47, 62, 60, 81, 27, 33]);

/** The client bundles its own error class, so it is recognised by its shape. */
const numberOf = (error: unknown): number | undefined => {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^\d+$/.test(code) ? Number(code) : undefined;
};

/**
 * Types what the engine or its client threw: `permanent` for what a retry cannot mend, engine_failed for the rest.
 * The engine's message may quote the row, so only its number and first line's kind are shown; the cause is kept for the log.
 */
export function engineError(error: unknown, action: string, permanent: ErrorCode): AffiantError {
  if (isAffiantError(error)) return error;
  const number = numberOf(error);
  const kind = typeof error === 'object' && error !== null ? String((error as { type?: unknown }).type ?? '') : '';
  const detail = number === undefined ? '' : ` (engine error ${number}${kind === '' ? '' : ` ${kind}`})`;
  const code = number !== undefined && PERMANENT.has(number) ? permanent : 'engine_failed';
  return new AffiantError(code, `${action} failed${detail}.`, { cause: error });
}
