import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCatalogue, TypeormPacketCatalogue } from '#catalogue';
import { AffiantError } from '#errors';
import { SystemClock, SystemIds, type EventDraft } from '#events';
import type { JobQueue, JobStatus } from '#job-queue';
import { createLogger } from '#observability';
import { LocalPacketStore } from '#packet-store';
import { createPacketDesk } from './packet-desk.js';
import { startPacketSweep, sweepPackets, type SweepPorts } from './sweep-packets.js';

/** A queue whose jobs live, end and get lost as the test says. */
class PlayedQueue implements JobQueue {
  readonly jobs = new Map<string, { readonly payload: object; status: JobStatus }>();
  away = false;
  async enqueue(_name: string, payload: object, { key }: { readonly key: string }): Promise<void> {
    this.#answer();
    if (!this.jobs.has(key)) this.jobs.set(key, { payload, status: 'waiting' });
  }
  async status(_name: string, key: string): Promise<JobStatus | null> {
    this.#answer();
    return this.jobs.get(key)?.status ?? null;
  }
  work(): void {}
  async close(): Promise<void> {}
  #answer(): void {
    if (this.away) throw new AffiantError('job_queue_failed', 'away');
  }
}

let directory: string;
let source: DataSource;
let queue: PlayedQueue;
let events: EventDraft[];
let ports: SweepPorts & { readonly packets: TypeormPacketCatalogue };

const olga = {
  issuer: 'https://issuer.test',
  subject: 'olga',
  kind: 'user',
  groups: ['compliance'],
  actor: null,
  token_digest: 'aa',
  token_expires_at: null,
  authenticated_by: null,
} as const;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'affiant-sweep-'));
  source = await openCatalogue({ directory: join(directory, 'data') });
});
afterAll(async () => {
  await source?.destroy();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  await source.query('DELETE FROM packet');
  queue = new PlayedQueue();
  events = [];
  const recorder: SweepPorts['recorder'] = {
    sourceId: 'evidence',
    bootEpoch: 1,
    record: async (drafts) => {
      events.push(...drafts);
      return drafts.map(() => ({ event_id: 'e', source_id: 'console', seq: 4, payload_hash: Buffer.alloc(32) }));
    },
  };
  const packets = new TypeormPacketCatalogue(source);
  ports = { jobs: queue, packets, recorder, clock: new SystemClock(), logger: createLogger('test', { level: 'silent' }) };
});

const ask = (): Promise<{ readonly id: string }> =>
  createPacketDesk({ ...ports, ids: new SystemIds(), store: new LocalPacketStore(join(directory, 'packets')) }).create({
    framework: 'ffiec',
    from: '2026-01-01T00:00:00Z',
    to: '2026-02-01T00:00:00Z',
    requestedBy: olga,
  });

const end = (key: string, status: JobStatus): void => void (queue.jobs.get(key)!.status = status);

describe('the sweep of unfinished packets', () => {
  it('leaves a packet alone whose job waits or runs, and one that has ended', async () => {
    const { id } = await ask();
    expect(await sweepPackets(ports)).toEqual({ requeued: 0, failed: 0 });
    end(id, 'active');
    await ports.packets.update(id, { state: 'running' });
    expect(await sweepPackets(ports)).toEqual({ requeued: 0, failed: 0 });
    await ports.packets.update(id, { state: 'done' });
    end(id, 'done');
    expect(await sweepPackets(ports)).toEqual({ requeued: 0, failed: 0 });
    expect([...queue.jobs.keys()]).toEqual([id]);
  });

  it('puts the very job in again that the queue lost', async () => {
    const { id } = await ask();
    const { payload } = queue.jobs.get(id)!;
    queue.jobs.clear();
    expect(await sweepPackets(ports)).toEqual({ requeued: 1, failed: 0 });
    expect(queue.jobs.get(id)).toEqual({ payload, status: 'waiting' });
    expect(payload).toEqual({ id, requestedBy: olga, source: 'console', seq: 4 });
    expect(await sweepPackets(ports)).toEqual({ requeued: 0, failed: 0 });
  });

  it('takes a request while the queue is away, and puts its job in when it is back', async () => {
    queue.away = true;
    const { id } = await ask();
    expect(queue.jobs.size).toBe(0);
    const stop = startPacketSweep(ports, 20);
    await new Promise((resolve) => setTimeout(resolve, 80));
    queue.away = false;
    await vi.waitUntil(() => queue.jobs.has(id), { timeout: 5_000, interval: 5 });
    await stop();
  });

  it('gives a packet another job when its job ended without it, and gives up after five', async () => {
    const { id } = await ask();
    await ports.packets.update(id, { state: 'running' });
    const keys = [id, ...[1, 2, 3, 4, 5].map((nth) => `${id}.${nth}`)];
    for (const key of keys.slice(0, -1)) {
      end(key, 'failed');
      expect(await sweepPackets(ports)).toEqual({ requeued: 1, failed: 0 });
    }
    expect([...queue.jobs.keys()]).toEqual(keys);
    end(keys.at(-1)!, 'failed');
    expect(await sweepPackets(ports)).toEqual({ requeued: 0, failed: 1 });
    expect(await ports.packets.get(id)).toMatchObject({ state: 'failed', error: expect.stringContaining('without a result') as string });
    const last = events.at(-1);
    expect(last?.type === 'control' && last.event.attributes).toContainEqual({ name: 'code', value: 'packet_failed' });
    expect(last?.context.principal).toEqual(olga);
    expect(await sweepPackets(ports)).toEqual({ requeued: 0, failed: 0 });
  });

  it('finishes what a crash between count and job left', async () => {
    const { id } = await ask();
    end(id, 'failed');
    await ports.packets.setRequeues(id, 1);
    expect(await sweepPackets(ports)).toEqual({ requeued: 1, failed: 0 });
    expect([...queue.jobs.keys()]).toEqual([id, `${id}.1`]);
  });

  it('fails a packet of which nobody knows the job', async () => {
    await ports.packets.create({ id: 'old', framework: 'ffiec', from: 'a', to: 'b', requested_by: 'olga', created_at: 1 });
    expect(await sweepPackets(ports)).toEqual({ requeued: 0, failed: 1 });
    expect((await ports.packets.get('old'))?.state).toBe('failed');
  });
});
