import { AffiantError } from '#errors';
import type { CheckpointRow, LeafRow, LedgerStore, SourceRange } from '#ledger-store';
import { decodeLeaf, leafHash, openCheckpoint, TileTree, TreeEdge, type CheckpointStore, type SealedState, type TileStore } from '#tlog';

/** Leaves written in one go; also the most a round of the sequencer has. */
const CHUNK = 32_768;

export interface RestoredTree {
  readonly size: number;
  /** Hex. */
  readonly root: string;
  readonly rounds: number;
  /** Rounds whose checkpoint event is no longer retained; their leaves are counted to the next round. */
  readonly missingRounds: number;
  /** Leaves whose event is no longer retained: they are in the tree, and cannot be queried any more. */
  readonly missingEvents: number;
}

interface Head {
  readonly round: number;
  readonly tree_size: number;
  readonly root_hash: string;
  readonly note: string;
  readonly sealed_at: number;
  readonly frontiers: readonly { readonly source_id: string; readonly seq: number }[];
}

/** What the tree is restored from and into. */
export interface TreePorts {
  readonly store: LedgerStore;
  readonly tiles: Pick<TileStore, 'get'>;
  readonly checkpoints: Pick<CheckpointStore, 'fetch'>;
  /** Of every key that ever signed the log. */
  readonly vkeys: readonly string[];
}

/** Writes leaves, runs and checkpoints of every sealed round. Tokens are the sequencer's where a round is whole, so doing it again changes nothing. */
export async function restoreTree(
  { store, tiles, checkpoints, vkeys }: TreePorts,
  progress: (step: string) => void,
): Promise<RestoredTree> {
  const sealed = await checkpoints.fetch();
  if (sealed === null || sealed.round === 0)
    return { size: 0, root: TreeEdge.empty.root().toString('hex'), rounds: 0, missingRounds: 0, missingEvents: 0 };
  const tree = new TileTree(tiles, sealed.tree_size);
  let edge = TreeEdge.empty;
  let missingEvents = 0;
  let rounds = 0;
  for (const head of await headsOf(store, sealed, vkeys)) {
    const base = edge.size;
    for (let from = base; from < head.tree_size; from = edge.size) {
      const to = Math.min(head.tree_size, from + CHUNK);
      const leaves = await tree.leaves(from, to);
      const grown = edge.extend(leaves);
      if (to === head.tree_size) checkRoot(head, grown.edge);
      const rows = leaves.map((leaf, index) => rowOf(leaf, from + index, head.round));
      missingEvents += await countMissing(store, leaves);
      const whole = from === base && to === head.tree_size;
      await store.appendLeaves(whole ? `round/${head.round}/${head.root_hash}` : `rebuild/${head.round}/${from}-${to}`, rows);
      edge = grown.edge;
    }
    checkRoot(head, edge);
    await store.appendCheckpoint(checkpointRow(head));
    rounds += 1;
    progress(`${edge.size} of ${sealed.tree_size} leaves`);
  }
  return { size: edge.size, root: edge.root().toString('hex'), rounds, missingRounds: sealed.round - rounds, missingEvents };
}

/** Sealed rounds in order: what the checkpoint events tell, each under the signature of the log, and the last one from the sealed state. */
async function headsOf(store: LedgerStore, sealed: SealedState, vkeys: readonly string[]): Promise<Head[]> {
  const told = await store.query<{ data: string; at: number }>(
    "SELECT data, toUnixTimestamp64Micro(occurred_at) AS at FROM ledger.events WHERE event_type = 'checkpoint'",
  );
  const heads = new Map<number, Head>();
  for (const { data, at } of told) {
    const head = { ...(JSON.parse(data) as Omit<Head, 'sealed_at'>), sealed_at: at };
    if (head.round < sealed.round && isSigned(head, vkeys)) heads.set(head.round, head);
  }
  const frontiers = Object.entries(sealed.frontiers).map(([source_id, seq]) => ({ source_id, seq }));
  heads.set(sealed.round, { ...sealed, frontiers });
  return [...heads.values()].sort((a, b) => a.round - b.round);
}

/** Anyone who can write to the log can write a checkpoint event; only a key of the log makes it one. */
function isSigned({ note, tree_size, root_hash }: Head, vkeys: readonly string[]): boolean {
  try {
    const { size, root } = openCheckpoint(note, vkeys);
    return size === tree_size && root.toString('hex') === root_hash;
  } catch {
    return false;
  }
}

function checkRoot(head: Head, edge: TreeEdge): void {
  if (edge.size === head.tree_size && edge.root().toString('hex') === head.root_hash) return;
  throw new AffiantError('ledger_conflict', 'the tiles do not lead to the signed root', {
    where: `round ${head.round}, size ${head.tree_size}`,
  });
}

function rowOf(leaf: Buffer, leaf_index: number, round: number): LeafRow {
  const { source_id, seq } = decodeLeaf(leaf);
  return { leaf_index, source_id, seq, leaf_hash: leafHash(leaf), leaf, round };
}

/** Leaves without an event. @throws AffiantError ledger_conflict when an event is another one than its leaf commits to */
async function countMissing(store: LedgerStore, leaves: readonly Buffer[]): Promise<number> {
  const wanted = new Map<string, string>();
  const ranges = new Map<string, { source_id: string; from: number; to: number }>();
  for (const leaf of leaves) {
    const { source_id, seq, payload_hash } = decodeLeaf(leaf);
    wanted.set(`${source_id} ${seq}`, payload_hash.toString('hex'));
    const range = ranges.get(source_id);
    if (range === undefined) ranges.set(source_id, { source_id, from: seq, to: seq });
    else range.to = seq;
  }
  const held = await store.heldEvents([...ranges.values()] satisfies SourceRange[]);
  for (const { source_id, seq, payload_hash } of held) {
    const hash = wanted.get(`${source_id} ${seq}`);
    if (hash !== undefined && hash !== payload_hash) {
      throw new AffiantError('ledger_conflict', 'the event log gives another event than the tree commits to', {
        where: `source ${source_id} seq ${seq}`,
      });
    }
    wanted.delete(`${source_id} ${seq}`);
  }
  return wanted.size;
}

function checkpointRow({ round, tree_size, root_hash, note, sealed_at, frontiers }: Head): CheckpointRow {
  const sorted = frontiers.toSorted((a, b) => (a.source_id < b.source_id ? -1 : 1));
  return {
    round,
    tree_size,
    root_hash,
    note,
    sealed_at,
    frontier_sources: sorted.map(({ source_id }) => source_id),
    frontier_seqs: sorted.map(({ seq }) => seq),
  };
}
