import type { RegisteredSchema } from '#events';
import type { Exhibit, GateResult, Snapshot } from '../model/packet.js';
import { sha256Hex, type Cell, type QueryRun } from '../model/result.js';

/** An attachment with its entry in the model. */
export interface ExhibitFile {
  readonly entry: Exhibit;
  readonly data: Buffer;
}

interface FileSpec {
  readonly name: string;
  readonly media_type: string;
  readonly description: string;
  readonly data: Buffer;
  readonly rows?: number;
  readonly query?: string;
  readonly total_rows?: number;
}

export function exhibitFile({ data, rows = undefined, query = undefined, total_rows = undefined, ...rest }: FileSpec): ExhibitFile {
  return {
    entry: {
      ...rest,
      bytes: data.length,
      sha256: sha256Hex(data),
      rows: rows ?? null,
      query: query ?? null,
      total_rows: total_rows ?? null,
    },
    data,
  };
}

/** Result rows, one JSON object per line. */
export function ndjsonExhibit(name: string, run: QueryRun, rows: readonly (readonly Cell[])[], total: number): ExhibitFile {
  const lines = rows.map((row) => JSON.stringify(Object.fromEntries(run.columns.map((column, index) => [column, row[index] ?? null]))));
  return exhibitFile({
    name,
    media_type: 'application/x-ndjson',
    description: `${run.title}: one JSON object per line`,
    data: Buffer.from(lines.map((line) => `${line}\n`).join('')),
    rows: rows.length,
    query: run.id,
    total_rows: total,
  });
}

export function queryExhibits(runs: readonly QueryRun[]): ExhibitFile[] {
  return runs.map((run) =>
    exhibitFile({
      name: `queries/${run.id}.sql`,
      media_type: 'application/sql',
      description: `Query ${run.id}: ${run.title}`,
      data: Buffer.from(run.sql),
      query: run.id,
    }),
  );
}

export function logExhibits(snapshot: Snapshot, gates: readonly GateResult[]): ExhibitFile[] {
  return [
    exhibitFile({
      name: 'gates.json',
      media_type: 'application/json',
      description: 'The six gates with their reasons',
      data: json({ snapshot, gates }),
    }),
    exhibitFile({
      name: 'checkpoint.note',
      media_type: 'text/plain',
      description: 'The signed checkpoint (C2SP signed note)',
      data: Buffer.from(snapshot.note),
    }),
    exhibitFile({
      name: 'ledger.vkey',
      media_type: 'text/plain',
      description: 'Public key of the log; compare it with one you got on another way',
      data: Buffer.from(`${snapshot.vkey}\n`),
    }),
  ];
}

/** `earlier`: versions that events of the period may have been written with, beside the bundled ones. */
export function schemaExhibits(schemas: readonly RegisteredSchema[], earlier: readonly RegisteredSchema[] = []): ExhibitFile[] {
  const isEarlier = new Set(earlier);
  const all = [...schemas, ...earlier];
  const files = all.map((schema) =>
    exhibitFile({
      name: `schemas/${schema.name}${isEarlier.has(schema) ? `.${schema.id}` : ''}.avsc`,
      media_type: 'application/json',
      description: `Avro schema ${schema.name}, registry id ${schema.id}; its SHA-256 is in every leaf written with it`,
      // The exact text the leaf's digest is over.
      data: Buffer.from(JSON.stringify(schema.schema)),
    }),
  );
  const registry = all.map(({ id, name, topic, sha256 }) => ({ id, name, topic, sha256 }));
  return [
    ...files,
    exhibitFile({
      name: 'schemas/registry.json',
      media_type: 'application/json',
      description: 'Schema ids of the wire framing',
      data: json(registry),
    }),
  ];
}

export function proofExhibits(proofs: ReadonlyMap<string, Buffer>): ExhibitFile[] {
  return [...proofs].map(([name, data]) =>
    exhibitFile({
      name,
      media_type: 'text/plain',
      description: 'Inclusion proof of a cited event (C2SP tlog-proof; the leaf is the extra line)',
      data,
    }),
  );
}

const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
