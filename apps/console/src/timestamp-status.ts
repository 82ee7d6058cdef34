import type { StatusReport } from './ports.js';

/** What is known of one time-stamp authority. */
export interface AuthorityFacts {
  readonly name: string;
  /** Microseconds since the Unix epoch. */
  readonly lastUs: number | null;
  readonly failing: string | null;
  /** Leaves of the largest checkpoint it has stamped; 0 before the first. */
  readonly size: number;
  /** When the first of its stamps ends, microseconds since the Unix epoch. */
  readonly expiresUs: number | null;
}

/** The same with a sentence for people, which says plainly when nobody else says when something was in the log. */
export function timestampStatus(authorities: readonly AuthorityFacts[]): NonNullable<StatusReport['timestamps']> {
  const facts = authorities.map(({ name, size, lastUs, failing, expiresUs }) => {
    return { authority: name, stamped_size: size, last_stamp_at: lastUs, failing, first_expires_at: expiresUs };
  });
  const size = Math.max(0, ...authorities.map((one) => one.size));
  const notes = [
    authorities.length === 0
      ? 'no time-stamp authority is configured: when something was in the log rests on our own clock'
      : size === 0
        ? 'no checkpoint is time-stamped yet'
        : `the first ${size} leaves are time-stamped`,
    ...authorities.flatMap(({ name, failing }) => (failing === null ? [] : [`${name} does not stamp`])),
  ];
  return { authorities: facts, note: notes.join('; ') };
}
