import { ERROR_CODES, type ErrorCode } from './codes.js';

export interface AffiantErrorOptions {
  /** Where it is wrong: a file with line and column, a JSON path, an offset. */
  readonly where?: string;
  /** How to mend it, when better than the code's own remedy. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * The one error type of the product: a documented code, plain words, where it is wrong and how to mend it.
 * Messages never carry a secret, a token or an unmasked body.
 */
export class AffiantError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: AffiantErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AffiantError';
    this.code = code;
    this.where = options.where;
    this.remedy = options.remedy ?? ERROR_CODES[code].remedy;
  }

  /** HTTP status of the code. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  toJSON(): { code: ErrorCode; message: string; where?: string; remedy: string } {
    return { code: this.code, message: this.message, ...(this.where === undefined ? {} : { where: this.where }), remedy: this.remedy };
  }
}

export function isAffiantError(value: unknown): value is AffiantError {
  return value instanceof AffiantError;
}

/** Wraps what is not ours; an AffiantError passes unchanged. */
export function toAffiantError(value: unknown, code: ErrorCode, message: string): AffiantError {
  return isAffiantError(value) ? value : new AffiantError(code, message, { cause: value });
}
