import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { statementFor } from './flavour.js';
import { expand, loadMigrations, pendingMigrations, splitStatements } from './migrations.js';

describe('migrations', () => {
  it('are numbered without holes and every statement may be repeated after a crash', () => {
    const all = loadMigrations();
    expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1));
    for (const { name, statements } of all) {
      for (const statement of statements.flatMap((text) => statementFor({ kind: 'server' }, text))) {
        expect([name, /^(CREATE (TABLE|VIEW) IF NOT EXISTS|DROP VIEW IF EXISTS|ALTER TABLE)/.test(statement)]).toEqual([name, true]);
        expect(statement).not.toContain('{{');
      }
    }
  });

  it('reads files in order and splits at semicolons that end a line', () => {
    const directory = mkdtempSync(join(tmpdir(), 'migrations-'));
    writeFileSync(join(directory, '0002_b.sql'), "SELECT 'a; b';\n-- comment;\nSELECT 2");
    writeFileSync(join(directory, '0001_a.sql'), 'SELECT 1;\n');
    writeFileSync(join(directory, 'notes.txt'), 'no');
    expect(loadMigrations(directory).map(({ id, name, statements }) => ({ id, name, statements }))).toEqual([
      { id: 1, name: 'a', statements: ['SELECT 1'] },
      { id: 2, name: 'b', statements: ["SELECT 'a; b'", 'SELECT 2'] },
    ]);
    rmSync(directory, { recursive: true });
    expect(splitStatements('')).toEqual([]);
  });

  it('makes a view and its twin of one statement', () => {
    const [plain, twin] = expand('CREATE VIEW v{{at}} AS SELECT 1 FROM ledger.events AS e, w{{call}} WHERE true{{within}}');
    expect(plain).toBe('CREATE VIEW v AS SELECT 1 FROM ledger.events AS e, w WHERE true');
    expect(twin).toMatch(
      /^CREATE VIEW v_at AS SELECT 1 FROM ledger.events AS e, w_at\(tree_size = \{tree_size:UInt64\}\) WHERE true\s+AND e.seq \+ 1 <= transform/,
    );
  });

  it('halts when an applied one has changed or is unknown', () => {
    const all = loadMigrations();
    const applied = all.slice(0, 1).map(({ id, digest }) => ({ id, digest }));
    expect(pendingMigrations(all, applied)).toEqual(all.slice(1));
    expect(() => pendingMigrations(all, [{ id: 1, digest: 'other' }])).toThrow(/changed after it was applied/);
    expect(() => pendingMigrations(all, [...applied, { id: 99, digest: 'x' }])).toThrow(/newer build/);
  });
});
