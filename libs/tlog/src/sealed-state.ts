import { z } from 'zod';
import { AffiantError } from '#errors';
import type { SealedState } from './port.js';

const count = z.int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

const ranges = z.array(z.strictObject({ partition: z.string(), from: count, to: count }));

const SEALED_STATE = z.strictObject({
  round: count,
  tree_size: count,
  root_hash: hash,
  note: z.string(),
  frontiers: z.record(z.string(), count),
  heads: z.record(z.string(), hash),
  offsets: z.record(z.string(), count),
  sealed_at: count,
  last: ranges.optional(),
  open: z
    .strictObject({
      round: count,
      base_size: count,
      new_size: count,
      new_root: hash,
      ranges,
      sealed_at: count,
    })
    .nullable(),
});

/** Reads a stored state. `where` names its place in the error. @throws AffiantError ledger_conflict when it is not one. */
export function parseSealedState(text: string, where: string): SealedState {
  try {
    const { last, ...state } = SEALED_STATE.parse(JSON.parse(text));
    return last === undefined ? state : { ...state, last };
  } catch (cause) {
    throw new AffiantError('ledger_conflict', 'the sealed state is damaged', { where, cause });
  }
}
