// From event log to queryable and sealed: a journal of N events, then the ledger on the embedded engine takes them in.
// Options: --events N (100000), --json, --stored (as distributed mode does: the sequencer reads the stored events of a ClickHouse server),
// --apart (first the ingest alone, then the sequencer alone: leaves sealed a second), --open (bodies not sealed, as releases before sealing did).
// Printed too: bytes of ledger per event, as the engine's active parts, the tiles and the journal lie on disk, and how fast the opened text is checked.
// Two of three events carry a body of 800 bytes: words at random, by their frequency in docs/, so that it compresses about as prose does.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkContent, startLedger } from '../../dist/apps/ledger/src/index.js';
import { ContentOpener, LocalWrapper, MemoryKeyBook, SealingKey } from '../../dist/libs/content-keys/src/index.js';
import { EmbeddedEventLog } from '../../dist/libs/event-log/src/index.js';
import { EventCodec, SystemClock, SystemIds } from '../../dist/libs/events/src/index.js';
import { createWatermarks, JournalRecorder, recoverSource } from '../../dist/libs/journal/src/index.js';
import { ClickHouseLedgerStore, StoredEventLog, startEmbeddedEngine } from '../../dist/libs/ledger-store/src/index.js';
import { createLogger } from '../../dist/libs/observability/src/index.js';
import { openFileSigner } from '../../dist/libs/signing/src/index.js';
import { FileCheckpointStore, FileTileStore } from '../../dist/libs/tlog/src/index.js';
import { processTree } from '../support/cpu.mjs';
import { startClickHouse } from '../support/engines/clickhouse.mjs';
import { prose } from './prose.mjs';
import { verifyEvents } from './verify-events.mjs';

const BODY_BYTES = 800;
const args = process.argv.slice(2);
const events = Number(args.includes('--events') ? args[args.indexOf('--events') + 1] : 100_000);
const state = mkdtempSync(join(tmpdir(), 'affiant-ledger-bench-'));
const logger = createLogger('bench', { level: 'error' });
const codec = new EventCodec();
const clock = new SystemClock();
const ids = new SystemIds();
const key = Buffer.alloc(32, 7);
const watermarks = createWatermarks(['gateway', 'ledger']);

async function source(sourceId) {
  const recovered = await recoverSource({
    directory: join(state, 'journal', sourceId),
    sourceId,
    key,
    segmentBytes: 64 << 20,
    highWaterBytes: 8 * 2 ** 30,
    watermarks,
    codec,
  });
  return {
    ...recovered,
    recorder: new JournalRecorder({ journal: recovered.journal, codec, clock, ids, openExchanges: recovered.openExchanges }),
  };
}

const principal = {
  issuer: 'https://idp.example',
  subject: 'bench',
  kind: 'user',
  groups: ['engineering'],
  actor: null,
  token_digest: 'ab'.repeat(32),
  token_expires_at: null,
  authenticated_by: null,
};
const isOpen = args.includes('--open');
const nextText = prose();
const rawKey = Buffer.alloc(32, 5);
const sealing = new SealingKey('bench-key', rawKey);
const wrapper = new LocalWrapper(Buffer.alloc(32, 6));
const book = new MemoryKeyBook();
await book.issue([{ id: sealing.id, wrapped: await wrapper.wrap(sealing.id, rawKey) }]);
const contentKeys = new ContentOpener(book, wrapper);

const body = () => {
  const text = Buffer.from(nextText(BODY_BYTES));
  const inline = isOpen ? text : sealing.seal(text);
  const sha256 = createHash('sha256').update(inline).digest();
  return {
    segments: [{ sha256, bytes_length: text.length, media_type: 'application/json', inline }],
    original_digest: 'cd'.repeat(32),
    original_length: text.length,
    masked_length: text.length,
    complete: true,
    masks: [],
    content_key: isOpen ? null : sealing.id,
    sealed_originals: null,
  };
};

