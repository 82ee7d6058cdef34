import { AffiantError } from '#errors';
import { isoMicro, microsOf } from '#events';
import { bindQuery } from '../catalog/bind.js';
import { GATE_QUERIES } from '../catalog/gate-queries.js';
import type { Period, Snapshot } from '../model/packet.js';
import type { QueryRunner } from './query-runner.js';

/** The newest checkpoint that witnesses have cosigned; where none has ever been, the newest. */
const NEWEST = `(SELECT if((SELECT count() FROM ledger.anchors) > 0, (SELECT max(tree_size) FROM ledger.anchors), (SELECT max(tree_size) FROM ledger.checkpoints)))`;

/**
 * The checkpoint a packet is pinned to: the first one of the given tree size, else the newest that is cosigned, else the newest. Its note is the
 * cosigned one where there is one.
 * @throws AffiantError packet_refused when nothing, or not that size, is sealed.
 */
export async function readSnapshot(runner: QueryRunner, log: { origin: string; vkey: string }, treeSize: number | null): Promise<Snapshot> {
  const chosen = treeSize === null ? NEWEST : String(Math.floor(treeSize));
  const { rows } = await runner.run(
    `SELECT round, tree_size, root_hash, note, toUnixTimestamp64Micro(sealed_at), toJSONString(frontier_sources), toJSONString(frontier_seqs)
FROM ledger.checkpoints WHERE tree_size = ${chosen} AND tree_size > 0 ORDER BY round LIMIT 1`,
  );
  const row = rows[0];
  if (row === undefined) {
    throw new AffiantError(
      'packet_refused',
      treeSize === null ? 'nothing is sealed in the ledger yet' : `there is no checkpoint of tree size ${treeSize}`,
    );
  }
  const [round, size, root, note, sealedAt, sources, seqs] = row.map(String) as [string, string, string, string, string, string, string];
  const frontierSeqs = (JSON.parse(seqs) as (string | number)[]).map(Number);
  const frontiers = (JSON.parse(sources) as string[]).map((source_id, index) => ({ source_id, seq: frontierSeqs[index] ?? 0 }));
  frontiers.sort((a, b) => (a.source_id < b.source_id ? -1 : 1));
  const cosigned = await readCosigned(runner, Number(size), root);
  return {
    ...log,
    round: Number(round),
    tree_size: Number(size),
    root_hash: root,
    note,
    sealed_at: Number(sealedAt),
    frontiers,
    ...cosigned,
  };
}

/** The same checkpoint with the witnesses' lines. An anchor of another root is passed over: the packet tells what it can prove. */
async function readCosigned(runner: QueryRunner, size: number, root: string): Promise<Pick<Snapshot, 'note' | 'cosigned_by'> | null> {
  const { rows } = await runner.run(
    `SELECT note, root_hash, toJSONString(witness_names), toJSONString(arrayMap(time -> toUnixTimestamp(time), witness_times))
FROM ledger.anchors WHERE tree_size = ${size} ORDER BY anchored_at LIMIT 1`,
  );
  const [note, anchored, names, times] = (rows[0] ?? []).map(String) as [string?, string?, string?, string?];
  if (note === undefined || anchored !== root) return null;
  const seconds = (JSON.parse(times ?? '[]') as (string | number)[]).map(Number);
  const by = (JSON.parse(names ?? '[]') as string[]).map((name, index) => ({
    name,
    at: new Date((seconds[index] ?? 0) * 1000).toISOString(),
  }));
  return { note, cosigned_by: by };
}

/**
 * Gate G5: the period ends no later than the last instant every source of traffic has delivered and sealed. A later end is cut to it.
 * @throws AffiantError packet_refused when that leaves nothing.
 */
export async function pinPeriod(runner: QueryRunner, snapshot: Snapshot, from: string, to: string): Promise<Period> {
  const fromUs = microsOf(from);
  const toUs = microsOf(to);
  const query = GATE_QUERIES.find(({ id }) => id === 'g5-watermark');
  if (query === undefined) throw new Error('no watermark query');
  const { rows } = await runner.run(bindQuery(query.sql, { treeSize: snapshot.tree_size, fromUs, toUs }));
  if (rows.length === 0) throw new AffiantError('packet_refused', 'gate G5: the snapshot holds no source of traffic');
  let end = toUs;
  for (const [source, watermark, heard, stopped] of rows) {
    if (Number(stopped) === 1) continue;
    if (Number(watermark) < fromUs) {
      throw new AffiantError('packet_refused', `gate G5: source ${source} was last heard at ${heard} UTC, before the period begins`, {
        remedy: 'Start that gateway so that it delivers what it kept, or choose a period that ends before that instant.',
      });
    }
    end = Math.min(end, Number(watermark) + 1);
  }
  if (end <= fromUs) throw new AffiantError('packet_refused', 'gate G5: nothing of the period is sealed yet');
  return { from: isoMicro(fromUs), to: isoMicro(end), requested_to: isoMicro(toUs) };
}
