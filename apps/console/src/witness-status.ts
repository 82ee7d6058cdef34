import type { StatusReport } from './ports.js';

/** What is known of the witnesses of the log. */
export interface WitnessFacts {
  /** How many are configured. */
  readonly configured: number;
  readonly quorum: number;
  /** Leaves of the newest cosigned checkpoint; 0 before the first. */
  readonly size: number;
  /** When the quorum was last met, microseconds since the Unix epoch. */
  readonly lastUs: number | null;
  readonly failing: readonly { readonly witness: string; readonly reason: string }[];
}

/** The same with a sentence for people, which says plainly when nobody vouches for the log. */
export function witnessStatus({ configured, quorum, size, lastUs, failing }: WitnessFacts): NonNullable<StatusReport['witnesses']> {
  const facts = { configured, quorum: configured === 0 ? 0 : quorum, cosigned_size: size, last_quorum_at: lastUs, failing };
  if (configured === 0)
    return { ...facts, note: 'no witness is configured: that the log shows the same history to everybody rests on its own signature' };
  const of = `${quorum} of ${configured} witnesses`;
  return {
    ...facts,
    note: lastUs === null ? `no checkpoint was cosigned by ${of} yet` : `the first ${size} leaves were cosigned by at least ${of}`,
  };
}
