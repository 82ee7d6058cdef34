import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '#config';
import { AffiantError } from '#errors';
import type { Topic } from './topics.js';

export interface RegisteredSchema {
  /** Id of the Confluent wire framing: one for each version of a schema, fixed for ever by schemas/registry.json. */
  readonly id: number;
  /** Null for BodySegment, which travels on the topic of the exchange's direction. */
  readonly topic: Topic | null;
  readonly name: string;
  /** Self-contained Avro schema: shared types are inlined at their first use. */
  readonly schema: object;
  /** Hex SHA-256 over the JSON text of `schema`; what the ledger commits to. */
  readonly sha256: string;
}

const SHARED = ['envelope.avsc', 'body.avsc'];

/** Loads the bundled schemas, so that a registry outage never stops logging. */
export function loadSchemas(directory: string = join(packageRoot, 'schemas')): readonly RegisteredSchema[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const shared = new Map<string, unknown>();
  for (const file of SHARED) collectNamed(read(file), shared);
  const correlation = new Map<string, unknown>();
  collectNamed(read('request.avsc'), correlation);
  const nameValue = correlation.get('affiant.v1.NameValue');
  if (nameValue !== undefined) shared.set('affiant.v1.NameValue', nameValue);
  const entries = read('registry.json') as { id: number; topic: Topic | null; name: string; file: string }[];
  return entries.map(({ id, topic, name, file }) => {
    const schema = inline(read(file), shared, new Set()) as object;
    return { id, topic, name, schema, sha256: createHash('sha256').update(JSON.stringify(schema)).digest('hex') };
  });
}

/**
 * Versions that earlier releases wrote and the bundled ones do not replace under the same id, in the order of their ids: what a reader meets in an event
 * log that is older than itself, or beside writers that are not upgraded yet.
 * @throws AffiantError event_invalid when an id stands for two texts: leaves commit to the digest of the text, so no id may get another one.
 */
export function loadEarlierSchemas(
  current: readonly RegisteredSchema[] = loadSchemas(),
  directory: string = join(packageRoot, 'schemas', 'earlier'),
): readonly RegisteredSchema[] {
  const releases = existsSync(directory) ? readdirSync(directory).sort() : [];
  const byId = distinctSchemas([...current, ...releases.flatMap((release) => loadSchemas(join(directory, release)))]);
  const bundled = new Set(current.map(({ id }) => id));
  return byId.filter(({ id }) => !bundled.has(id));
}

/** Every version there ever was of every schema, in the order of the ids, which is that of the versions of a name. */
export function loadSchemaVersions(): readonly RegisteredSchema[] {
  const current = loadSchemas();
  return distinctSchemas([...loadEarlierSchemas(current), ...current]);
}

/** One per id, in the order of the ids. @throws AffiantError event_invalid when an id stands for two texts */
export function distinctSchemas(schemas: readonly RegisteredSchema[]): readonly RegisteredSchema[] {
  const byId = new Map<number, RegisteredSchema>();
  for (const schema of schemas) {
    const known = byId.get(schema.id);
    if (known === undefined) byId.set(schema.id, schema);
    else if (known.sha256 !== schema.sha256 || known.name !== schema.name)
      throw new AffiantError('event_invalid', `schema id ${schema.id} stands for two texts`, { where: `${known.name}, ${schema.name}` });
  }
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const fullName = (node: Record<string, unknown>): string => {
  const name = String(node['name']);
  return name.includes('.') ? name : `${String(node['namespace'] ?? 'affiant.v1')}.${name}`;
};

const isNamed = (node: Record<string, unknown>): boolean =>
  node['type'] === 'record' || node['type'] === 'fixed' || node['type'] === 'enum';

function collectNamed(node: unknown, into: Map<string, unknown>): void {
  if (Array.isArray(node)) for (const item of node) collectNamed(item, into);
  else if (isRecord(node)) {
    if (isNamed(node)) into.set(fullName(node), node);
    for (const key of ['type', 'items', 'fields']) if (key in node) collectNamed(node[key], into);
  }
}

/** Replaces the first reference to each shared type by its definition, later ones by its name. */
function inline(node: unknown, shared: Map<string, unknown>, seen: Set<string>): unknown {
  if (typeof node === 'string') {
    if (!node.startsWith('affiant.v1.') || seen.has(node)) return node;
    const definition = shared.get(node);
    return definition === undefined ? node : inline(definition, shared, seen);
  }
  if (Array.isArray(node)) return node.map((item) => inline(item, shared, seen));
  if (!isRecord(node)) return node;
  if (isNamed(node)) {
    const name = fullName(node);
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === 'type' || key === 'items' || key === 'fields' ? inline(value, shared, seen) : value,
    ]),
  );
}
