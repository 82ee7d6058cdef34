import { packageVersion } from '#config';
import { loadEarlierSchemas, loadSchemas, microsOf } from '#events';
import { openCheckpoint } from '#tlog';
import { instantLiteral, type QueryBinding } from '../catalog/bind.js';
import { catalogueOf, type Catalogue } from '../catalog/catalogue.js';
import type { Framework } from '../catalog/control.js';
import { judge } from '../judge/judge.js';
import { PACKET_FORMAT, type Integrity, type PacketModel, type Snapshot } from '../model/packet.js';
import { Results, sha256Hex } from '../model/result.js';
import type { RenderInput } from '../render/render-packet.js';
import { citePrevious, readAssurance } from './assurance.js';
import { approvalLeaves, citeEvents } from './cited-events.js';
import { exhibitFile, logExhibits, ndjsonExhibit, proofExhibits, queryExhibits, schemaExhibits, type ExhibitFile } from './exhibits.js';
import { readLeafHashes, type LeafHashes } from './leaf-hashes.js';
import type { QueryRunner } from './query-runner.js';
import { runQueries, type Collected } from './run-queries.js';
import { pinPeriod, readSnapshot } from './snapshot.js';
import { citeStamps } from './stamps.js';
import { verifyGuide } from './verify-guide.js';

export interface CollectInput {
  readonly framework: Framework;
  /** ISO 8601 instants in UTC; from included, to excluded. */
  readonly from: string;
  readonly to: string;
  /** Null = the newest checkpoint. */
  readonly treeSize: number | null;
  readonly institution: string;
  /** Name of the log and its public key. */
  readonly log: { readonly origin: string; readonly vkey: string };
  readonly runner: QueryRunner;
  readonly onProgress?: (progress: number, step: string) => void | Promise<void>;
}

export interface CollectedPacket extends RenderInput {
  readonly model: PacketModel;
}

/**
 * Reads the ledger at a pinned checkpoint and judges it. The same ledger state, framework, period and tree size give the same bytes.
 * @throws AffiantError packet_refused (gate G5, nothing sealed), engine_failed, query_failed, query_limit
 */
export async function collectPacket(input: CollectInput): Promise<CollectedPacket> {
  const { runner, framework } = input;
  const progress = input.onProgress ?? ((): void => {});
  await progress(0.02, 'pinning a checkpoint');
  const snapshot = await readSnapshot(runner, input.log, input.treeSize);
  const period = await pinPeriod(runner, snapshot, input.from, input.to);
  const binding: QueryBinding = { treeSize: snapshot.tree_size, fromUs: microsOf(period.from), toUs: microsOf(period.to) };
  await progress(0.05, 'recomputing the tree');
  const hashes = await readLeafHashes(runner, snapshot.tree_size);
  const integrity = checkIntegrity(snapshot, hashes);
  const catalogue = catalogueOf(framework);
  const collected = await runQueries(
    runner,
    catalogue,
    binding,
    (done, of) => void progress(0.1 + (0.65 * done) / of, `query ${done} of ${of}`),
  );
  const results = new Results(collected.runs);
  await progress(0.78, 'judging');
  const judged = judge(framework, { results, snapshot, period, integrity, populationSource: null });
  const where = `occurred_at >= ${instantLiteral(binding.fromUs)} AND occurred_at < ${instantLiteral(binding.toUs)}`;
  const cited = await citeEvents(runner, collected.runs, snapshot, hashes, await approvalLeaves(runner, snapshot.tree_size, where));
  const { stamps, exhibits: stampExhibits } = await citeStamps(runner, snapshot.tree_size, hashes);
  const { previous, exhibits: previousExhibits } = await citePrevious(runner, framework, snapshot.tree_size, hashes);
  const assurance = await readAssurance(runner, snapshot.tree_size);
  const version = await runner.run('SELECT version()');
  const exhibits = [
    ...logExhibits(snapshot, judged.gates),
    exhibitFile({
      name: 'verify.md',
      media_type: 'text/markdown',
      description: 'How to check this packet with standard tools',
      data: Buffer.from(verifyGuide(snapshot)),
    }),
    ...rowExhibits(catalogue, collected, results),
    ...queryExhibits(collected.runs),
    ...schemaExhibits(loadSchemas(), loadEarlierSchemas()),
    ...proofExhibits(cited.proofs),
    ...stampExhibits,
    ...previousExhibits,
  ];
  const model: PacketModel = {
    format: PACKET_FORMAT,
    program: { name: 'affiant', version: packageVersion },
    packet_id: packetId(framework, period.from, period.to, snapshot),
    framework,
    institution: input.institution,
    period,
    snapshot,
    engine: { name: 'ClickHouse', version: String(version.rows[0]?.[0] ?? '') },
    integrity,
    population_source: null,
    runs: collected.runs,
    gates: judged.gates,
    controls: judged.controls,
    exhibits: exhibits.map(({ entry }) => entry),
    cited: cited.events,
    ...(stamps.length === 0 ? {} : { stamps }),
    assurance,
    ...(previous === null ? {} : { previous }),
  };
  return {
    model,
    packetJson: Buffer.from(`${JSON.stringify(model)}\n`),
    files: new Map(exhibits.map(({ entry, data }) => [entry.name, data])),
  };
}

function packetId(framework: Framework, from: string, to: string, snapshot: Snapshot): string {
  return `${framework}-${sha256Hex([framework, from, to, snapshot.tree_size, snapshot.root_hash].join('\n')).slice(0, 24)}`;
}

/** Gate G2, the part no query can do: root over all leaf hashes, and the signature of the note. */
function checkIntegrity(snapshot: Snapshot, hashes: LeafHashes): Integrity {
  let error: string | null = null;
  try {
    const head = openCheckpoint(snapshot.note, [snapshot.vkey]);
    if (head.origin !== snapshot.origin) error = `it is of the log ${head.origin}`;
    else if (head.size !== snapshot.tree_size || head.root.toString('hex') !== snapshot.root_hash)
      error = 'it names another tree size or root';
  } catch (cause) {
    error = (cause as Error).message;
  }
  return { leaves: hashes.size, root_hash: hashes.root().toString('hex'), note_verified: error === null, note_error: error };
}

/** Population file, and the complete lists of exceptions up to their bound. */
function rowExhibits(catalogue: Catalogue, { runs, exhibitRows }: Collected, results: Results): ExhibitFile[] {
  return runs.flatMap((run) => {
    if (run.exhibit !== null)
      return [ndjsonExhibit(run.exhibit, run, exhibitRows.get(run.id) ?? [], results.number('scope-totals', 'exchanges'))];
    if (!run.id.endsWith('-exceptions')) return [];
    const { exceptions } = catalogue.check(run.id.slice(0, -'-exceptions'.length));
    return [ndjsonExhibit(`exhibits/${run.id}.ndjson`, run, run.rows, results.number(exceptions.query, exceptions.column))];
  });
}
