import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '#config';
import { openEmbedded, type OpenEmbedded } from '../testing/open-embedded.js';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

/** Tables of docs/reference/tables.md: heading `### name`, then rows of name, type, meaning. */
function documented(): Map<string, Column[]> {
  const tables = new Map<string, Column[]>();
  let current: Column[] = [];
  for (const line of readFileSync(join(packageRoot, 'docs/reference/tables.md'), 'utf8').split('\n')) {
    const heading = /^### (\S+)$/.exec(line);
    if (heading?.[1] !== undefined) tables.set(heading[1], (current = []));
    const row = /^\| `([^`]+)`\s*\| `([^`]+)`\s*\| (.*?)\s*\|$/.exec(line);
    if (row?.[1] !== undefined) current.push({ name: row[1], type: row[2] ?? '', comment: (row[3] ?? '').replaceAll('`', '') });
  }
  return tables;
}

describe('docs/reference/tables.md', () => {
  let under: OpenEmbedded;
  beforeAll(async () => {
    under = await openEmbedded();
  });
  afterAll(() => under.close());

  const columns = async (table: string): Promise<Column[]> => {
    const [database, name] = table.split('.');
    const held = await under.store.query<Column>(
      'SELECT name, type, comment FROM system.columns WHERE database = {database:String} AND table = {name:String} ORDER BY position',
      { database, name },
    );
    return held.map((column) => ({ ...column, type: column.name === 'fields' ? 'Tuple(...)' : column.type }));
  };

  it('describes every view and table, and nothing else', async () => {
    const held = await under.store.query<{ name: string }>(
      "SELECT concat(database, '.', name) AS name FROM system.tables WHERE database IN ('audit', 'ledger') AND NOT endsWith(name, '_at') AND name != 'ledger.migrations' ORDER BY name",
    );
    expect([...documented().keys()].toSorted()).toEqual(held.map(({ name }) => name));
  });

  it.each([...documented()])('describes %s column by column, as the engine does', async (table, rows) => {
    expect(rows).toEqual(await columns(table));
    expect(rows.every(({ comment }) => comment !== '')).toBe(true);
  });

  it.each([...documented().keys()].filter((table) => table.startsWith('audit.')))(
    '%s and its twin have the same columns',
    async (table) => {
      const shape = (from: string): Promise<Column[]> => under.store.query<Column>(`DESCRIBE (SELECT * FROM ${from})`);
      expect(await shape(`${table}_at(tree_size = 1)`)).toEqual(await shape(table));
    },
  );
});
