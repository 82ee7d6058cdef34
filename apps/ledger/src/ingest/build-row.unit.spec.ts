import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventCodec, payloadHash, TOPICS, type EventDraft, type Topic } from '#events';
import type { LogRecord } from '#event-log';
import { decodeLeaf } from '#tlog';
import { EventReader } from '../read-event.js';
import { controlDraft } from '../testing/world.js';
import { MemoryEventLog } from '../testing/memory-event-log.js';
import { MemoryRecorder } from '../testing/memory-recorder.js';
import { buildRow } from './build-row.js';

const codec = new EventCodec();
const reader = new EventReader(codec);

const principal = {
  issuer: 'https://idp.example.com',
  subject: 'ann@example.com',
  kind: 'user',
  groups: ['engineering', 'oncall'],
  actor: 'agent-7',
  token_digest: 'cd'.repeat(32),
  token_expires_at: 1_790_000_000_000_000,
  authenticated_by: 'mfa',
};
const context = { session_id: 's-1', exchange_id: '01990000-0000-7000-8000-000000000001', connection: 'claude', principal };
const nobody = { session_id: null, exchange_id: null, connection: null, principal: null };
const carried = { sha256: Buffer.alloc(32, 2), bytes_length: 9, media_type: 'text/plain', inline: null };
const inline = { sha256: Buffer.alloc(32, 1), bytes_length: 3, media_type: 'application/json', inline: Buffer.from([0xff, 0x00, 0x7b]) };
const masks = [{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 2 }];
const summary = { original_digest: 'ab'.repeat(32), original_length: 12, masked_length: 11, complete: true, masks };
const body = { segments: [carried, inline], ...summary, content_key: null, sealed_originals: null };

const request = {
  protocol: 'anthropic',
  operation: 'messages',
  method: 'POST',
  path: '/v1/messages',
  model: 'claude-sonnet-4-5',
  stream: true,
  tools: ['Bash'],
  user_agent: 'sdk/1',
  client_address: '127.0.0.1',
  correlation: [{ name: 'x-request-id', value: '1' }],
  joins_exchange: null,
};
const response = {
  outcome: 'completed',
  status: 200,
  upstream_status: 200,
  upstream_request_id: 'req_1',
  model: 'claude-sonnet-4-5',
  stop_reason: 'end_turn',
  input_tokens: 10,
  output_tokens: 20,
  cache_read_tokens: null,
  cache_creation_tokens: null,
  tool_calls: ['Bash'],
  first_byte_us: 5,
  duration_us: 9,
  timeline: [{ at_us: 5, bytes: 11 }],
  error_code: null,
  error_message: null,
};
const decision = {
  kind: 'approval_granted',
  phase: 'response',
  verdict: 'hold',
  rules: [{ policy: 'destructive-sql', action: 'hold', reason: 'drop table' }],
  policy_version: '3',
  policy_digest: 'ef'.repeat(32),
  subject_digest: null,
  approval: {
    approval_id: 'a-1',
    approver_group: 'owners',
    quorum: 1,
    granted: 1,
    expires_at: 1_790_000_000_000_000,
    decided_by: principal,
    reason: 'checked',
  },
};
const control = { kind: 'policy.published', outcome: 'success', subject: 'p', attributes: [{ name: 'a', value: 'b' }], detail: 'text' };
const checkpoint = {
  origin: 'o.example',
  round: 4,
  tree_size: 9,
  root_hash: Buffer.alloc(32, 9),
  note: 'n',
  frontiers: [{ source_id: 's', seq: 3 }],
};
const dead = { topic: 't', partition: 'p', offset: 7, code: 'event_invalid', reason: 'bad' };

async function rowOf(draft: EventDraft) {
  const log = new MemoryEventLog();
  await new MemoryRecorder(log, codec, 'gateway').record([draft]);
  const record = log.partitions.get('gateway')![0]!;
  return { record, row: buildRow(record, reader.read(record), 77) };
}

