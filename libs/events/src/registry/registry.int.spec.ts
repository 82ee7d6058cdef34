import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { registryInstalled, startRegistry, type TestRegistry } from '../../../../test/support/engines/registry.mjs';
import { loadSchemas, loadSchemaVersions } from '../schemas.js';
import { otherVersion } from '../../../../test/support/schema-versions.mjs';
import { applySchemas, checkSchemas, isGood } from './apply.js';
import { SchemaRegistry } from './client.js';

/** Every version there was, in the order of the ids, as `affiant schemas apply` registers them. */
const schemas = loadSchemaVersions();
const request = schemas[0]!;
const versions = schemas.filter(({ name }) => name === request.name);
const newest = versions.at(-1)!;

describe.skipIf(!registryInstalled())('against a real registry without import mode', () => {
  let engine: TestRegistry;
  beforeAll(async () => {
    engine = await startRegistry();
  }, 150_000);
  afterAll(() => engine.stop());

  it('registers every schema under the id of the framing, again without a change, and the registry then refuses what is not compatible', async () => {
    const registry = new SchemaRegistry({ url: engine.url });
    expect((await checkSchemas(registry, schemas)).map(({ state }) => state)).toEqual(schemas.map(() => 'missing'));
    expect((await applySchemas(registry, schemas)).map(({ state, id }) => [id, state])).toEqual(
      schemas.map(({ id }) => [id, 'registered']),
    );
    expect((await applySchemas(registry, schemas)).every(({ state }) => state === 'ok')).toBe(true);
    expect((await checkSchemas(registry, schemas)).every(isGood)).toBe(true);
    expect(JSON.parse((await registry.schemaById(newest.id)) ?? '')).toEqual(newest.schema);
    const broken = structuredClone(newest.schema) as { fields: { name: string; type: unknown }[] };
    broken.fields.push({ name: 'without_default', type: 'string' });
    await expect(registry.register(request.name, broken)).rejects.toMatchObject({
      code: 'registry_failed',
      message: expect.stringContaining('409'),
    });

    // Lowered by somebody: found, and mended by the next apply.
    await registry.setCompatibility(request.name, 'BACKWARD');
    expect((await checkSchemas(registry, schemas)).filter((finding) => !isGood(finding))).toMatchObject(
      versions.map(({ id }) => ({ id, state: 'compatibility' })),
    );
    expect((await applySchemas(registry, schemas)).every(isGood)).toBe(true);
  });
});

