import { AffiantError } from '#errors';
import { verifyStamp } from '#timestamp';
import type { Findings } from './finding.js';
import type { TrustedAuthority } from './policy-file.js';

/** A stored stamp: number 0 is over the checkpoint, each further one over the checkpoint and the stamp before it. */
export interface StoredStamp {
  readonly where: string;
  readonly number: number;
  /** DER TimeStampResp; null when it cannot be read. */
  readonly response: Buffer | null;
  /** When its certificate ends by its name, milliseconds since the Unix epoch; null when the name does not say. */
  readonly until: number | null;
}

/** What a checkpoint's stamps by one authority say together. */
export interface StampedTime {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** End of the certificate of the newest one. */
  readonly expiresAt: number;
}

/**
 * Checks the stamps of one authority over one note, oldest first; the first thing that is wrong is a finding.
 * @returns null when they do not verify
 */
export async function checkStampChain(
  { name, roots }: TrustedAuthority,
  note: Buffer,
  stamps: readonly StoredStamp[],
  findings: Findings,
): Promise<StampedTime | null> {
  const ordered = [...stamps].sort((a, b) => a.number - b.number);
  let [first, last, previous]: [number | null, { genTime: number; expiresAt: number } | null, Buffer] = [null, null, Buffer.alloc(0)];
  const wrong = (where: string, message: string): null => {
    findings.add('stamp_invalid', where, message);
    return null;
  };
  for (const [index, { where, number, response, until }] of ordered.entries()) {
    if (number > index) {
      findings.add('stamp_missing', where, `stamp ${index} of ${name}, over which it is, is not there`);
      return null;
    }
    if (number < index) return wrong(where, `there are two stamps of ${name} with this number`);
    if (response === null) return wrong(where, 'it cannot be read');
    const verified = await verifyStamp({ response, data: Buffer.concat([note, previous]), roots }).catch((error: unknown) => {
      if (error instanceof AffiantError) return error;
      throw error;
    });
    if (verified instanceof AffiantError) return wrong(where, verified.message);
    const { genTime, expiresAt } = verified;
    if (until !== null && Math.floor(expiresAt / 1000) * 1000 !== until)
      return wrong(where, `its certificate ends at ${iso(expiresAt)}, and its name says ${iso(until)}`);
    if (last !== null && (genTime < last.genTime || genTime > last.expiresAt))
      return wrong(where, `it is of ${iso(genTime)}, and the stamp it renews is good from ${iso(last.genTime)} to ${iso(last.expiresAt)}`);
    first ??= genTime;
    last = verified;
    previous = response;
  }
  return first === null || last === null ? null : { time: first, expiresAt: last.expiresAt };
}

export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
