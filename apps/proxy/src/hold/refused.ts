import type { AffiantError } from '#errors';

export type RefusedOutcome = 'denied' | 'expired' | 'refused';

/** A held call that will not go on: why, and how its exchanges end. */
export class Refused extends Error {
  constructor(
    readonly error: AffiantError,
    readonly outcome: RefusedOutcome,
  ) {
    super(error.message);
  }
}
