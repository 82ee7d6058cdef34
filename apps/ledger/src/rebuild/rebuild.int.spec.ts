import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventCodec, SystemClock, SystemIds } from '#events';
import { EmbeddedEventLog } from '#event-log';
import { createWatermarks, JournalRecorder, openJournal } from '#journal';
import { ClickHouseLedgerStore, startEmbeddedEngine, type EmbeddedEngine } from '#ledger-store';
import { createLogger } from '#observability';
import { loadOrCreateSecret, openFileSigner } from '#signing';
import { FileCheckpointStore, FileTileStore, recomputeRoot } from '#tlog';
import { rebuildGroup, rebuildLedger, startLedger, type RebuildPorts } from '../index.js';
import { controlDraft } from '../testing/world.js';

const logger = createLogger('test', { level: 'silent' });
const codec = new EventCodec();
const clock = new SystemClock();
let state: string;
let engine: EmbeddedEngine;
let store: ClickHouseLedgerStore;

async function openEngine(): Promise<void> {
  engine = await startEmbeddedEngine({ stateDirectory: state, logger });
  const { url, headers } = engine.access;
  store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
  await store.migrate();
}

/** The engine's data is gone, as after the loss of its disk. */
async function loseEngine(): Promise<void> {
  await store.close();
  await engine.stop();
  await rm(join(state, 'engine'), { recursive: true });
  await openEngine();
}

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'rebuild-'));
  await openEngine();
});
afterAll(async () => {
  await store.close();
  await engine.stop();
  await rm(state, { recursive: true, force: true });
});

const journalDirectory = (): string => join(state, 'journal');
const tiles = () => new FileTileStore(join(state, 'tiles'));
const checkpoints = () => new FileCheckpointStore(join(state, 'checkpoint.json'));

/** Runs the ledger while events come, in a few rounds; ends when all is sealed. */
async function live(events: number): Promise<void> {
  const key = await loadOrCreateSecret(join(state, 'keys', 'journal.key'));
  const watermarks = createWatermarks(['gateway', 'ledger']);
  const source = async (sourceId: string) => {
    const directory = join(journalDirectory(), sourceId);
    const { journal } = await openJournal({ directory, sourceId, key, segmentBytes: 1 << 20, highWaterBytes: 64 << 20, watermarks });
    return { journal, recorder: new JournalRecorder({ journal, codec, clock, ids: new SystemIds() }) };
  };
  const gateway = await source('gateway');
  const own = await source('ledger');
  const eventLog = new EmbeddedEventLog({ journalDirectory: journalDirectory(), groupsDirectory: join(state, 'groups'), key, watermarks });
  const signer = await openFileSigner({ directory: join(state, 'keys'), file: 'ledger', name: 'affiant.test/ledger' });
  const ports = { eventLog, store, tiles: tiles(), checkpoints: checkpoints(), signer, recorder: own.recorder, codec, clock, logger };
  const ledger = await startLedger({ ...ports, options: { checkpointInterval: 20 } });
  for (let part = 0; part < 4; part += 1) {
    await gateway.recorder.record(Array.from({ length: events / 4 }, (_, index) => controlDraft(`test.event ${index}`)));
    if (part === 1) await gateway.journal.append([{ topic: 0, payload: Buffer.from('no event') }]);
    expect(await ledger.drain(20_000)).toBe(true);
  }
  expect((await ledger.health()).halted).toBeNull();
  await ledger.stop();
  await eventLog.close();
  await gateway.journal.close();
  await own.journal.close();
}

async function rebuild(group: string, change: Partial<RebuildPorts> = {}) {
  const key = await loadOrCreateSecret(join(state, 'keys', 'journal.key'));
  const eventLog = new EmbeddedEventLog({ journalDirectory: journalDirectory(), groupsDirectory: join(state, 'groups'), key });
  const { vkey } = await openFileSigner({ directory: join(state, 'keys'), file: 'ledger', name: 'affiant.test/ledger' });
  try {
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
      group: rebuildGroup(group),
    };
    return await rebuildLedger({ ...ports, ...change });
  } finally {
    await eventLog.close();
  }
}

const TABLES = {
  events: 'SELECT * EXCEPT (ingested_at), toString(fields) AS fields FROM ledger.events ORDER BY source_id, seq',
  leaves: 'SELECT * FROM ledger.leaves ORDER BY leaf_index',
  runs: 'SELECT * FROM ledger.leaf_runs ORDER BY index_from',
  checkpoints: 'SELECT * EXCEPT (sealed_at) FROM ledger.checkpoints ORDER BY round',
  view: 'SELECT leaf_index, leaf_hash, payload_hash FROM audit.leaves ORDER BY leaf_index',
};

/** A digest of each table, taken by the engine. */
async function contents(): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const [name, sql] of Object.entries(TABLES)) {
    const [row] = await store.query<{ digest: string }>(
      `SELECT concat(toString(count()), ' ', lower(hex(SHA256(arrayStringConcat(groupArray(toString(tuple(*)))))))) AS digest FROM (${sql})`,
    );
    digests[name] = row!.digest;
  }
  return digests;
}

describe('a rebuild of the ledger store', () => {
  it('gives the same rows, leaves, runs and checkpoints, under the same root, and the ledger goes on', async () => {
    await live(400);
    const before = await contents();
    const sealed = (await checkpoints().fetch())!;
    await loseEngine();
    expect((await contents())['events']).toMatch(/^0 /);
    const report = await rebuild('one');
    expect(report).toMatchObject({
      size: sealed.tree_size,
      root: sealed.root_hash,
      rounds: sealed.round,
      missingRounds: 0,
      missingEvents: 0,
    });
    expect(await contents()).toEqual(before);
    const leaves = await store.query<{ leaf: string }>('SELECT hex(leaf) AS leaf FROM ledger.leaves ORDER BY leaf_index');
    expect(recomputeRoot(leaves.map((row) => Buffer.from(row.leaf, 'hex'))).root.toString('hex')).toBe(sealed.root_hash);

    expect(await rebuild('one')).toMatchObject({ size: sealed.tree_size, missingEvents: 0 });
    expect(await contents()).toEqual(before);
    await live(40);
    expect((await checkpoints().fetch())!.tree_size).toBeGreaterThan(sealed.tree_size + 39);
    const [doubled] = await store.query<{ n: number }>('SELECT count() - uniqExact(source_id, seq) AS n FROM ledger.events');
    expect(doubled).toEqual({ n: 0 });
  });

  it('refuses tiles that do not lead to the signed root, and events that are others than the tree says', async () => {
    await loseEngine();
    const damaged: RebuildPorts['tiles'] = {
      get: async (path) => {
        const bytes = await tiles().get(path);
        if (bytes === null || !path.startsWith('tile/entries')) return bytes;
        const changed = Buffer.from(bytes);
        changed[60]! ^= 1;
        return changed;
      },
    };
    await expect(rebuild('two', { tiles: damaged })).rejects.toMatchObject({ code: 'ledger_conflict' });
  });

  it('tells how many events are gone when the log does not hold them any more', async () => {
    await loseEngine();
    const sealed = (await checkpoints().fetch())!;
    await rm(join(journalDirectory(), 'gateway'), { recursive: true });
    const report = await rebuild('three');
    expect(report.size).toBe(sealed.tree_size);
    expect(report.missingEvents).toBeGreaterThan(400);
  });
});
