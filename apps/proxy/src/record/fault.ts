import type { AffiantError, ErrorCode } from '#errors';

/** Codes that say something of ours broke: the client is told no more than the code. */
const OURS: ReadonlySet<ErrorCode> = new Set(['detector_failed', 'policy_failed', 'internal']);
const FRAMES = 4;

/** What the log says of a fault. */
export interface Fault {
  readonly code: ErrorCode;
  /** Our own words for it; they name the pattern when it was one. */
  readonly err: string;
  /** Kind of the error that was thrown, e.g. `RangeError`. */
  readonly kind: string;
  /** Where it was thrown: its first frames. */
  readonly at: readonly string[];
}

/** A fault as it may be logged: never the message of what was thrown, which may cite the text that was being read. Null for what is no fault of ours. */
export function faultOf(error: AffiantError | undefined): Fault | null {
  if (error === undefined || !OURS.has(error.code)) return null;
  let thrown: Error = error;
  while (thrown.cause instanceof Error) thrown = thrown.cause;
  return { code: error.code, err: error.message, kind: thrown.name, at: framesOf(thrown) };
}

/** A stack cites the message before its frames; one that does not is left out whole. */
function framesOf({ stack = '', message }: Error): string[] {
  const cited = stack.indexOf(message);
  if (cited < 0) return [];
  return stack
    .slice(cited + message.length)
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, FRAMES)
    .map((line) => line.trim());
}
