/**
 * Prints what the ledger's own work costs on one core, engines and disks left out:
 * `npm run build && node dist/apps/ledger/src/testing/measure.js [events]`.
 */
import { EventCodec, payloadHash, TOPICS, type EventDraft } from '#events';
import type { LogRecord } from '#event-log';
import { TreeEdge } from '#tlog';
import { buildRow } from '../ingest/build-row.js';
import { EventReader } from '../read-event.js';
import { MemoryEventLog } from './memory-event-log.js';
import { MemoryRecorder } from './memory-recorder.js';

const BATCH = 5_000;
const events = Number(process.argv[2] ?? 100_000);
const codec = new EventCodec();

/** A masked answer of about 1 kB, the mean of the research's figures. */
function draft(): EventDraft {
  const inline = Buffer.from(JSON.stringify({ role: 'assistant', content: [{ type: 'text', text: 'A masked answer. '.repeat(40) }] }));
  const segment = { sha256: Buffer.alloc(32, 7), bytes_length: inline.length, media_type: 'application/json', inline };
  const masks = [{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 2 }];
  const body = {
    segments: [segment],
    original_digest: 'ab'.repeat(32),
    original_length: 800,
    masked_length: 790,
    complete: true,
    masks,
  };
  const principal = {
    issuer: 'https://idp.example.com',
    subject: 'developer@example.com',
    kind: 'user',
    groups: ['engineering'],
    actor: null,
    token_digest: 'cd'.repeat(32),
    token_expires_at: 1_790_000_000_000_000,
    authenticated_by: 'mfa',
  };
  const context = { session_id: 'session-1', exchange_id: '01990000-0000-7000-8000-000000000000', connection: 'claude', principal };
  const counts = {
    input_tokens: 100,
    output_tokens: 200,
    cache_read_tokens: 0,
    cache_creation_tokens: 0,
    first_byte_us: 1,
    duration_us: 2,
  };
  const names = {
    upstream_request_id: 'req_1',
    model: 'claude-sonnet-4-5',
    stop_reason: 'end_turn',
    error_code: null,
    error_message: null,
  };
  const event = { outcome: 'completed', status: 200, upstream_status: 200, tool_calls: [], timeline: [], body, ...counts, ...names };
  return { context, type: 'response', event };
}

async function records(): Promise<LogRecord[]> {
  const log = new MemoryEventLog();
  await new MemoryRecorder(log, codec, 'gateway').record(Array.from({ length: BATCH }, draft));
  return log.partitions.get('gateway')!;
}

function measure(name: string, work: () => void): void {
  work();
  const batches = Math.ceil(events / BATCH);
  const before = process.cpuUsage();
  for (let batch = 0; batch < batches; batch += 1) work();
  const { user, system } = process.cpuUsage(before);
  const perSecond = (batches * BATCH * 1_000_000) / (user + system);
  console.log(`${name.padEnd(44)} ${Math.round(perSecond).toLocaleString('en').padStart(12)} events/s of CPU`);
}

const batch = await records();
const reader = new EventReader(codec);
const reads = batch.map((record) => reader.read(record));
const leaves = reads.map((read) => read.event.leaf);
let edge = TreeEdge.empty;
console.log(`${BATCH} events of ${batch[0]!.value.length} bytes on ${TOPICS.response}`);
measure('decode', () => void batch.map((record) => codec.decode(record.value)));
measure('payload hash', () => void batch.map((record) => payloadHash(record.value)));
measure('read (decode, payload hash, leaf)', () => void batch.map((record) => reader.read(record)));
measure('read and build rows', () => void batch.map((record) => buildRow(record, reader.read(record), 0)));
measure('grow the tree (leaf hashes, tiles, root)', () => {
  const extension = edge.extend(leaves);
  extension.edge.root();
  edge = extension.edge;
});
measure('all of it, decoded once', () => {
  const rows = batch.map((record) => buildRow(record, reader.read(record), 0));
  const extension = edge.extend(rows.map((row) => row.leaf));
  extension.edge.root();
  edge = extension.edge;
});
