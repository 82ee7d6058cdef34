import { loadSchemas } from '#events';
import type { Signer } from '#signing';
import { cosign, encodeLeaf, formatTlogProof, leafHash, parseNote, signCheckpoint } from '#tlog';
import {
  exhibitFile,
  logExhibits,
  ndjsonExhibit,
  proofExhibits,
  queryExhibits,
  schemaExhibits,
  type ExhibitFile,
} from '../collect/exhibits.js';
import { LeafHashes } from '../collect/leaf-hashes.js';
import type { PacketModel } from '../model/packet.js';
import { renderPacket, type RenderInput } from '../render/render-packet.js';
import { sealPdf } from '../render/seal.js';
import { memorySigner } from './ledger-world.js';
import { sampleModel, type SampleOptions } from './sample-model.js';

export interface SamplePacket extends RenderInput {
  readonly signer: Signer;
  readonly model: PacketModel;
  readonly sealed: Buffer;
  readonly pages: number;
  /** Checkpoint of the packet before, whose tree had 7 leaves: the packet carries the proof from there. */
  readonly previousNote: string;
}

const PREVIOUS = 7;

/** A complete sealed packet without an engine: a small real tree, a signed checkpoint (cosigned by `witnesses`), proofs and exhibits. */
export async function samplePacket(
  options: SampleOptions = {},
  signer: Signer = memorySigner(),
  witnesses: readonly Signer[] = [],
): Promise<SamplePacket> {
  const leaves = Array.from({ length: 11 }, (_, index) =>
    encodeLeaf({
      type: 'request',
      boot_epoch: 1,
      seq: index + 1,
      occurred_at: 1_790_000_000_000_000 + index,
      schema_sha256: Buffer.alloc(32, 1),
      payload_hash: Buffer.alloc(32, index),
      prev_hash: Buffer.alloc(32, index - 1),
      source_id: 'gateway',
    }),
  );
  const hashes = new LeafHashes(Buffer.concat(leaves.map(leafHash)));
  const root = hashes.root();
  const signed = await signCheckpoint({ origin: signer.name, size: leaves.length, root }, [signer]);
  const lines = await Promise.all(witnesses.map((witness) => cosign(parseNote(signed).text, witness, 1_790_000_100)));
  const note = signed + lines.join('');
  const before = new LeafHashes(Buffer.concat(leaves.slice(0, PREVIOUS).map(leafHash)));
  const previousNote = await signCheckpoint({ origin: signer.name, size: PREVIOUS, root: before.root() }, [signer]);
  const previous = { packet_id: 'ffiec-before', tree_size: PREVIOUS, sha256: 'cd'.repeat(32), file: `consistency/${PREVIOUS}.txt` };
  const steps = hashes.consistencyProof(PREVIOUS).map((hash) => `${hash.toString('base64')}\n`);
  const model = sampleModel({
    ...options,
    note,
    vkey: signer.vkey,
    treeSize: leaves.length,
    root: root.toString('hex'),
    origin: signer.name,
  });
  const cited = [2, 10].map((leaf_index) => ({
    event_id: `0199aaaa-0000-7000-8000-00000000000${leaf_index % 10}`,
    source_id: 'gateway',
    seq: leaf_index + 1,
    leaf_index,
    leaf: leaves[leaf_index]?.toString('base64') ?? '',
    proof: `proofs/${leaf_index}.tlog-proof`,
    why: 'sampled exchange',
  }));
  const proofs = new Map(
    cited.map((event) => [
      event.proof,
      Buffer.from(
        formatTlogProof({
          index: event.leaf_index,
          hashes: hashes.inclusionProof(event.leaf_index),
          checkpoint: note,
          extra: leaves[event.leaf_index] ?? null,
        }),
      ),
    ]),
  );
  const lists = model.runs
    .filter(({ id }) => id.endsWith('-exceptions'))
    .map((run) => ndjsonExhibit(`exhibits/${run.id}.ndjson`, run, run.rows, run.row_count));
  const files: ExhibitFile[] = [
    ...logExhibits(model.snapshot, model.gates),
    exhibitFile({ name: 'verify.md', media_type: 'text/markdown', description: 'How to check', data: Buffer.from('# Checking\n') }),
    ...lists,
    ...queryExhibits(model.runs),
    ...schemaExhibits(loadSchemas()),
    ...proofExhibits(proofs),
    exhibitFile({
      name: previous.file,
      media_type: 'text/plain',
      description: 'Proof from the packet before',
      data: Buffer.from(steps.join('')),
    }),
  ];
  const by = witnesses.map(({ name }) => ({ name, at: new Date(1_790_000_100_000).toISOString() }));
  const snapshot = { ...model.snapshot, ...(by.length === 0 ? {} : { cosigned_by: by }) };
  const whole: PacketModel = { ...model, snapshot, exhibits: files.map(({ entry }) => entry), cited, previous };
  const input: RenderInput = {
    packetJson: Buffer.from(`${JSON.stringify(whole)}\n`),
    files: new Map(files.map(({ entry, data }) => [entry.name, data])),
  };
  const { bytes, pages } = renderPacket(input);
  return { ...input, signer, model: whole, sealed: await sealPdf(bytes, signer), pages, previousNote };
}
