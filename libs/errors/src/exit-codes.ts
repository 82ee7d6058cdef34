import type { AffiantError } from './affiant-error.js';
import type { ErrorCode } from './codes.js';

/** Exit codes of every `affiant` command and of `npm start`. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** A finding: it does not verify, was denied, or was not found. */
  finding: 1,
  /** Wrong use or configuration. */
  usage: 2,
  /** The running instance, or something it needs, cannot be reached. */
  unreachable: 3,
} as const;

const USAGE: ReadonlySet<ErrorCode> = new Set(['config_invalid', 'config_secret_missing', 'usage_invalid', 'key_invalid', 'state_locked']);

/** What a program ends with that fails with this error. */
export function exitCodeOf({ code }: AffiantError): number {
  if (code === 'instance_unreachable') return EXIT.unreachable;
  return USAGE.has(code) ? EXIT.usage : EXIT.finding;
}

/** Two lines for a person: what and where, then how to mend it. */
export function errorText({ message, where, remedy, code }: AffiantError): string {
  return `${message}${where === undefined ? '' : ` (${where})`}\n  ${remedy} [${code}]\n`;
}
