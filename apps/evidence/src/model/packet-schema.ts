import { z } from 'zod';
import { AffiantError } from '#errors';
import { PACKET_FORMAT, type PacketModel } from './packet.js';
import { GATE_IDS, VERDICTS } from './verdict.js';

/** Bounds keep a hostile model from costing more than a large honest one. */
const text = (most: number): z.ZodString => z.string().max(most);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);
const list = <T extends z.ZodType>(item: T, most: number): z.ZodArray<T> => z.array(item).max(most);
const sourceId = text(256);

const SCHEMA = z.strictObject({
  format: z.literal(PACKET_FORMAT),
  program: z.strictObject({ name: text(64), version: text(64) }),
  packet_id: text(128),
  framework: z.enum(['ffiec', 'nist-800-53']),
  institution: text(400),
  period: z.strictObject({ from: instant, to: instant, requested_to: instant }),
  snapshot: z.strictObject({
    origin: text(256),
    vkey: text(512),
    round: count,
    tree_size: count,
    root_hash: digest,
    note: text(16_384),
    sealed_at: count.max(8_000_000_000_000_000),
    frontiers: list(z.strictObject({ source_id: sourceId, seq: count }), 10_000),
    cosigned_by: list(z.strictObject({ name: text(256), at: text(32) }), 100).optional(),
  }),
  engine: z.strictObject({ name: text(64), version: text(64) }),
  integrity: z.strictObject({ leaves: count, root_hash: digest, note_verified: z.boolean(), note_error: text(2_000).nullable() }),
  population_source: text(256).nullable(),
  runs: list(
    z.strictObject({
      id: text(64),
      title: text(256),
      sql: text(20_000),
      sql_sha256: digest,
      columns: list(text(64), 64),
      rows: list(list(z.union([text(70_000), z.number(), z.null()]), 64), 5_000),
      row_count: count,
      exhibit: text(128).nullable(),
      result_sha256: digest,
    }),
    200,
  ),
  gates: list(
    z.strictObject({
      id: z.enum(GATE_IDS),
      title: text(128),
      verdict: z.enum(['PASS', 'FINDING', 'INCONCLUSIVE']),
      reasons: list(text(2_000), 10_000),
    }),
    6,
  ),
  controls: list(
    z.strictObject({
      id: text(32),
      verdict: z.enum(VERDICTS),
      methods: list(z.enum(['EXAMINE', 'TEST']), 2),
      reasons: list(text(4_000), 10_000),
      blocked_by: list(z.enum(GATE_IDS), 6),
    }),
    200,
  ),
  exhibits: list(
    z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,120}$/),
      media_type: text(64),
      description: text(400),
      bytes: count,
      sha256: digest,
      rows: count.nullable(),
      query: text(64).nullable(),
      total_rows: count.nullable(),
    }),
    500,
  ),
  cited: list(
    z.strictObject({
      event_id: text(64),
      source_id: sourceId,
      seq: count,
      leaf_index: count,
      leaf: text(400),
      proof: text(128),
      why: text(128),
    }),
    100,
  ),
  stamps: list(
    z.strictObject({
      authority: text(64),
      signed_by: text(1_000),
      tree_size: count,
      number: count,
      time: text(32),
      certificate_ends: text(32),
      file: text(128),
    }),
    200,
  ).optional(),
  assurance: z.strictObject({ cosigned_before: count, stamped_before: count, stamp_failures: count }).optional(),
  previous: z.strictObject({ packet_id: text(128), tree_size: count, sha256: digest, file: text(128) }).optional(),
}) satisfies z.ZodType<PacketModel>;

/** Reads packet.json. @throws AffiantError packet_invalid with the path of what is wrong. */
export function parsePacketModel(bytes: Uint8Array): PacketModel {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AffiantError('packet_invalid', 'packet.json is not JSON', { cause });
  }
  const parsed = SCHEMA.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AffiantError('packet_invalid', `packet.json is not a packet: ${issue?.message ?? ''}`, { where: issue?.path.join('.') });
}