/** The Confluent API in memory, with import mode as its documentation has it; it can hold schemas of others before ours. */
function fakeRegistry(options: { readonly importMode: boolean; readonly foreign: number }): { readonly server: Server; modes: string[] } {
  const byId = new Map<number, { subject: string; schema: string }>();
  const modes: string[] = [];
  const mode = new Map<string, string>();
  const level = new Map<string, string>();
  for (let id = 1; id <= options.foreign; id += 1) byId.set(id, { subject: `other-${id}`, schema: '{"type":"string"}' });
  const server = createServer((message, response) => {
    let body = '';
    message.on('data', (chunk: Buffer) => (body += chunk.toString()));
    message.on('end', () => {
      const [status, answer] = answerTo(message.method ?? '', message.url ?? '', JSON.parse(body === '' ? '{}' : body) as Sent);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  return { server, modes };

  type Sent = { schema: string; id?: number; mode?: string; compatibility?: string };
  function answerTo(method: string, url: string, sent: Sent): [number, object] {
    const subject = decodeURIComponent(url.split(/[/?]/)[2] ?? '');
    if (url.startsWith('/schemas/ids/')) {
      const found = byId.get(Number(url.split('/')[3]));
      return found === undefined ? [404, { error_code: 40403 }] : [200, { schema: found.schema }];
    }
    if (url.startsWith('/mode/')) {
      if (!options.importMode) return [405, { error_code: 405 }];
      modes.push(`${subject} ${sent.mode}`);
      mode.set(subject, sent.mode ?? '');
      return [200, { mode: sent.mode ?? '' }];
    }
    if (url.startsWith('/config/')) {
      if (method === 'PUT') level.set(subject, sent.compatibility ?? '');
      const set = level.get(subject);
      return set === undefined ? [404, { error_code: 40408 }] : [200, { compatibilityLevel: set, compatibility: set }];
    }
    const held = [...byId].find(([, entry]) => entry.subject === subject && entry.schema === sent.schema);
    if (!url.endsWith('/versions')) return held === undefined ? [404, { error_code: 40403 }] : [200, { id: held[0], version: 1 }];
    if (sent.id !== undefined && mode.get(subject) !== 'IMPORT') return [422, { error_code: 42205 }];
    if (sent.id === undefined && mode.get(subject) === 'IMPORT') return [422, { error_code: 42205 }];
    const id = held?.[0] ?? sent.id ?? Math.max(0, ...byId.keys()) + 1;
    const there = byId.get(id);
    if (there !== undefined && there.schema !== sent.schema)
      return [422, { error_code: 42207, message: 'Overwrite new schema is not permitted' }];
    byId.set(id, { subject, schema: sent.schema });
    return [200, { id }];
  }
}

describe('ids', () => {
  let server: Server;
  afterEach(() => void server.close());
  const open = async (options: { importMode: boolean; foreign: number }): Promise<{ registry: SchemaRegistry; modes: string[] }> => {
    const fake = fakeRegistry(options);
    server = fake.server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { registry: new SchemaRegistry({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }), modes: fake.modes };
  };

  it('are imported where the registry can, and it is left writable', async () => {
    const { registry, modes } = await open({ importMode: true, foreign: 0 });
    expect((await applySchemas(registry, [...schemas].reverse())).every(isGood)).toBe(true);
    expect((await checkSchemas(registry, schemas)).every(({ state }) => state === 'ok')).toBe(true);
    expect(modes.filter((mode) => mode.startsWith(`${request.name} `))).toEqual(
      versions.flatMap(() => [`${request.name} IMPORT`, `${request.name} READWRITE`]),
    );
  });

  it.each([true, false])('of earlier versions stay, and a later release adds its own (import mode %s)', async (importMode) => {
    const { registry } = await open({ importMode, foreign: 0 });
    expect((await applySchemas(registry, schemas)).every(isGood)).toBe(true);
    const later = otherVersion(loadSchemas(), {
      firstId: schemas.length + 1,
      withFields: { Envelope: [{ name: 'region', type: ['null', 'string'], default: null }] },
    });
    const all = [...later, ...schemas];
    expect((await applySchemas(registry, all)).map(({ state }) => state)).toEqual([
      ...schemas.map(() => 'ok'),
      ...later.map(() => 'registered'),
    ]);
    expect((await checkSchemas(registry, all)).every(({ state }) => state === 'ok')).toBe(true);
  });

  it('that somebody else holds are told, and nothing further is registered', async () => {
    const { registry } = await open({ importMode: false, foreign: schemas.length });
    const findings = await applySchemas(registry, schemas);
    expect(findings.every(({ state }) => state === 'id_taken')).toBe(true);
    expect(await registry.lookup(request.name, request.schema)).toBeNull();
  });

  it('that the registry chose otherwise are told, and it stops there', async () => {
    const { registry } = await open({ importMode: false, foreign: 0 });
    await registry.register('somebody', { type: 'string' });
    await registry.register(request.name, request.schema);
    const findings = await applySchemas(registry, schemas);
    expect(findings[0]).toMatchObject({ id: 1, state: 'id_taken' });
    expect(findings.slice(2).every(({ state }) => state === 'missing')).toBe(true);
  });

  it('a registry that is away is an error of its own', async () => {
    server = createServer();
    const registry = new SchemaRegistry({ url: 'http://127.0.0.1:9/' });
    await expect(checkSchemas(registry, schemas)).rejects.toMatchObject({ code: 'registry_failed' });
  });
});
