import type { Framework } from '../catalog/control.js';
import type { Assurance, PreviousPacket } from '../model/packet.js';
import { exhibitFile, type ExhibitFile } from './exhibits.js';
import type { LeafHashes } from './leaf-hashes.js';
import type { QueryRunner } from './query-runner.js';

/** What the packet's own tree tells of witnesses and time stamp authorities: where there are none, the packet says whether any were ever asked. */
export async function readAssurance(runner: QueryRunner, treeSize: number): Promise<Assurance> {
  const { rows } = await runner.run(
    `SELECT countIf(kind = 'checkpoint.cosigned'), countIf(kind = 'timestamp.granted'), countIf(kind = 'timestamp.failed')
FROM audit.control_at(tree_size = ${Math.floor(treeSize)})`,
  );
  const [cosigned, stamped, failed] = (rows[0] ?? [0, 0, 0]).map(Number) as [number, number, number];
  return { cosigned_before: cosigned, stamped_before: stamped, stamp_failures: failed };
}

export interface CitedPrevious {
  readonly previous: PreviousPacket | null;
  readonly exhibits: readonly ExhibitFile[];
}

/**
 * The newest packet of the same framework that the packet's own tree tells of, and the proof that this tree goes on from the one it is about: who has
 * both packets needs nothing else to connect them. What is told later does not change it.
 */
export async function citePrevious(
  runner: QueryRunner,
  framework: Framework,
  treeSize: number,
  hashes: LeafHashes,
): Promise<CitedPrevious> {
  const { rows } = await runner.run(
    `SELECT attributes['packet_id'], attributes['tree_size'], attributes['sha256']
FROM audit.control_at(tree_size = ${Math.floor(treeSize)})
WHERE kind = 'packet.created' AND attributes['status'] = 'done' AND attributes['framework'] = '${framework}'
ORDER BY leaf_index DESC LIMIT 1`,
  );
  const [packet_id, size, sha256] = (rows[0] ?? []).map(String);
  const tree_size = Number(size);
  if (packet_id === undefined || sha256 === undefined || !(tree_size > 0 && tree_size <= hashes.size))
    return { previous: null, exhibits: [] };
  const file = `consistency/${tree_size}.txt`;
  const proof = hashes.consistencyProof(tree_size).map((hash) => `${hash.toString('base64')}\n`);
  const description = `Proof (RFC 9162) that the tree of this packet extends that of the previous packet: a hash a line`;
  const exhibit = exhibitFile({ name: file, media_type: 'text/plain', description, data: Buffer.from(proof.join('')) });
  return { previous: { packet_id, tree_size, sha256, file }, exhibits: [exhibit] };
}
