import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PacketCatalogue, PacketRecord, UnfinishedPacket } from '#catalogue';
import { AffiantError } from '#errors';
import { SystemClock, SystemIds, type EventDraft, type EventRecorder } from '#events';
import type { JobQueue } from '#job-queue';
import { createLogger } from '#observability';
import { createPacketDesk, PACKET_JOB, type PacketJob } from '#packet-desk';
import { LocalPacketStore } from '#packet-store';
import { renderDirectly } from '../render/renderer.js';
import { person } from '../testing/ledger-world.js';
import { openLedger, type OpenLedger } from '../testing/open-ledger.js';
import { SCENARIO } from '../testing/scenario.js';
import { verifyPacket } from '../verify/verify-packet.js';
import { makePacket } from './make-packet.js';
import type { EvidencePorts } from './ports.js';

class MemoryCatalogue implements PacketCatalogue {
  readonly records = new Map<string, PacketRecord>();
  readonly jobs = new Map<string, { readonly job: object | null; requeues: number }>();
  async create(
    packet: Pick<PacketRecord, 'id' | 'framework' | 'from' | 'to' | 'requested_by' | 'created_at'>,
    job: object | null = null,
  ): Promise<PacketRecord> {
    this.jobs.set(packet.id, { job, requeues: 0 });
    return this.#put({
      ...packet,
      tree_size: null,
      state: 'queued',
      progress: 0,
      step: '',
      finished_at: null,
      sha256: null,
      path: null,
      bytes: null,
      verdicts: null,
      error: null,
    });
  }
  async update(id: string, change: Partial<Omit<PacketRecord, 'id'>>): Promise<PacketRecord> {
    const record = this.records.get(id);
    if (record === undefined) throw new AffiantError('not_found', 'no packet');
    if (record.state === 'done' || record.state === 'refused') return record;
    return this.#put({ ...record, ...change });
  }
  async pin(id: string, treeSize: number): Promise<number> {
    const pinned = this.records.get(id)?.tree_size ?? treeSize;
    await this.update(id, { tree_size: pinned });
    return pinned;
  }
  async unfinished(limit: number): Promise<UnfinishedPacket[]> {
    const open = [...this.records.values()].filter(({ state }) => state === 'queued' || state === 'running');
    return open.slice(0, limit).map((packet) => ({ packet, job: null, requeues: 0, ...this.jobs.get(packet.id) }));
  }
  async setRequeues(id: string, requeues: number): Promise<void> {
    this.jobs.set(id, { job: this.jobs.get(id)?.job ?? null, requeues });
  }
  async get(id: string): Promise<PacketRecord | null> {
    return this.records.get(id) ?? null;
  }
  async list(limit = 100): Promise<PacketRecord[]> {
    return [...this.records.values()].slice(0, limit);
  }
  #put(record: PacketRecord): PacketRecord {
    this.records.set(record.id, record);
    return record;
  }
}

let ledger: OpenLedger;
beforeAll(async () => void (ledger = await openLedger()), 120_000);
afterAll(() => ledger.close());

interface World {
  readonly ports: EvidencePorts;
  readonly events: EventDraft[];
  readonly jobs: PacketJob[];
  readonly packets: MemoryCatalogue;
}

function world(changes: Partial<EvidencePorts> = {}): World {
  const events: EventDraft[] = [];
  const jobs: PacketJob[] = [];
  const packets = new MemoryCatalogue();
  const recorder: EventRecorder = {
    sourceId: 'gateway',
    bootEpoch: 1,
    // The request is event 1 of the source: the scenario's checkpoint covers it.
    record: async (drafts) => {
      events.push(...drafts);
      return drafts.map(() => ({ event_id: 'e', source_id: 'gateway', seq: 1, payload_hash: Buffer.alloc(32) }));
    },
  };
  const queue: JobQueue = {
    enqueue: async (name, payload) => void (name === PACKET_JOB && jobs.push(payload as PacketJob)),
    work: () => {},
    status: async () => null,
    close: async () => {},
  };
  const ports: EvidencePorts = {
    engine: () => ledger.access,
    jobs: queue,
    packets,
    store: new LocalPacketStore(join(ledger.directory, 'packets')),
    signer: ledger.signer,
    recorder,
    clock: new SystemClock(),
    ids: new SystemIds(),
    logger: createLogger('test', { level: 'silent' }),
    institution: () => 'Example Bank',
    render: renderDirectly,
    ...changes,
  };
  return { ports, events, jobs, packets };
}

const request = { framework: 'ffiec', from: SCENARIO.from, to: SCENARIO.to, requestedBy: person('olga') } as const;
const attributes = (draft: EventDraft | undefined): Record<string, string> =>
  draft?.type === 'control' ? Object.fromEntries(draft.event.attributes.map(({ name, value }) => [name, value])) : {};

