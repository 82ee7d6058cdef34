import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventCodec, loadSchemas, SystemClock, SystemIds, type Body } from '#events';
import { EmbeddedEventLog } from '#event-log';
import { createWatermarks, JournalRecorder, openJournal, type FileJournal, type Watermarks } from '#journal';
import { ClickHouseLedgerStore, startEmbeddedEngine, type EmbeddedEngine } from '#ledger-store';
import { createLogger } from '#observability';
import { loadOrCreateSecret, openFileSigner } from '#signing';
import { FileCheckpointStore, FileTileStore, openCheckpoint, recomputeRoot, TileTree, verifyConsistency } from '#tlog';
import { otherVersion } from '../../../test/support/schema-versions.mjs';
import { startLedger, StoredTrail, StoredWords, type Ledger, type LedgerPorts } from './index.js';
import { answerDraft } from './testing/answer-draft.js';
import { requestDraft, responseDraft } from './testing/exchange-drafts.js';
import { controlDraft } from './testing/world.js';

const logger = createLogger('test', { level: 'silent' });
/** As an earlier release wrote them: without some of today's fields, and with one that is no more. */
const earlier = otherVersion(loadSchemas(), {
  firstId: 901,
  without: ['connection', 'joins_exchange', 'error_code', 'timeline'],
  withFields: { Envelope: [{ name: 'retired', type: { type: 'array', items: 'string' }, default: [] }] },
});
const codec = new EventCodec(loadSchemas(), earlier);
const clock = new SystemClock();
let state: string;
let engine: EmbeddedEngine;
let store: ClickHouseLedgerStore;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'ledger-'));
  engine = await startEmbeddedEngine({ stateDirectory: state, logger });
  const { url, headers } = engine.access;
  store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
  await store.migrate();
});

afterAll(async () => {
  await store.close();
  await engine.stop();
  await rm(state, { recursive: true, force: true });
});

interface Life {
  readonly gateway: JournalRecorder;
  readonly gatewayJournal: FileJournal;
  /** A gateway that is not upgraded yet. */
  readonly oldGateway: JournalRecorder;
  readonly ledger: Ledger;
  readonly vkey: string;
  end(): Promise<void>;
}

/** One start of everything on the state directory, as apps/standalone composes it. */
async function live(change: Partial<Pick<LedgerPorts, 'words' | 'trail'>> = {}, abortAfter = 86_400_000): Promise<Life> {
  const key = await loadOrCreateSecret(join(state, 'keys', 'journal.key'));
  const journalDirectory = join(state, 'journal');
  const watermarks = createWatermarks(['gateway', 'old-gateway', 'ledger']);
  const gateway = await source('gateway', journalDirectory, key, watermarks);
  const old = await source('old-gateway', journalDirectory, key, watermarks, new EventCodec(earlier, []));
  const own = await source('ledger', journalDirectory, key, watermarks);
  const eventLog = new EmbeddedEventLog({ journalDirectory, groupsDirectory: join(state, 'groups'), key, watermarks });
  const signer = await openFileSigner({ directory: join(state, 'keys'), file: 'ledger', name: 'affiant.test/ledger' });
  const ledger = await startLedger({
    eventLog,
    store,
    tiles: new FileTileStore(join(state, 'tiles')),
    checkpoints: new FileCheckpointStore(join(state, 'checkpoint.json')),
    signer,
    recorder: own.recorder,
    codec,
    clock,
    logger,
    options: { checkpointInterval: 50, frontierInterval: 0, abortAfter },
    ...change,
  });
  const end = async (): Promise<void> => {
    await ledger.stop();
    await eventLog.close();
    await gateway.journal.close();
    await old.journal.close();
    await own.journal.close();
  };
  return { gateway: gateway.recorder, gatewayJournal: gateway.journal, oldGateway: old.recorder, ledger, vkey: signer.vkey, end };
}

async function source(sourceId: string, journals: string, key: Buffer, watermarks: Watermarks, writes = codec) {
  const directory = join(journals, sourceId);
  const { journal } = await openJournal({ directory, sourceId, key, segmentBytes: 1 << 20, highWaterBytes: 64 << 20, watermarks });
  return { journal, recorder: new JournalRecorder({ journal, codec: writes, clock, ids: new SystemIds() }) };
}

const drafts = (count: number) => Array.from({ length: count }, (_, index) => controlDraft(`test.event ${index}`));
const published = (): Promise<string> => readFile(join(state, 'tiles', 'checkpoint'), 'utf8');

