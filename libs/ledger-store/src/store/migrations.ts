import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '#config';
import { AffiantError } from '#errors';

export interface Migration {
  readonly id: number;
  readonly name: string;
  /** Hex SHA-256 of the file. */
  readonly digest: string;
  readonly statements: readonly string[];
}

export interface AppliedMigration {
  readonly id: number;
  readonly digest: string;
}

const FILE = /^(\d{4})_([a-z0-9_]+)\.sql$/;

/**
 * Reads the numbered SQL files in order. A statement that says `{{at}}` yields two: a view over everything, and its twin (see `expand`).
 */
export function loadMigrations(directory: string = join(packageRoot, 'libs/ledger-store/migrations')): readonly Migration[] {
  return readdirSync(directory)
    .filter((file) => FILE.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(join(directory, file), 'utf8');
      const [, id, name] = FILE.exec(file) ?? [];
      const digest = createHash('sha256').update(text).digest('hex');
      return { id: Number(id), name: name ?? file, digest, statements: splitStatements(text).flatMap(expand) };
    });
}

/**
 * The ones still to apply.
 * @throws AffiantError ledger_conflict when an applied one has changed since, or is unknown to this build.
 */
export function pendingMigrations(all: readonly Migration[], applied: readonly AppliedMigration[]): readonly Migration[] {
  for (const { id, digest } of applied) {
    const known = all.find((migration) => migration.id === id);
    if (known === undefined) throw new AffiantError('ledger_conflict', `Migration ${id} was applied by a newer build.`);
    if (known.digest !== digest)
      throw new AffiantError('ledger_conflict', `Migration ${id}_${known.name} was changed after it was applied.`);
  }
  const done = new Set(applied.map(({ id }) => id));
  return all.filter(({ id }) => !done.has(id));
}

/** Statements end with a semicolon at the end of a line; `--` lines are comments. */
export function splitStatements(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** Rows of `ledger.events AS e` inside the tree size. Plus one on both sides: a place of a broker's log may have the seq 0. */
const WITHIN = `
    AND e.seq + 1 <= transform(e.source_id,
        (SELECT sources FROM ledger.bounds_at(tree_size = {tree_size:UInt64})),
        (SELECT arrayMap(seq -> seq + 1, seqs) FROM ledger.bounds_at(tree_size = {tree_size:UInt64})), 0)`;

/**
 * In the view over everything `{{at}}`, `{{call}}` and `{{within}}` become nothing. In its twin `{{at}}` becomes `_at`; `{{call}}` after
 * another view's name calls that view's twin with our parameter; `{{within}}` limits `ledger.events AS e` to the tree size.
 */
export function expand(statement: string): string[] {
  if (!statement.includes('{{at}}')) return [statement];
  const twin = (at: string, call: string, within: string): string =>
    statement.replaceAll('{{at}}', at).replaceAll('{{call}}', call).replaceAll('{{within}}', within);
  return [twin('', '', ''), twin('_at', '_at(tree_size = {tree_size:UInt64})', WITHIN)];
}