describe('a packet job', () => {
  it('delivers a sealed packet that verifies, and records request and result', async () => {
    const { ports, events, jobs, packets } = world();
    const desk = createPacketDesk(ports);
    const { id } = await desk.create(request);
    await expect(desk.open(id)).rejects.toMatchObject({ code: 'not_found' });
    await makePacket(ports, jobs[0] as PacketJob);
    const record = packets.records.get(id);
    expect(record).toMatchObject({ state: 'done', progress: 1, tree_size: ledger.treeSize, error: null });
    const { bytes, sha256, name } = await desk.open(id);
    expect(name).toMatch(/^affiant-ffiec-2026-10-01-2026-10-04-[0-9a-f-]{36}\.pdf$/);
    expect(await verifyPacket(bytes, { vkey: ledger.signer.vkey, render: renderDirectly })).toMatchObject({ ok: true, problems: [] });
    expect(events.map(attributes).map(({ status }) => status)).toEqual(['started', 'done']);
    expect(attributes(events[1])).toMatchObject({
      sha256,
      framework: 'ffiec',
      tree_size: String(ledger.treeSize),
      pass: String(record?.verdicts?.['PASS']),
    });
  }, 120_000);

  it('run again after a crash at any step gives the same file and ends done', async () => {
    const { ports, jobs, packets } = world();
    const { id } = await createPacketDesk(ports).create(request);
    const job = jobs[0] as PacketJob;
    const crash = new Error('killed');
    const once = <T>(value: T): (() => T) => {
      let left = 1;
      return () => {
        if (left-- > 0) throw crash;
        return value;
      };
    };
    // After the file was put but before its event, then after the event but before the record.
    const noEvent: EvidencePorts = { ...ports, recorder: { ...ports.recorder, record: async () => Promise.reject(crash) } };
    await expect(makePacket(noEvent, job)).rejects.toThrow();
    const settle = once(null);
    const noRecord: EvidencePorts = {
      ...ports,
      packets: {
        create: (packet, wanted) => packets.create(packet, wanted),
        pin: (packet, size) => packets.pin(packet, size),
        get: (packet) => packets.get(packet),
        list: (limit) => packets.list(limit),
        unfinished: (limit) => packets.unfinished(limit),
        setRequeues: (packet, requeues) => packets.setRequeues(packet, requeues),
        update: async (packet, change) => {
          if (change.state === 'done') settle();
          return packets.update(packet, change);
        },
      },
    };
    await expect(makePacket(noRecord, job)).rejects.toThrow();
    await makePacket(ports, job);
    const record = packets.records.get(id);
    expect(record?.state).toBe('done');
    expect((await ports.store.list()).filter((name) => name.includes(id))).toHaveLength(1);
    await makePacket(ports, job);
    expect(packets.records.get(id)).toEqual(record);
  }, 180_000);

  it('made twice at the same time is one packet of the same bytes', async () => {
    // What Bull does when Redis is killed under an active job: a second worker begins while the first goes on.
    const { ports, events, jobs, packets } = world();
    const { id } = await createPacketDesk(ports).create(request);
    const job = jobs[0] as PacketJob;
    await Promise.all([makePacket(ports, job), makePacket(ports, job)]);
    expect(packets.records.get(id)).toMatchObject({ state: 'done', error: null });
    expect((await ports.store.list()).filter((name) => name.includes(id))).toHaveLength(1);
    const { sha256 } = await createPacketDesk(ports).open(id);
    const made = events.map(attributes).filter(({ status }) => status === 'done');
    expect(new Set(made.map((facts) => facts['sha256']))).toEqual(new Set([sha256]));
  }, 180_000);

  it('says why a packet is refused, and does not try again', async () => {
    const { ports, events, jobs, packets } = world();
    const { id } = await createPacketDesk(ports).create({ ...request, treeSize: 3 });
    await makePacket(ports, jobs[0] as PacketJob);
    expect(packets.records.get(id)).toMatchObject({
      state: 'refused',
      error: expect.stringContaining('no checkpoint of tree size 3') as string,
    });
    expect(attributes(events.at(-1))).toMatchObject({ status: 'refused', code: 'packet_refused' });
  });

  it('fails loudly when the engine is away, so that the queue tries again', async () => {
    const { ports, jobs, packets } = world({
      sealWait: 0,
      engine: () => {
        throw new AffiantError('engine_failed', 'the engine is starting');
      },
    });
    const { id } = await createPacketDesk(ports).create(request);
    await expect(makePacket(ports, jobs[0] as PacketJob)).rejects.toMatchObject({ code: 'engine_failed' });
    expect(packets.records.get(id)).toMatchObject({ state: 'failed', error: expect.stringContaining('the engine is starting') as string });
  });

  it.each([
    [{ framework: 'sox' as 'ffiec' }, 'framework'],
    [{ from: 'yesterday' }, 'from must be'],
    [{ from: SCENARIO.to, to: SCENARIO.from }, 'begin before it ends'],
    [{ to: '2999-01-01T00:00:00Z' }, 'ends in the future'],
    [{ treeSize: 0 }, 'tree size'],
  ])('refuses wrong use %j', async (changes, text) => {
    const { ports } = world();
    await expect(createPacketDesk(ports).create({ ...request, ...changes })).rejects.toMatchObject({
      code: 'usage_invalid',
      message: expect.stringContaining(text) as string,
    });
  });
});
