export { AffiantError, isAffiantError, toAffiantError, type AffiantErrorOptions } from './affiant-error.js';
export { ERROR_CODES, type ErrorCode, type ErrorSpec } from './codes.js';
export { errorText, EXIT, exitCodeOf } from './exit-codes.js';
