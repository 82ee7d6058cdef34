import { AffiantError } from '#errors';
import { EMPTY_ROOT, openCheckpoint, TreeEdge, type RoundManifest, type SealedState, type TileStore } from '#tlog';
import type { Cut } from './backlog.js';

/** Before the first round. */
export const GENESIS: SealedState = {
  round: 0,
  tree_size: 0,
  root_hash: EMPTY_ROOT.toString('hex'),
  note: '',
  frontiers: {},
  heads: {},
  offsets: {},
  sealed_at: 0,
  open: null,
};

/** The state after a round is sealed: a pure function of the state before, the manifest and the events. */
export function sealedAfter(before: SealedState, manifest: RoundManifest, cut: Cut, note: string): SealedState {
  const frontiers = { ...before.frontiers };
  const heads = { ...before.heads };
  const offsets = { ...before.offsets };
  for (const event of cut.events) {
    if (!event.chained) continue;
    frontiers[event.source_id] = event.seq;
    heads[event.source_id] = event.payload_hash.toString('hex');
  }
  for (const { partition, to } of cut.ranges) offsets[partition] = to + 1;
  const { round, new_size, new_root, sealed_at } = manifest;
  return { round, tree_size: new_size, root_hash: new_root, note, frontiers, heads, offsets, sealed_at, last: manifest.ranges, open: null };
}

/**
 * Right edge of the sealed tree, after checking that note, state and tiles say the same. The note must be signed by a key of this log: whatever else
 * signed it counts for nothing, and a bad signature by a key of ours is refused.
 * @throws AffiantError ledger_conflict
 */
export async function loadSealedEdge(sealed: SealedState, tiles: TileStore, origin: string, vkeys: readonly string[]): Promise<TreeEdge> {
  if (sealed.round > 0) {
    const head = openNoteOf(sealed, vkeys);
    if (head.origin !== origin || head.size !== sealed.tree_size || head.root.toString('hex') !== sealed.root_hash) {
      throw new AffiantError('ledger_conflict', 'the signed checkpoint and the sealed state differ');
    }
  }
  const edge = await TreeEdge.load(tiles, sealed.tree_size);
  if (edge.root().toString('hex') !== sealed.root_hash)
    throw new AffiantError('ledger_conflict', 'the tiles do not lead to the sealed root');
  return edge;
}

function openNoteOf(sealed: SealedState, vkeys: readonly string[]): ReturnType<typeof openCheckpoint> {
  try {
    return openCheckpoint(sealed.note, vkeys);
  } catch (cause) {
    throw new AffiantError('ledger_conflict', 'the sealed checkpoint is not signed by a key of this log', { cause });
  }
}
