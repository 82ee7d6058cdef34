import { isWhitespace } from '../engine/characters.js';
import { entropy, variety } from './entropy.js';

/** Longest assigned value masked as one span. */
export const MAX_VALUE = 160;

/** " ' ` */
export const QUOTES: readonly number[] = [34, 39, 96];

export function inQuotesOrGap(code: number): boolean {
  return code === 32 || code === 9 || code === 92 || code === 34 || code === 39 || code === 96;
}

/** Not a sign that ends an unquoted value: quotes , ; & < > ( ) [ ] { } | */
export function isValueUnit(code: number): boolean {
  return code > 32 && code !== 127 && !isWhitespace(code) && !'"\'`,;&<>()[]{}|'.includes(String.fromCharCode(code));
}

/** Words and references that stand where a secret would. */
const NO_SECRET =
  /^(?:true|false|null|none|nil|undefined|required|optional|string|str|number|int|bool|object|any|bytes|unknown|redacted|masked|hidden|changeme|example|placeholder|password|passwd|secret|token|\*+|x+|\.+|-+|_+)$/i;
const REFERENCE =
  /^(?:\$|%|<|\{|\[|#|@|\\|env[.:]|file[.:]|process\.|os\.|self\.|this\.|config\.|req\.|args\.|params\.|options\.|settings\.|var\.|vault:|ref[+:]|https?:)/i;
const IDENTIFIER_PATH = /^[A-Za-z_$][\w$]*(?:[.][A-Za-z_$][\w$]*)+$/;

/** Whether an assigned value may be a real secret rather than a type, a reference or a word of prose. */
export function looksSecret(value: string, password: boolean, quoted: boolean): boolean {
  if (NO_SECRET.test(value) || REFERENCE.test(value) || (!quoted && IDENTIFIER_PATH.test(value))) return false;
  if (password) {
    if (value.length < 6) return false;
    return variety(value) >= 2 && /[\d\W_]/.test(value.replace(/[.,:!?]+$/, ''))
      ? entropy(value) >= 2
      : quoted && value.length >= 8 && entropy(value) >= 2.5;
  }
  return value.length >= 12 && /\d/.test(value) && variety(value) >= 2 && entropy(value) >= 3;
}
