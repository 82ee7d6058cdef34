import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventCodec, SYSTEM_CONTEXT, SystemClock, SystemIds, type EventDraft } from '#events';
import { EmbeddedEventLog } from '#event-log';
import { createWatermarks, JournalRecorder, openJournal } from '#journal';
import { ClickHouseLedgerStore, ClickHouseRetentionStore, startEmbeddedEngine, type EmbeddedEngine } from '#ledger-store';
import { createLogger } from '#observability';
import { runRetention, type RetentionPorts } from '#retention';
import { loadOrCreateSecret, openFileSigner } from '#signing';
import { FileCheckpointStore, FileTileStore, leafHash, openCheckpoint, TileTree, verifyInclusion } from '#tlog';
import { MemoryHoldBook } from '../../../../libs/retention/src/testing/memory-hold-book.js';
import { rebuildGroup, rebuildLedger, startLedger, type Ledger } from '../index.js';
import { controlDraft } from '../testing/world.js';

const DAY = 86_400_000;
const MINUTES = 60_000;
const NAME = 'affiant.test/ledger';
const logger = createLogger('test', { level: 'silent' });
const codec = new EventCodec();
const clock = new SystemClock();
const book = new MemoryHoldBook();

let state: string;
let engine: EmbeddedEngine;
let store: ClickHouseLedgerStore;

const path = (...parts: string[]): string => join(state, ...parts);
const tiles = () => new FileTileStore(path('tiles'));
const checkpoints = () => new FileCheckpointStore(path('checkpoint.json'));
const signer = () => openFileSigner({ directory: path('keys'), file: 'ledger', name: NAME });
const letter = (number: number): EventDraft => ({
  context: SYSTEM_CONTEXT,
  type: 'dead_letter',
  event: {
    topic: 'affiant.request.v1',
    partition: 'p',
    offset: number,
    code: 'event_invalid',
    reason: 'test',
    payload: Buffer.from(`body ${number}`),
  },
});

async function openEngine(): Promise<void> {
  engine = await startEmbeddedEngine({ stateDirectory: state, logger });
  const { url, headers } = engine.access;
  store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
  await store.migrate();
}

/** The ledger at work, with a source that records into it. */
async function live(work: (parts: { ledger: Ledger; recorder: JournalRecorder }) => Promise<void>): Promise<void> {
  const key = await loadOrCreateSecret(path('keys', 'journal.key'));
  const watermarks = createWatermarks(['gateway', 'ledger']);
  const source = async (sourceId: string) => {
    const directory = path('journal', sourceId);
    const { journal } = await openJournal({ directory, sourceId, key, segmentBytes: 1 << 20, highWaterBytes: 64 << 20, watermarks });
    return { journal, recorder: new JournalRecorder({ journal, codec, clock, ids: new SystemIds() }) };
  };
  const [gateway, own] = [await source('gateway'), await source('ledger')];
  const eventLog = new EmbeddedEventLog({ journalDirectory: path('journal'), groupsDirectory: path('groups'), key, watermarks });
  const ports = {
    eventLog,
    store,
    tiles: tiles(),
    checkpoints: checkpoints(),
    signer: await signer(),
    recorder: own.recorder,
    codec,
    clock,
    logger,
  };
  const ledger = await startLedger({ ...ports, options: { checkpointInterval: 20 } });
  await work({ ledger, recorder: gateway.recorder });
  expect(await ledger.drain(MINUTES)).toBe(true);
  expect((await ledger.health()).halted).toBeNull();
  await ledger.stop();
  await eventLog.close();
  await gateway.journal.close();
  await own.journal.close();
}

/** One run of retention, 500 days from now. */
async function retain(recorder: RetentionPorts['recorder']) {
  const { url, headers } = engine.access;
  const retention = new ClickHouseRetentionStore({ url, headers, ...engine.retention });
  const policy = () => ({ content: 400 * DAY });
  try {
    return await runRetention({ book, store: retention, recorder, codec, policy, nowMs: () => clock.nowMs() + 500 * DAY });
  } finally {
    await retention.close();
  }
}

const count = async (where: string): Promise<number> =>
  (await store.query<{ n: number }>(`SELECT count() AS n FROM ledger.events WHERE ${where}`))[0]!.n;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'retention-'));
  await openEngine();
}, 5 * MINUTES);
afterAll(async () => {
  await store.close();
  await engine.stop();
  await rm(state, { recursive: true, force: true });
});

describe('retention in a ledger at work', () => {
  it('drops the content, keeps every proof, records it, and the ledger goes on', { timeout: 5 * MINUTES }, async () => {
    await live(async ({ ledger, recorder }) => {
      await recorder.record([...Array.from({ length: 40 }, (_, index) => letter(index)), controlDraft('test.stays')]);
      expect(await ledger.drain(MINUTES)).toBe(true);
      const leaves = await store.query<{ at: number; leaf: string }>(
        "SELECT l.leaf_index AS at, hex(l.leaf) AS leaf FROM ledger.leaves AS l JOIN ledger.events AS e ON e.source_id = l.source_id AND e.seq = l.seq WHERE e.event_type = 'dead_letter'",
      );
      expect(leaves).toHaveLength(40);

      const { dropped } = await retain(recorder);
      expect(dropped.reduce((sum, { rows }) => sum + rows, 0)).toBe(40);
      expect(await count("event_type = 'dead_letter'")).toBe(0);
      expect(await count("fields.kind = 'test.stays'")).toBe(1);

      // What comes afterwards is sealed on top of the tree that holds the leaves of what is gone.
      await recorder.record([controlDraft('test.after')]);
      expect(await ledger.drain(MINUTES)).toBe(true);
      const { vkey } = await signer();
      const head = openCheckpoint(await readFile(path('tiles', 'checkpoint')), [vkey]);
      const tree = new TileTree(tiles(), head.size);
      for (const { at, leaf } of leaves) {
        const bytes = Buffer.from(leaf, 'hex');
        expect(await tree.leaf(at)).toEqual(bytes);
        verifyInclusion(at, head.size, leafHash(bytes), await tree.inclusionProof(at), head.root);
      }
      expect(await count("fields.kind = 'retention.intended'")).toBe(dropped.length);
      expect(await count("fields.kind = 'retention.dropped'")).toBe(dropped.length);
    });
  });

  it('says what a rebuild brings back, and drops it again', { timeout: 5 * MINUTES }, async () => {
    await store.close();
    await engine.stop();
    await rm(path('engine'), { recursive: true });
    await openEngine();
    const key = await loadOrCreateSecret(path('keys', 'journal.key'));
    const eventLog = new EmbeddedEventLog({ journalDirectory: path('journal'), groupsDirectory: path('groups'), key });
    const { vkey } = await signer();
    const ports = {
      eventLog,
      store,
      tiles: tiles(),
      checkpoints: checkpoints(),
      vkeys: [vkey],
      contentKeys: { open: async () => new Map() },
      codec,
      clock,
      logger,
      group: rebuildGroup('again'),
    };
    const { returned, missingEvents } = await rebuildLedger(ports);
    await eventLog.close();
    expect(missingEvents).toBe(0);
    expect(returned.reduce((sum, { rows }) => sum + rows, 0)).toBe(40);
    await live(async ({ recorder }) => {
      const { dropped } = await retain(recorder);
      expect(dropped[0]!.id).toMatch(/\/content\/2$/);
      expect(await count("event_type = 'dead_letter'")).toBe(0);
    });
  });
});