let exchanges = 0;
function exchange() {
  // Twenty exchanges a session.
  const session_id = `bench-session-${Math.floor(exchanges / 20)}`;
  exchanges += 1;
  const context = { session_id, exchange_id: ids.uuid(), principal, connection: 'bench' };
  return [
    {
      type: 'request',
      context,
      event: {
        protocol: 'anthropic',
        operation: 'messages',
        method: 'POST',
        path: '/v1/messages',
        model: 'bench',
        stream: false,
        tools: [],
        user_agent: 'bench',
        client_address: '127.0.0.1',
        correlation: [],
        joins_exchange: null,
        body: body(),
      },
    },
    {
      type: 'decision',
      context,
      event: {
        kind: 'verdict',
        phase: 'request',
        verdict: 'allow',
        rules: [],
        policy_version: '1',
        policy_digest: 'ef'.repeat(32),
        subject_digest: null,
        approval: null,
      },
    },
    {
      type: 'response',
      context,
      event: {
        outcome: 'completed',
        status: 200,
        upstream_status: 200,
        upstream_request_id: null,
        model: 'bench',
        stop_reason: 'end_turn',
        input_tokens: 10,
        output_tokens: 20,
        cache_read_tokens: null,
        cache_creation_tokens: null,
        tool_calls: [],
        first_byte_us: 100,
        duration_us: 2_000,
        timeline: [],
        body: body(),
        error_code: null,
        error_message: null,
      },
    },
  ];
}

const gateway = await source('gateway');
for (let at = 0; at < events; at += 900) await gateway.recorder.record(Array.from({ length: 300 }, exchange).flat());
const own = await source('ledger');
const stored = args.includes('--stored');
const engine = stored ? await startClickHouse() : await startEmbeddedEngine({ stateDirectory: state, logger });
const store = new ClickHouseLedgerStore(
  stored
    ? { url: engine.url, ...engine.users.writer, migrator: engine.users.migrator, flavour: { kind: 'server' } }
    : { url: engine.access.url, headers: engine.access.headers, ...engine.writer, migrator: engine.migrator },
);
await store.migrate();
const eventLog = new EmbeddedEventLog({
  journalDirectory: join(state, 'journal'),
  groupsDirectory: join(state, 'groups'),
  key,
  watermarks,
});
const signer = await openFileSigner({ directory: join(state, 'keys'), file: 'ledger', name: 'bench.example/ledger' });

const checkpoints = new FileCheckpointStore(join(state, 'checkpoint.json'));

/**
 * Runs the ledger until nothing is left to do. A sequencer alone goes on recording checkpoints that nobody takes in: it has done its work when all
 * `leaves` are sealed.
 */
