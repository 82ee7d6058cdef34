import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfPresent, writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import { parseVkey } from '../vkey.js';

/** One key of a log. Public: where the private one is kept is for the configuration to say. */
export interface RingKey {
  readonly vkey: string;
  /** File stem beside the ring: `<file>.vkey`, and `<file>.key` when it is kept in a file. */
  readonly file: string;
  /** `active` signs. `retired` ended in order. `compromised`: what it signed after `until` proves nothing by itself. */
  readonly state: 'active' | 'retired' | 'compromised';
  /** ISO 8601 instants. */
  readonly since: string;
  readonly until: string | null;
  /** Before this instant it is not retired in order; null for the one that is not being replaced. */
  readonly overlap_until: string | null;
}

/** Every key a log ever had, oldest first. */
export interface Ring {
  readonly keys: readonly RingKey[];
}

const instant = z.iso.datetime();
const RING = z.strictObject({
  format: z.literal('affiant-ring/1'),
  keys: z
    .array(
      z.strictObject({
        vkey: z.string().max(512),
        file: z.string().regex(/^ledger(-[1-9]\d{0,3})?$/),
        state: z.enum(['active', 'retired', 'compromised']),
        since: instant,
        until: instant.nullable(),
        overlap_until: instant.nullable(),
      }),
    )
    .min(1)
    .max(1_000),
});

export const ringPath = (directory: string): string => join(directory, 'ledger.ring.json');

/** Null before the first rotation: the log then has the one key of `ledger.vkey`. @throws AffiantError key_invalid */
export async function readRing(directory: string, name: string): Promise<Ring | null> {
  const where = ringPath(directory);
  const bytes = await readFileIfPresent(where);
  if (bytes === null) return null;
  try {
    const { keys } = RING.parse(JSON.parse(bytes.toString('utf8')));
    const distinct = new Set(keys.map(({ vkey }) => vkey));
    const named = keys.every(({ vkey }) => parseVkey(vkey).name === name);
    if (!named || distinct.size !== keys.length || !keys.some(({ state }) => state === 'active')) throw new Error('not a ring of this log');
    return { keys };
  } catch (cause) {
    throw new AffiantError('key_invalid', 'the ring of keys cannot be used', {
      where,
      cause,
      remedy: 'Restore it from its backup: it holds public keys only, and says which of them sign.',
    });
  }
}

/** Atomic and durable: a crash leaves the old ring or the new one. */
export async function writeRing(directory: string, { keys }: Ring): Promise<void> {
  await writeFileDurably(ringPath(directory), `${JSON.stringify({ format: 'affiant-ring/1', keys }, null, 2)}\n`, { mode: 0o644 });
}