describe('a row', () => {
  const cases: [EventDraft, object][] = [
    [
      { context, type: 'request', event: { ...request, body } },
      { ...request, body: summary },
    ],
    [
      { context, type: 'response', event: { ...response, body } },
      { ...response, body: summary },
    ],
    [{ context, type: 'segment', event: { direction: 'request', segments: [inline], content_key: null } }, { direction: 'request' }],
    [{ context, type: 'decision', event: decision }, decision],
    [{ context: nobody, type: 'control', event: control }, control],
    [
      { context: nobody, type: 'checkpoint', event: checkpoint },
      { ...checkpoint, root_hash: '09'.repeat(32) },
    ],
    [
      { context: nobody, type: 'dead_letter', event: { ...dead, payload: Buffer.from('xyz') } },
      { ...dead, payload_length: 3 },
    ],
  ];

  it.each(cases)('of %j has every field of the event beside bodies', async (draft, data) => {
    const { record, row } = await rowOf(draft);
    expect(JSON.parse(row.data)).toEqual(data);
    expect(row).toMatchObject({
      source_id: 'gateway',
      boot_epoch: 1,
      seq: 1,
      topic: record.topic,
      event_type: draft.type,
      ingested_at: 77,
      build: 'test',
    });
    expect(row.raw.equals(record.value)).toBe(true);
    expect(row.payload_hash).toEqual(payloadHash(record.value));
    expect(row.schema_sha256.toString('hex')).toBe(codec.schemaSha256(record.value));
    if (draft.type === 'checkpoint') return expect(row.leaf).toHaveLength(0);
    const { source_id, boot_epoch, seq, occurred_at, payload_hash, prev_hash, schema_sha256 } = row;
    expect(decodeLeaf(row.leaf)).toEqual({
      type: draft.type,
      source_id,
      boot_epoch,
      seq,
      occurred_at,
      payload_hash,
      prev_hash,
      schema_sha256,
    });
  });

  it('carries who and where, and nothing where there is nobody', async () => {
    const { row } = await rowOf(cases[0]![0]);
    expect(row).toMatchObject({
      session_id: 's-1',
      exchange_id: context.exchange_id,
      connection: 'claude',
      principal_issuer: principal.issuer,
      principal_subject: principal.subject,
      principal_kind: 'user',
      principal_groups: principal.groups,
      principal_actor: 'agent-7',
      token_digest: principal.token_digest,
    });
    const none = (await rowOf(cases[4]![0])).row;
    expect([none.session_id, none.exchange_id, none.connection, none.principal_subject, none.principal_actor]).toEqual([
      '',
      '',
      '',
      '',
      '',
    ]);
    expect(none.principal_groups).toEqual([]);
  });

  it('carries segments byte for byte, in order', async () => {
    const { row } = await rowOf(cases[0]![0]);
    expect(row.segment_sha256).toEqual([carried.sha256, inline.sha256]);
    expect(row.segment_length).toEqual([9, 3]);
    expect(row.segment_inline).toEqual([false, true]);
    expect(row.segment_content).toEqual([Buffer.alloc(0), inline.inline]);
    expect(row.content_key).toBe('');
  });

  it('leaves what is sealed in the raw bytes', async () => {
    const { row } = await rowOf({ context, type: 'request', event: { ...request, body: { ...body, content_key: 'k-1' } } });
    expect(row.content_key).toBe('k-1');
    expect(row.segment_inline).toEqual([false, true]);
    expect(row.segment_content).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
  });
});

describe('bytes that are no event', () => {
  const recordOf = (value: Buffer, topic: Topic = TOPICS.control): LogRecord => ({ topic, partition: 'gateway', offset: 5, value });

  it('become a row with the exact bytes and the reason', () => {
    const record = recordOf(Buffer.from('no event'));
    const row = buildRow(record, reader.read(record), 1);
    expect(row).toMatchObject({ source_id: 'gateway', seq: 5, boot_epoch: 0, occurred_at: 0, event_type: 'undecodable', event_id: '' });
    expect(row.raw).toEqual(record.value);
    expect(JSON.parse(row.data)).toEqual({
      code: 'event_invalid',
      reason: 'not in Confluent wire framing',
      partition: 'gateway',
      offset: 5,
    });
    expect(decodeLeaf(row.leaf)).toMatchObject({ type: 'undecodable', seq: 5, payload_hash: payloadHash(record.value) });
  });

  it('may be anything: nothing throws, and nothing passes that the engine would refuse', async () => {
    const { record } = await rowOf(controlDraft('test'));
    fc.assert(
      fc.property(fc.nat(record.value.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const value = Buffer.from(record.value);
        value[at]! ^= flip;
        const row = buildRow(recordOf(value), reader.read(recordOf(value)), 1);
        return row.raw.equals(value) && row.seq >= 1 && row.boot_epoch >= 0 && row.boot_epoch < 2 ** 32 && row.occurred_at >= 0;
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => reader.read(recordOf(Buffer.from(bytes))).event.leaf.length > 0),
      { numRuns: 500 },
    );
  });

  const envelope = {
    event_id: '01990000-0000-7000-8000-000000000001',
    source_id: 'gateway',
    boot_epoch: 1,
    seq: 1,
    prev_hash: Buffer.alloc(32),
    occurred_at: 1,
    clock_offset_us: 0,
    build: '',
    session_id: null,
    exchange_id: null,
    principal: null,
    connection: null,
  };
  it.each([
    ['another topic', {}, TOPICS.request],
    ['no UUID', { event_id: 'x' }, TOPICS.control],
    ['seq 0', { seq: 0 }, TOPICS.control],
    ['a negative time', { occurred_at: -1 }, TOPICS.control],
    ['an epoch beyond 32 bits', { boot_epoch: 2 ** 32 }, TOPICS.control],
    ['a source id that fits no leaf', { source_id: 'x'.repeat(65) }, TOPICS.control],
    ['no source id', { source_id: '' }, TOPICS.control],
  ])('include an event with %s', (_, change, topic) => {
    const value = codec.encode('control', { envelope: { ...envelope, ...change }, ...control });
    expect(reader.read(recordOf(codec.encode('control', { envelope, ...control }))).event.type).toBe('control');
    expect(reader.read(recordOf(value, topic)).event.type).toBe('undecodable');
  });
});
