/**
 * Prints what the ledger's own work costs on one core, engines and disks left out:
 * `npm run build && node dist/apps/ledger/src/testing/measure.js [events]`.
 */
import { EventCodec, payloadHash, TOPICS } from '#events';
import type { LogRecord } from '#event-log';
import { TreeEdge } from '#tlog';
import { buildRow } from '../ingest/build-row.js';
import { EventReader } from '../read-event.js';
import { answerDraft } from './answer-draft.js';
import { MemoryEventLog } from './memory-event-log.js';
import { MemoryRecorder } from './memory-recorder.js';

const BATCH = 5_000;
const events = Number(process.argv[2] ?? 100_000);
const codec = new EventCodec();

async function records(): Promise<LogRecord[]> {
  const log = new MemoryEventLog();
  await new MemoryRecorder(log, codec, 'gateway').record(Array.from({ length: BATCH }, answerDraft));
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
