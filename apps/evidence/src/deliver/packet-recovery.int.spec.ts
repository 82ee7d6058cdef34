import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  catalogueEvents,
  openCatalogue,
  rebuildCatalogue,
  TypeormApprovalBook,
  TypeormPacketCatalogue,
  type PacketRecord,
} from '#catalogue';
import { isAffiantError } from '#errors';
import { EventCodec, SystemClock, SystemIds, type EventDraft, type EventRecorder } from '#events';
import { BullJobQueue } from '#job-queue';
import { ObjectStore } from '#object-store';
import { createLogger } from '#observability';
import { createPacketDesk, PACKET_JOB, startPacketSweep, type PacketJob } from '#packet-desk';
import { S3PacketStore } from '#packet-store';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../../test/support/engines/postgres.mjs';
import { hasRedis, startRedis, type TestRedis } from '../../../../test/support/engines/redis.mjs';
import { hasS3, startS3, type TestS3 } from '../../../../test/support/engines/s3.mjs';
import { renderDirectly } from '../render/renderer.js';
import { person } from '../testing/ledger-world.js';
import { openLedger, type OpenLedger } from '../testing/open-ledger.js';
import { SCENARIO } from '../testing/scenario.js';
import { verifyPacket } from '../verify/verify-packet.js';
import { makePacket } from './make-packet.js';
import type { EvidencePorts } from './ports.js';

const PACKETS = 4;
const logger = createLogger('test', { level: 'silent' });
const present = [hasPostgres(), hasRedis(), hasS3()].every(Boolean);

describe.skipIf(!present)('packets while Redis, PostgreSQL and the object store are killed', () => {
  let ledger: OpenLedger;
  let postgres: TestPostgres;
  let redis: TestRedis;
  let s3: TestS3;
  let source: DataSource;
  let objects: ObjectStore;

  beforeAll(async () => {
    [ledger, postgres, redis, s3] = await Promise.all([openLedger(), startPostgres(), startRedis(), startS3()]);
    source = await openCatalogue({ url: await postgres.createDatabase('catalogue') });
    const { url: endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
    const access = { endpoint, region, bucket, accessKeyId, secretAccessKey, prefix: 'bank', pathStyle: true };
    objects = await ObjectStore.open({ ...access, retainMs: 3_600_000, nowMs: Date.now, logger });
  }, 240_000);
  afterAll(async () => {
    objects?.close();
    await source?.destroy();
    await Promise.all([ledger?.close(), postgres?.stop(), redis?.stop(), s3?.stop()]);
  });

  it('are each made, once, with the same bytes', { timeout: 600_000 }, async () => {
    const events: EventDraft[] = [];
    const recorder: EventRecorder = {
      sourceId: 'gateway',
      bootEpoch: 1,
      record: async (drafts) => {
        events.push(...drafts);
        return drafts.map(() => ({ event_id: 'e', source_id: 'gateway', seq: 1, payload_hash: Buffer.alloc(32) }));
      },
    };
    const open = (): Promise<BullJobQueue> => BullJobQueue.connect({ url: redis.url, logger, attempts: 3, backoffMs: 300, lockMs: 2_000 });
    const [front, ...workers] = await Promise.all([open(), open(), open()]);
    const packets = new TypeormPacketCatalogue(source);
    const ports: EvidencePorts = {
      engine: () => ledger.access,
      jobs: front!,
      packets,
      store: new S3PacketStore(objects),
      signer: ledger.signer,
      recorder,
      clock: new SystemClock(),
      ids: new SystemIds(),
      logger,
      institution: () => 'Example Bank',
      render: renderDirectly,
    };
    let runs = 0;
    for (const worker of workers) {
      worker.work(PACKET_JOB, async (payload) => {
        runs += 1;
        await makePacket(ports, payload as PacketJob);
      });
    }
    const stopSweep = startPacketSweep(ports, 400);
    const desk = createPacketDesk(ports);
    const asked: string[] = [];
    const request = { framework: 'ffiec', from: SCENARIO.from, to: SCENARIO.to, requestedBy: person('olga') } as const;
    const kills: [string, { kill(): Promise<void>; start(): Promise<void> }][] = [
      ['Redis', redis],
      ['PostgreSQL', postgres],
      ['S3', s3],
      ['Redis', redis],
    ];
    for (const [index, [, engine]] of kills.entries()) {
      if (index < PACKETS) asked.push((await patient(() => desk.create(request))).id);
      const before = runs;
      await vi.waitUntil(() => runs > before, { timeout: 60_000, interval: 10 });
      await delay(300);
      await engine.kill();
      // Long enough for the lock of the job in work to run out.
      await delay(1_500);
      await engine.start();
    }
    const states = async (): Promise<(PacketRecord['state'] | undefined)[]> =>
      Promise.all(asked.map(async (id) => (await packets.get(id))?.state));
    const ended = async (): Promise<boolean> => (await states().catch(() => ['queued'])).every((state) => state === 'done');
    await vi.waitUntil(ended, { timeout: 300_000, interval: 200 });
    await stopSweep();
    await Promise.all([front, ...workers].map((queue) => queue!.close()));

    const client = s3.client();
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: s3.bucket, Prefix: 'bank/packets/' }));
    client.destroy();
    expect(Versions, 'one version of one object each').toHaveLength(PACKETS);
    for (const id of asked) {
      const { bytes } = await desk.open(id);
      if (id === asked[0])
        expect(await verifyPacket(bytes, { vkey: ledger.signer.vkey, render: renderDirectly })).toMatchObject({ ok: true, problems: [] });
      const digests = events.filter((draft) => draft.type === 'control' && draft.event.subject === id).map(digestOf);
      expect(new Set(digests.filter(Boolean)).size, 'every run that came to its end made the same bytes').toBe(1);
    }
    const told = events.filter((draft) => digestOf(draft) !== undefined).length;
    console.log(`${kills.length} kills: ${PACKETS} asked, ${PACKETS} done, ${runs} runs, ${told} came to their end`);
  });

  it('are in the catalogue again when it is rebuilt from the ledger alone', { timeout: 60_000 }, async () => {
    const fresh = await openCatalogue({ url: await postgres.createDatabase('rebuilt') });
    const events = catalogueEvents(ledger.store, new EventCodec());
    const result = await rebuildCatalogue({ source: fresh, events, nowMs: Date.now, find: async () => null });
    const counts = async (sql: string): Promise<number> => Number((await ledger.store.query<{ n: string }>(sql))[0]?.n);
    expect(result.approvals).toBe(await counts('SELECT uniqExact(approval_id) AS n FROM audit.approvals'));
    expect(result.approvals).toBeGreaterThan(0);
    const states = (await new TypeormApprovalBook(fresh, Date.now).list({ limit: 1_000 })).map(({ state }) => state);
    expect(states).toHaveLength(result.approvals);
    expect(states.filter((state) => state === 'pending' || state === 'granted')).toEqual([]);
    await fresh.destroy();
  });
});

/** As a person would: asks again while something is away. */
async function patient<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isAffiantError(error) || error.status !== 503) throw error;
      await delay(100);
    }
  }
}

function digestOf(draft: EventDraft): string | undefined {
  return draft.type === 'control' ? draft.event.attributes.find(({ name }) => name === 'sha256')?.value : undefined;
}
