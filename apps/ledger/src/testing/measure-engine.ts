/**
 * Prints how fast events get from the journal to queryable and sealed on the embedded engine, and how long a single one takes:
 * `npm run build && node dist/apps/ledger/src/testing/measure-engine.js [events]`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EventCodec, SystemClock, SystemIds } from '#events';
import { EmbeddedEventLog } from '#event-log';
import { createWatermarks, JournalRecorder, openJournal } from '#journal';
import { ClickHouseLedgerStore, startEmbeddedEngine } from '#ledger-store';
import { createLogger } from '#observability';
import { openFileSigner } from '#signing';
import { FileCheckpointStore, FileTileStore } from '#tlog';
import { startLedger } from '../index.js';
import { answerDraft } from './answer-draft.js';

const CHUNK = 1_000;
const SINGLES = 20;
const events = Number(process.argv[2] ?? 100_000);
const state = await mkdtemp(join(tmpdir(), 'measure-'));
const logger = createLogger('measure', { level: 'warn' });
const codec = new EventCodec();
const clock = new SystemClock();
const key = randomBytes(32);
const watermarks = createWatermarks(['gateway', 'ledger']);
const journalDirectory = join(state, 'journal');

async function source(sourceId: string) {
  const directory = join(journalDirectory, sourceId);
  const { journal } = await openJournal({ directory, sourceId, key, segmentBytes: 64 << 20, highWaterBytes: 4 * 2 ** 30, watermarks });
  return { journal, recorder: new JournalRecorder({ journal, codec, clock, ids: new SystemIds() }) };
}

const engine = await startEmbeddedEngine({ stateDirectory: state, logger });
const { url, headers } = engine.access;
const store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
await store.migrate();
const gateway = await source('gateway');
const own = await source('ledger');
for (let done = 0; done < events; done += CHUNK) await gateway.recorder.record(Array.from({ length: CHUNK }, answerDraft));

const eventLog = new EmbeddedEventLog({ journalDirectory, groupsDirectory: join(state, 'groups'), key, watermarks });
const signer = await openFileSigner({ directory: join(state, 'keys'), file: 'ledger', name: 'affiant.test/ledger' });
const tiles = new FileTileStore(join(state, 'tiles'));
const checkpoints = new FileCheckpointStore(join(state, 'checkpoint.json'));
const cpu = process.cpuUsage();
const began = performance.now();
const ledger = await startLedger({
  eventLog,
  store,
  tiles,
  checkpoints,
  signer,
  recorder: own.recorder,
  codec,
  clock,
  logger,
  options: { checkpointInterval: 1_000 },
});
await ledger.drain(600_000);
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage(cpu);
const health = await ledger.health();
console.log(`${health.sealedSize} of ${events} sealed in ${health.sealedRound} rounds, halted: ${health.halted}`);
console.log(
  `${Math.round(events / seconds).toLocaleString('en')} events/s wall, ${Math.round((events * 1e6) / (user + system)).toLocaleString('en')} events/s of this process's CPU`,
);

const waits: number[] = [];
for (let single = 0; single < SINGLES; single += 1) {
  await delay(150);
  const [receipt] = await gateway.recorder.record([answerDraft()]);
  const recorded = performance.now();
  while ((await store.rangeDigest('gateway', receipt!.seq, receipt!.seq)).count === 0) await delay(2);
  waits.push(performance.now() - recorded);
}
waits.sort((a, b) => a - b);
console.log(`recorded to queryable: p50 ${waits[SINGLES / 2]!.toFixed(0)} ms, max ${waits.at(-1)!.toFixed(0)} ms`);

await ledger.stop();
await eventLog.close();
await gateway.journal.close();
await own.journal.close();
await store.close();
await engine.stop();
await rm(state, { recursive: true, force: true });
