import { decodeLeaf, leafHash, openCheckpoint, parseTlogProof, verifyInclusion, type TreeHead } from '#tlog';
import { judge } from '../judge/judge.js';
import type { PacketModel } from '../model/packet.js';
import { resultDigest, Results, sha256Hex, type Cell } from '../model/result.js';

export interface Problem {
  /** Attachment, page or part. */
  readonly where: string;
  readonly message: string;
}

/** Checks that need packet.json and the attachments, not the pages. */
export function checkCheckpoint(
  model: PacketModel,
  vkey: string,
  note: Buffer | undefined,
): { head: TreeHead | null; problems: Problem[] } {
  const problem = (message: string): { head: null; problems: Problem[] } => ({
    head: null,
    problems: [{ where: 'attachment checkpoint.note', message }],
  });
  if (note === undefined) return problem('the checkpoint is missing');
  if (note.toString() !== model.snapshot.note) return problem('the attached checkpoint is not the one packet.json names');
  try {
    const head = openCheckpoint(note, [vkey]);
    if (head.size !== model.snapshot.tree_size || head.root.toString('hex') !== model.snapshot.root_hash)
      return problem('the checkpoint names another tree than the packet');
    return { head, problems: [] };
  } catch (error) {
    return problem((error as Error).message);
  }
}

/** Inclusion proofs of the cited events, against the root of the signed checkpoint. */
export function checkProofs(model: PacketModel, head: TreeHead, files: ReadonlyMap<string, Buffer>): Problem[] {
  return model.cited.flatMap((event): Problem[] => {
    const where = `attachment ${event.proof}`;
    try {
      const file = files.get(event.proof);
      if (file === undefined) return [{ where, message: 'the proof is missing' }];
      const proof = parseTlogProof(file.toString());
      const bytes = Buffer.from(event.leaf, 'base64');
      const leaf = decodeLeaf(bytes);
      if (leaf.source_id !== event.source_id || leaf.seq !== event.seq || proof.index !== event.leaf_index) {
        return [{ where, message: `the leaf is not that of event ${event.event_id}` }];
      }
      if (proof.checkpoint !== model.snapshot.note) return [{ where, message: 'the proof is for another checkpoint' }];
      verifyInclusion(proof.index, head.size, leafHash(bytes), proof.hashes, head.root);
      return [];
    } catch (error) {
      return [{ where, message: (error as Error).message }];
    }
  });
}

/** Query texts, results, rows of exhibits and verdicts hang together. */
export function checkResults(model: PacketModel, files: ReadonlyMap<string, Buffer>): Problem[] {
  const problems: Problem[] = [];
  const say = (where: string, message: string): void => void problems.push({ where, message });
  for (const run of model.runs) {
    if (sha256Hex(run.sql) !== run.sql_sha256) say('attachment packet.json', `query ${run.id} has another text than its digest says`);
    if (files.get(`queries/${run.id}.sql`)?.toString() !== run.sql)
      say(`attachment queries/${run.id}.sql`, 'the file is not the query that was run');
    const rows = run.exhibit === null ? run.rows : rowsOf(files.get(run.exhibit), run.columns);
    if (rows === null || rows.length !== run.row_count || resultDigest({ columns: run.columns, rows }) !== run.result_sha256) {
      say(
        run.exhibit === null ? 'attachment packet.json' : `attachment ${run.exhibit}`,
        `the rows of query ${run.id} are not those its digest names`,
      );
    }
  }
  for (const exhibit of model.exhibits) {
    const data = files.get(exhibit.name);
    if (data === undefined) say(`attachment ${exhibit.name}`, 'it is missing');
    else if (data.length !== exhibit.bytes || sha256Hex(data) !== exhibit.sha256)
      say(`attachment ${exhibit.name}`, 'it is not what packet.json and Appendix B name');
    else if (exhibit.rows !== null && lines(data).length !== exhibit.rows)
      say(`attachment ${exhibit.name}`, `it does not have ${exhibit.rows} rows`);
  }
  return [...problems, ...checkVerdicts(model)];
}

/** Judges again from the attached results: printed verdicts and reasons must be what the rules give. */
function checkVerdicts(model: PacketModel): Problem[] {
  const where = 'attachment packet.json';
  try {
    const judged = judge(model.framework, {
      results: new Results(model.runs),
      snapshot: model.snapshot,
      period: model.period,
      integrity: model.integrity,
      populationSource: model.population_source,
    });
    const different = [...judged.gates, ...judged.controls].filter((one) => {
      const printed = [...model.gates, ...model.controls].find(({ id }) => id === one.id);
      return JSON.stringify(printed) !== JSON.stringify(one);
    });
    return different.map(({ id }) => ({ where, message: `the verdict of ${id} does not follow from the results` }));
  } catch (error) {
    return [{ where, message: `the results cannot be judged: ${(error as Error).message}` }];
  }
}

const lines = (data: Buffer): string[] => data.toString('utf8').split('\n').slice(0, -1);

function rowsOf(data: Buffer | undefined, columns: readonly string[]): Cell[][] | null {
  if (data === undefined) return null;
  try {
    return lines(data).map((line) => {
      const row = JSON.parse(line) as Record<string, Cell>;
      return columns.map((column) => row[column] ?? null);
    });
  } catch {
    return null;
  }
}
