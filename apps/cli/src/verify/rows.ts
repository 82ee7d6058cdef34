import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROW_QUERIES, type LedgerRows, type ReadRow } from '#apps/ledger';
import { AffiantError } from '#errors';
import { Instance } from '../instance.js';
import type { CommonOptions } from '../commands/options.js';

export type RowTable = keyof typeof ROW_QUERIES;

export const ROW_TABLES = Object.keys(ROW_QUERIES) as readonly RowTable[];

/** Rows of the ledger store: from `<table>.ndjson` files of `affiant ledger export`, or, for `instance`, from the running instance. */
export async function openRows(place: string, options: CommonOptions): Promise<LedgerRows> {
  if (place === 'instance') {
    const instance = await Instance.connect(options);
    const of = (table: RowTable): AsyncIterable<ReadRow> => parsed(table, answerLines(instance, table));
    return {
      events: of('events'),
      leaves: of('leaves'),
      checkpoints: of('checkpoints'),
      leaf_runs: of('leaf_runs'),
      anchors: of('anchors'),
    };
  }
  const optional = (table: RowTable): AsyncIterable<ReadRow> | null => (existsSync(join(place, `${table}.ndjson`)) ? of(table) : null);
  const of = (table: RowTable): AsyncIterable<ReadRow> => {
    const file = join(place, `${table}.ndjson`);
    if (!existsSync(file))
      throw new AffiantError('usage_invalid', 'the export is not complete', {
        where: file,
        remedy: 'Make it with `affiant ledger export`.',
      });
    return parsed(table, fileLines(file));
  };
  return {
    events: of('events'),
    leaves: of('leaves'),
    checkpoints: of('checkpoints'),
    leaf_runs: optional('leaf_runs'),
    anchors: optional('anchors'),
  };
}

/** The lines of one table as the instance answers them. */
export async function* answerLines(instance: Instance, table: RowTable): AsyncIterable<string> {
  const response = await instance.send('/sql?default_format=JSONEachRow', { method: 'POST', body: ROW_QUERIES[table] });
  if (response.body === null) return;
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** Opened only when it is read: readline drops the lines that come before anybody listens. */
async function* fileLines(file: string): AsyncIterable<string> {
  yield* createInterface({ input: createReadStream(file), crlfDelay: Infinity });
}

async function* parsed(table: RowTable, lines: AsyncIterable<string>): AsyncIterable<ReadRow> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line === '') continue;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (cause) {
      throw new AffiantError('usage_invalid', 'a row cannot be read', { where: `${table}, line ${number}`, cause });
    }
    yield row as ReadRow;
  }
}
