import { toAffiantError } from '#errors';

/** Runs policy code: whatever it throws refuses the call. */
export function askPolicy<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw toAffiantError(error, 'policy_failed', 'A policy could not be evaluated.');
  }
}

/** Runs detector code: whatever it throws refuses the call. */
export function askDetector<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw toAffiantError(error, 'detector_failed', 'A detector failed.');
  }
}
