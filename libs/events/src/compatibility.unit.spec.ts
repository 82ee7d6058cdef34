import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '#config';
import { checkCompatibility } from './compatibility.js';
import { loadSchemas, loadSchemaVersions, type RegisteredSchema } from './schemas.js';

/** Released versions of all schemas, one folder each, oldest first. */
const earlier = join(packageRoot, 'schemas', 'earlier');
const releases = existsSync(earlier) ? readdirSync(earlier).sort() : [];

type Field = { name: string; type: unknown; default?: unknown };
const withFields = (schema: object, change: (fields: Field[]) => Field[]): object => {
  const copy = structuredClone(schema) as { fields: Field[] };
  copy.fields = change(copy.fields);
  return copy;
};

describe('schema compatibility', () => {
  it.each(loadSchemas().map(({ name, schema }) => [name, schema] as const))('%s fits every released version of itself', (name, schema) => {
    const released = releases.map((release) => loadSchemas(join(earlier, release)).find((candidate) => candidate.name === name)?.schema);
    checkCompatibility(name, [...released.filter((candidate) => candidate !== undefined), schema]);
  });

  it('every stored version is looked at', () => {
    expect(releases.length).toBeGreaterThan(0);
  });

  it.each(releases)('ids of %s mean today what they meant then, to the byte: leaves commit to the digest of the text', (release) => {
    const meaning = ({ id, name, sha256 }: RegisteredSchema): [number, string, string] => [id, name, sha256];
    expect(loadSchemaVersions().map(meaning)).toEqual(expect.arrayContaining(loadSchemas(join(earlier, release)).map(meaning)));
  });

  const control = loadSchemas().find(({ name }) => name === 'affiant.v1.Control')?.schema ?? {};
  const added = withFields(control, (fields) => [...fields, { name: 'reason', type: ['null', 'string'], default: null }]);

  it('accepts a new field with a default', () => {
    expect(() => checkCompatibility('Control', [control, added])).not.toThrow();
  });

  it.each([
    ['a new field without a default', withFields(control, (fields) => [...fields, { name: 'reason', type: 'string' }])],
    ['a removed field without a default', withFields(control, (fields) => fields.filter(({ name }) => name !== 'kind'))],
    ['another type', withFields(control, (fields) => fields.map((field) => (field.name === 'kind' ? { ...field, type: 'long' } : field)))],
    [
      'a wider type',
      withFields(control, (fields) => fields.map((field) => (field.name === 'kind' ? { ...field, type: ['null', 'string'] } : field))),
    ],
  ])('refuses %s', (_case, broken) => {
    expect(() => checkCompatibility('Control', [control, broken])).toThrow(expect.objectContaining({ code: 'event_invalid' }));
  });

  it('is transitive: a clash with a version before the last one is found', () => {
    const clash = withFields(control, (fields) => [...fields, { name: 'reason', type: ['null', 'long'], default: null }]);
    expect(() => checkCompatibility('Control', [control, clash])).not.toThrow();
    expect(() => checkCompatibility('Control', [added, control, clash])).toThrow(/version \d cannot read what version \d wrote/);
  });
});
