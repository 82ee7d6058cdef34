import avsc from 'avsc';
import type { RegisteredSchema } from '../schemas.js';
import type { Held, SchemaRegistry } from './client.js';

export const COMPATIBILITY = 'FULL_TRANSITIVE';

/** What the registry says about one of our schemas. */
export interface SchemaFinding {
  /** Full name of the record, which is the subject (RecordNameStrategy). */
  readonly subject: string;
  /** Id of the wire framing, fixed by schemas/registry.json. */
  readonly id: number;
  /**
   * `ok`: a reader of the framing finds the schema. `registered`: so since just now. `missing`: not there. `other_id`: there, under another id, so a
   * reader does not find it. `id_taken`: the id names another schema, so a reader would read wrongly. `compatibility`: not FULL_TRANSITIVE.
   */
  readonly state: 'ok' | 'registered' | 'missing' | 'other_id' | 'id_taken' | 'compatibility';
  readonly detail: string | null;
}

export const isGood = ({ state }: SchemaFinding): boolean => state === 'ok' || state === 'registered';

/** Compares registry and bundle; changes nothing. @throws AffiantError registry_failed */
export async function checkSchemas(registry: SchemaRegistry, schemas: readonly RegisteredSchema[]): Promise<readonly SchemaFinding[]> {
  const findings: SchemaFinding[] = [];
  for (const schema of schemas) findings.push(await check(registry, schema));
  return findings;
}

/**
 * Registers what is missing, each schema under the id of the framing: in import mode where the registry has it, else in the order of the ids,
 * which gives the same ids in a registry that holds nothing else. `schemas`: every version there was, so that a reader finds also what an event
 * carries that is older than this release. Idempotent; a crash leaves some registered, and the next run does the rest.
 * @throws AffiantError registry_failed
 */
export async function applySchemas(registry: SchemaRegistry, schemas: readonly RegisteredSchema[]): Promise<readonly SchemaFinding[]> {
  const findings: SchemaFinding[] = [];
  let stopped = false;
  const versions = new Map<string, number>();
  for (const schema of [...schemas].sort((a, b) => a.id - b.id)) {
    const version = (versions.get(schema.name) ?? 0) + 1;
    versions.set(schema.name, version);
    let finding = await check(registry, schema);
    if (finding.state === 'missing' && !stopped) finding = await register(registry, schema, version);
    if (finding.state === 'compatibility') {
      await registry.setMode(schema.name, 'READWRITE');
      await registry.setCompatibility(schema.name, COMPATIBILITY);
      finding = await check(registry, schema);
    }
    // One wrong id makes all later ones wrong where the registry chooses: better to leave the rest alone.
    stopped ||= !isGood(finding);
    findings.push(finding);
  }
  return findings;
}

async function register(registry: SchemaRegistry, { id, name, schema }: RegisteredSchema, version: number): Promise<SchemaFinding> {
  const imports = await registry.setMode(name, 'IMPORT');
  let given: number;
  try {
    given = await registry.register(name, schema, imports ? { id, version } : undefined);
  } finally {
    // A crash before this leaves the subject in import mode, where it refuses readers nothing; the next apply sets it back.
    if (imports) await registry.setMode(name, 'READWRITE');
  }
  if (given !== id) return { subject: name, id, state: 'other_id', detail: `the registry gave it id ${given}` };
  await registry.setCompatibility(name, COMPATIBILITY);
  return { subject: name, id, state: 'registered', detail: null };
}

async function check(registry: SchemaRegistry, { id, name, schema }: RegisteredSchema): Promise<SchemaFinding> {
  const finding = (state: SchemaFinding['state'], detail: string | null = null): SchemaFinding => ({ subject: name, id, state, detail });
  const held: Held | null = await registry.lookup(name, schema);
  const behindId = await registry.schemaById(id);
  if (behindId !== null && !isSame(behindId, schema)) return finding('id_taken', 'the id names another schema in this registry');
  if (held === null) return finding('missing');
  if (held.id !== id || behindId === null) return finding('other_id', `the registry holds it as id ${held.id}`);
  const level = await registry.compatibility(name);
  return level === COMPATIBILITY ? finding('ok') : finding('compatibility', level);
}

/** By parsing canonical form, which is what decoding depends on: a registry may write the text anew. */
function isSame(text: string, schema: object): boolean {
  try {
    return fingerprint(JSON.parse(text) as avsc.Schema).equals(fingerprint(schema as avsc.Schema));
  } catch {
    return false;
  }
}

const fingerprint = (schema: avsc.Schema): Buffer => avsc.Type.forSchema(schema).fingerprint('sha256');
