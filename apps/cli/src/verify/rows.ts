import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ROW_QUERIES, type LedgerRows, type ReadRow } from '#apps/ledger';
import { AffiantError } from '#errors';
import { Instance } from '../instance.js';
import type { CommonOptions } from '../commands/options.js';
import { linesOf } from './lines.js';

type RowBatches = LedgerRows['events'];

export type RowTable = keyof typeof ROW_QUERIES;

/** So large that reading costs nothing, so small that its rows as objects fit into the young generation of the heap. */
const CHUNK_BYTES = 256 * 1024;

export const ROW_TABLES = Object.keys(ROW_QUERIES) as readonly RowTable[];

/** Rows of the ledger store: from `<table>.ndjson` files of `affiant ledger export`, or, for `instance`, from the running instance. */
export async function openRows(place: string, options: CommonOptions): Promise<LedgerRows> {
  if (place === 'instance') {
    const instance = await Instance.connect(options);
    const of = (table: RowTable): RowBatches => parsed(table, answerLines(instance, table));
    return {
      events: of('events'),
      leaves: of('leaves'),
      checkpoints: of('checkpoints'),
      leaf_runs: of('leaf_runs'),
      anchors: of('anchors'),
    };
  }
  const optional = (table: RowTable): RowBatches | null => (existsSync(join(place, `${table}.ndjson`)) ? of(table) : null);
  const of = (table: RowTable): RowBatches => {
    const file = join(place, `${table}.ndjson`);
    if (!existsSync(file))
      throw new AffiantError('usage_invalid', 'the export is not complete', {
        where: file,
        remedy: 'Make it with `affiant ledger export`.',
      });
    return parsed(table, linesOf(chunksOf(file)));
  };
  return {
    events: of('events'),
    leaves: of('leaves'),
    checkpoints: of('checkpoints'),
    leaf_runs: optional('leaf_runs'),
    anchors: optional('anchors'),
  };
}

/** The lines of one table as the instance answers them, in batches. */
export async function* answerLines(instance: Instance, table: RowTable): AsyncIterable<readonly Buffer[]> {
  const response = await instance.send('/sql?default_format=JSONEachRow', { method: 'POST', body: ROW_QUERIES[table] });
  if (response.body !== null) yield* linesOf(response.body as unknown as AsyncIterable<Uint8Array>);
}

/** One buffer for the whole file, read while nothing else is to be done: fresh memory and a promise for each chunk cost more than the reading. */
async function* chunksOf(path: string): AsyncIterable<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) yield buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

async function* parsed(table: RowTable, batches: AsyncIterable<readonly Buffer[]>): AsyncIterable<readonly ReadRow[]> {
  let number = 0;
  for await (const lines of batches)
    yield lines.map((line) => {
      number += 1;
      try {
        return JSON.parse(line.toString()) as ReadRow;
      } catch (cause) {
        throw new AffiantError('usage_invalid', 'a row cannot be read', { where: `${table}, row ${number}`, cause });
      }
    });
}
