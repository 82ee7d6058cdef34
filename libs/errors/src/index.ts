export { AffiantError, isAffiantError, toAffiantError, type AffiantErrorOptions } from './affiant-error.js';
export { ERROR_CODES, type ErrorCode, type ErrorSpec } from './codes.js';
export { EXIT } from './exit-codes.js';