describe('on journals, files and the embedded engine', () => {
  it('makes every event queryable and sealed, over restarts, under one growing tree', async () => {
    const first = await live();
    await first.gateway.record(drafts(300));
    await first.gatewayJournal.append([{ topic: 0, payload: Buffer.from('no event') }]);
    expect(await first.ledger.drain(90_000)).toBe(true);
    expect(await first.ledger.health()).toMatchObject({ ingestLag: 0, sealedSize: 301 + 1, halted: null });
    const before = openCheckpoint(await published(), [first.vkey]);
    await first.end();

    const second = await live();
    await second.gateway.record(drafts(20));
    await second.end();
    const third = await live();
    expect(await third.ledger.drain(90_000)).toBe(true);
    const { sealedSize, halted } = await third.ledger.health();
    expect(halted).toBeNull();
    await third.end();

    const head = openCheckpoint(await published(), [third.vkey]);
    expect(head.size).toBe(sealedSize);
    const tree = new TileTree(new FileTileStore(join(state, 'tiles')), head.size);
    verifyConsistency(before.size, head.size, await tree.consistencyProof(before.size), before.root, head.root);
    const leaves = await store.query<{ leaf: string }>('SELECT hex(leaf) AS leaf FROM ledger.leaves ORDER BY leaf_index');
    expect(recomputeRoot(leaves.map((row) => Buffer.from(row.leaf, 'hex')))).toEqual({ size: head.size, root: head.root });
    const kinds = await store.query<{ event_type: string; events: string }>(
      'SELECT event_type, toString(count()) AS events FROM ledger.events GROUP BY event_type ORDER BY event_type',
    );
    expect(Object.fromEntries(kinds.map((row) => [row.event_type, Number(row.events)]))).toMatchObject({
      undecodable: 1,
      dead_letter: 1,
    });
  });

  it('shows exchanges that a gateway of an earlier release recorded like all others, under the digest of its schemas', async () => {
    const life = await live();
    const answer = answerDraft();
    const { body } = answer.event as { body: Body };
    const asked = {
      protocol: 'anthropic',
      operation: 'messages',
      method: 'POST',
      path: '/v1/messages',
      model: 'claude-sonnet-4-5',
      stream: false,
      tools: ['sql'],
      user_agent: null,
      client_address: null,
      correlation: [],
      joins_exchange: null,
      body,
    };
    await life.oldGateway.record([{ context: answer.context, type: 'request', event: asked }, answer]);
    expect(await life.ledger.drain(90_000)).toBe(true);
    expect((await life.ledger.health()).halted).toBeNull();
    await life.end();
    const exchanges = await store.query<Record<string, unknown>>(
      `SELECT toString(exchange_id) AS exchange, operation, model, outcome, principal_subject AS who, connection
         FROM audit.exchanges WHERE exchange_id = '${String(answer.context.exchange_id)}'`,
    );
    expect(exchanges).toEqual([
      {
        exchange: answer.context.exchange_id,
        operation: 'messages',
        model: 'claude-sonnet-4-5',
        outcome: 'completed',
        who: 'developer@example.com',
        connection: '',
      },
    ]);
    const schemas = await store.query<{ type: string; hash: string }>(
      `SELECT event_type AS type, lower(hex(schema_sha256)) AS hash FROM ledger.events
         WHERE source_id = 'old-gateway' AND event_type IN ('request', 'response') ORDER BY seq`,
    );
    expect(schemas).toEqual(
      ['Request', 'Response'].map((name) => ({
        type: name.toLowerCase(),
        hash: earlier.find((schema) => schema.name === `affiant.v1.${name}`)?.sha256,
      })),
    );
  });
});

describe('what the ledger testifies', () => {
  it('is recorded once, and found again by the next start', async () => {
    const words = new StoredWords(store);
    const count = async (kind: string): Promise<number> => (await words.told([kind])).length;
    for (let life = 1; life <= 2; life += 1) {
      const { gateway, ledger, end } = await live({ words, trail: new StoredTrail(store) });
      await gateway.record(drafts(3));
      await until(async () => (await count('schema.registered')) > 0 && (await count('ledger.frontier')) >= life);
      expect(await ledger.drain(60_000)).toBe(true);
      await end();
    }
    const schemas = await words.told(['schema.registered']);
    expect(schemas.map(({ subject }) => subject).sort()).toEqual(codec.readable.map(({ sha256 }) => sha256).sort());
    expect(schemas[0]!.attributes['name']).toMatch(/^affiant\.v1\./);
    const detail = await store.query<{ digest: string; subject: string }>(
      `SELECT lower(hex(SHA256(assumeNotNull(detail)))) AS digest, assumeNotNull(subject) AS subject FROM audit.control WHERE kind = 'schema.registered'`,
    );
    for (const { digest, subject } of detail) expect(digest).toBe(subject);
    expect(detail).toHaveLength(codec.readable.length);
  });

  it('names the lives of every source, and requests without a response, from what the engine holds', async () => {
    const words = new StoredWords(store);
    const trail = new StoredTrail(store);
    const [answered, left] = ['01990000-0000-7000-8000-0000000000a1', '01990000-0000-7000-8000-0000000000a2'];
    const subjects = async (kind: string): Promise<string[]> => (await words.told([kind])).map(({ subject }) => subject);
    const first = await live({ words, trail }, 0);
    await first.gateway.record([requestDraft(answered), responseDraft(answered), requestDraft(left)]);
    await until(async () => (await subjects('exchange.aborted')).includes(left));
    await first.gateway.record([responseDraft(left), controlDraft('gateway.stopped')]);
    await until(async () => (await subjects('exchange.answered')).includes(left));
    const isClosed = (ended: string) => async () =>
      (await words.told(['epoch.closed'])).some(({ subject, attributes }) => subject === 'gateway' && attributes['ended'] === ended);
    await until(isClosed('announced'));
    await first.end();
    expect(await subjects('exchange.aborted')).toEqual([left]);
    expect(await trail.accounted()).toBeGreaterThan(0);
    // The lives of the tests before ended without a word, and each was told to be closed by the one that followed.
    expect(await isClosed('unannounced')()).toBe(true);
    const lives = await store.query<{ epoch: string; kinds: string[]; ok: number }>(
      `SELECT attributes['epoch'] AS epoch, arraySort(groupUniqArray(toString(kind))) AS kinds,
              toUInt8(any(toUInt64(attributes['epoch'])) IN (SELECT boot_epoch FROM audit.events WHERE source_id = 'gateway')) AS ok
       FROM audit.control WHERE kind LIKE 'epoch.%' AND subject = 'gateway' GROUP BY epoch ORDER BY toUInt64(epoch)`,
    );
    expect(lives.length).toBeGreaterThan(2);
    expect(lives.map(({ kinds }) => kinds)).toEqual(lives.map(() => ['epoch.closed', 'epoch.opened']));
    expect(lives.every(({ ok }) => ok === 1)).toBe(true);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come true within a minute');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