async function run(roles, leaves = null) {
  const cpuBefore = processTree(process.pid).cpuMs;
  const startedAt = performance.now();
  const ledger = await startLedger({
    eventLog,
    ...(stored ? { sequencerLog: new StoredEventLog({ events: store, checkpoints, logger }), ownLog: eventLog } : {}),
    store,
    contentKeys,
    tiles: new FileTileStore(join(state, 'tiles')),
    checkpoints,
    signer,
    recorder: own.recorder,
    roles,
    codec,
    clock,
    logger,
    options: { checkpointInterval: 1_000 },
  });
  let health = await ledger.health();
  const isDone = () => (leaves === null ? health.unsealed === 0 : health.sealedSize >= leaves);
  while (!isDone() && health.halted === null) {
    // Each look lists the journal: oftener, and the looking would be part of the figure.
    await delay(100);
    health = await ledger.health();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuSeconds = (processTree(process.pid).cpuMs - cpuBefore) / 1000;
  await ledger.stop();
  if (health.halted !== null) throw new Error(health.halted);
  return { sealed: health.sealedSize, seconds, cpuSeconds };
}

const isApart = args.includes('--apart');
const taken = isApart ? await run(['ingest']) : null;
const whole = isApart ? await run(['sequencer'], events) : await run(['ingest', 'sequencer']);
const { sealed, seconds, cpuSeconds } = whole;

/** Bytes on disk: active parts by table, and the files of the tiles and of the journal. */
async function sizes() {
  const rows = await store.query(
    "SELECT table, toFloat64(sum(bytes_on_disk)) AS bytes FROM system.parts WHERE database = 'ledger' AND active GROUP BY table ORDER BY bytes DESC",
  );
  const tables = Object.fromEntries(rows.map(({ table, bytes }) => [table, Number(bytes)]));
  const files = (directory) =>
    readdirSync(join(state, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  return { ...tables, tiles: files('tiles'), journal: files('journal') };
}
/** The opened text, compared with events and keys; one thread of ours, the engine's part is in the seconds only. */
async function checkText() {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const work = { erasing: async () => false, dropping: async () => false };
  const found = await checkContent({ store, book, wrapper, work, eventLog, codec });
  if (found.finding_count + found.unchecked_count > 0) throw new Error(JSON.stringify(found.findings[0] ?? found.unchecked[0]));
  const used = process.cpuUsage(cpu);
  const inSeconds = (performance.now() - startedAt) / 1000;
  const { events: read, segments } = found;
  return {
    events: read,
    segments,
    seconds: inSeconds,
    eventsPerSecond: read / inSeconds,
    eventsPerCpuSecond: read / ((used.user + used.system) / 1e6),
  };
}
const bytes = await sizes();
// A baseline to compare with: docs/reference/verify.md. A sequencer alone leaves its own events without rows, which a verifier would name.
const verified = isApart
  ? null
  : await verifyEvents({ store, tiles: join(state, 'tiles'), note: (await checkpoints.fetch()).note, vkey: signer.vkey });
const checked = isApart ? null : await checkText();
await eventLog.close();
await store.close();
await engine.stop();
await Promise.all([gateway.journal.close(), own.journal.close()]);
rmSync(state, { recursive: true, force: true });

const perEvent = Object.fromEntries(Object.entries(bytes).map(([what, size]) => [what, Math.round((size / sealed) * 10) / 10]));
// The journal is no part of what stays: it is cut behind the sealed frontier.
const bytesPerEvent = Object.entries(bytes).reduce((sum, [what, size]) => sum + (what === 'journal' ? 0 : size), 0) / sealed;
const figures = {
  events: sealed,
  seconds,
  cpuSeconds,
  eventsPerSecond: sealed / seconds,
  eventsPerCpuSecond: sealed / cpuSeconds,
  ...(taken === null
    ? {}
    : { takenIn: { seconds: taken.seconds, perSecond: events / taken.seconds, perCpuSecond: events / taken.cpuSeconds } }),
  bytesPerEvent,
  perEvent,
  bodies: { bytes: BODY_BYTES, sealed: !isOpen },
  ...(checked === null ? {} : { checked }),
  ...(verified === null ? {} : { verified }),
};
if (args.includes('--json')) console.log(JSON.stringify(figures));
else {
  const line = (what, one) =>
    `${what} in ${one.seconds.toFixed(2)} s, ${one.cpuSeconds.toFixed(2)} CPU s (engine included): ${Math.round(one.sealed / one.seconds)}/s, ${Math.round(one.sealed / one.cpuSeconds)} per CPU second`;
  if (taken !== null) console.log(line(`${events} events taken in by the ingest alone`, { ...taken, sealed: events }));
  console.log(line(`${sealed} events sealed${isApart ? ' by the sequencer alone' : ''}`, whole));
  if (verified !== null)
    console.log(
      `${verified.events} events verified from their bytes in ${verified.seconds.toFixed(2)} s, ${verified.cpuSeconds.toFixed(2)} CPU s, one thread: ${Math.round(verified.eventsPerSecond)}/s a core by the clock, ${Math.round(verified.eventsPerCpuSecond)} per CPU second`,
    );
  if (checked !== null)
    console.log(
      `${checked.events} events with ${checked.segments} sealed segments checked against their opened text: ${Math.round(checked.eventsPerSecond)}/s, ${Math.round(checked.eventsPerCpuSecond)} per CPU second of ours`,
    );
  const { journal, ...lasting } = perEvent;
  const listed = Object.entries(lasting).map(([what, size]) => `${what} ${size}`);
  console.log(`${Math.round(bytesPerEvent)} bytes of ledger per event (bodies ${isOpen ? 'in the open' : 'sealed'}): ${listed.join(', ')}`);
  console.log(`${Math.round(journal)} bytes of journal per event, until it is sealed`);
}
process.exit(0);
