import type { LeafRow, LedgerStore } from '#ledger-store';
import type { Extension, RoundManifest, TileStore } from '#tlog';
import type { Cut } from '../sequence/backlog.js';

const PARALLEL_WRITES = 8;

/**
 * Writes a round's data before the round counts: leaves, then tiles. Both are pure functions of the manifest, so doing it again changes nothing.
 * A crash inside leaves leaves and tiles beyond the sealed size; nobody is told of them, and the recomputed round writes the same bytes.
 */
export async function appendRound(
  ports: { readonly store: LedgerStore; readonly tiles: TileStore },
  manifest: RoundManifest,
  cut: Cut,
  extension: Extension,
): Promise<void> {
  await ports.store.appendLeaves(`round/${manifest.round}/${manifest.new_root}`, leafRows(manifest, cut, extension));
  const files = [...extension.files];
  const write = async (): Promise<void> => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) await ports.tiles.put(file.path, file.bytes);
  };
  await Promise.all(Array.from({ length: PARALLEL_WRITES }, write));
}

function leafRows({ base_size, round }: RoundManifest, cut: Cut, { leafHashes }: Extension): LeafRow[] {
  return cut.events
    .filter((event) => event.leaf !== null)
    .map(({ source_id, seq, leaf }, index) => ({
      leaf_index: base_size + index,
      source_id,
      seq,
      leaf_hash: leafHashes[index]!,
      leaf: leaf!,
      round,
    }));
}
