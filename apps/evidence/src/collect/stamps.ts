import { readCheckpoint } from '#tlog';
import type { PacketStamp } from '../model/packet.js';
import { exhibitFile, type ExhibitFile } from './exhibits.js';
import type { LeafHashes } from './leaf-hashes.js';
import type { QueryRunner } from './query-runner.js';

/** Authorities are at most two, and a stamp is renewed every some years: more rows than that are older sizes. */
const ROWS = 200;

export interface CitedStamps {
  readonly stamps: readonly PacketStamp[];
  readonly exhibits: readonly ExhibitFile[];
}

/**
 * The newest time stamps whose events are in the packet's tree, per authority with their renewals: what a later stamp adds does not change the packet.
 * They are over a smaller tree; the proof that the packet's tree extends it goes with them. What the ledger verified is not verified again here: the
 * roots to trust are the reader's to choose.
 */
export async function citeStamps(runner: QueryRunner, treeSize: number, hashes: LeafHashes): Promise<CitedStamps> {
  const { rows } = await runner.run(
    `SELECT subject, attributes['tree_size'], attributes['number'], attributes['time'], attributes['signed_by'], attributes['certificate_ends'],
  attributes['note'], attributes['response'], attributes['chain']
FROM audit.control_at(tree_size = ${Math.floor(treeSize)})
WHERE kind = 'timestamp.granted' AND outcome = 'success' ORDER BY toUInt64OrZero(attributes['tree_size']) DESC, leaf_index DESC LIMIT ${ROWS}`,
  );
  const read = rows.map((row) => row.map(String) as Told);
  const stamps: PacketStamp[] = [];
  const files = new Map<string, ExhibitFile>();
  const add = (file: ExhibitFile): void => void files.set(file.entry.name, file);
  for (const [authority, size, number, time, signed_by, certificate_ends, note, response, chain] of read) {
    const newest = read.find(([name]) => name === authority);
    const file = `stamps/${authority}-${number}.tsr`;
    if (newest?.[1] !== size || files.has(file) || readCheckpoint(note).size > hashes.size) continue;
    stamps.push({ authority, signed_by, tree_size: Number(size), number: Number(number), time, certificate_ends, file });
    add(stampFile(file, 'application/timestamp-reply', `Time stamp ${number} by ${authority} (RFC 3161)`, Buffer.from(response, 'base64')));
    add(
      stampFile(
        `stamps/${authority}-${number}.pem`,
        'application/x-pem-file',
        `Its certificates, the signing one first`,
        Buffer.from(chain),
      ),
    );
    add(stampFile(`stamps/checkpoint-${size}.note`, 'text/plain', `The stamped checkpoint of ${size} leaves`, Buffer.from(note)));
    const proof = hashes.consistencyProof(Number(size)).map((hash) => `${hash.toString('base64')}\n`);
    const name = `stamps/${size}-to-${hashes.size}.consistency`;
    add(
      stampFile(
        name,
        'text/plain',
        'Proof (RFC 9162) that the tree of this packet extends the stamped one: a hash a line',
        Buffer.from(proof.join('')),
      ),
    );
  }
  const byName = (a: ExhibitFile, b: ExhibitFile): number => (a.entry.name < b.entry.name ? -1 : 1);
  return { stamps: stamps.sort((a, b) => (a.file < b.file ? -1 : 1)), exhibits: [...files.values()].sort(byName) };
}

type Told = [string, string, string, string, string, string, string, string, string];

function stampFile(name: string, media_type: string, description: string, data: Buffer): ExhibitFile {
  return exhibitFile({ name, media_type, description, data });
}
