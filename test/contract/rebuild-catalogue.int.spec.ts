import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApprovalDesk } from '#apps/console';
import { openCatalogue, rebuildCatalogue, TypeormApprovalBook, TypeormPacketCatalogue, type Approval } from '#catalogue';
import { EventCodec, SystemClock, SystemIds, type DecodedEvent, type EventDraft, type EventRecorder, type Principal } from '#events';
import type { JobQueue } from '#job-queue';
import { createPacketDesk, findPacketFile, packetEvent, packetFileName } from '#packet-desk';
import { LocalPacketStore } from '#packet-store';
import { Rig } from '../../apps/proxy/src/testing/rig.js';

/** The gateway, the desks and the books write events and rows side by side; the rows must come back out of the events alone. */
describe('the catalogue rebuilt from the events of gateway, approval desk and packet desk', () => {
  let directory: string;
  let source: DataSource;
  let rebuilt: DataSource;
  let rig: Rig;
  const recorded: { readonly draft: EventDraft; readonly at: number }[] = [];
  const codec = new EventCodec();
  const clock = new SystemClock();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'affiant-rebuild-'));
    [source, rebuilt] = [
      await openCatalogue({ directory: join(directory, 'one') }),
      await openCatalogue({ directory: join(directory, 'two') }),
    ];
    rig = await Rig.start({
      approvals: { silent: 30_000 },
      options: { approvals: new TypeormApprovalBook(source, Date.now) },
    });
    rig.recorder.gate = async (drafts) => void recorded.push(...drafts.map((draft) => ({ draft, at: Date.now() })));
  });
  afterAll(async () => {
    await rig?.stop();
    await source?.destroy();
    await rebuilt?.destroy();
    await rm(directory, { recursive: true, force: true });
  });

  /** As a consumer gets them: encoded, decoded, and not in the order of their making. */
  async function* events(): AsyncGenerator<DecodedEvent> {
    for (const [index, { draft, at }] of [...recorded.entries()].toReversed()) {
      const envelope = {
        event_id: '0199aaaa-0000-7000-8000-000000000001',
        source_id: 'gateway-test',
        boot_epoch: 1,
        seq: index + 1,
        prev_hash: Buffer.alloc(32),
        occurred_at: at * 1000,
        clock_offset_us: 0,
        build: 'test',
        ...draft.context,
      };
      yield codec.decode(codec.encode(draft.type, { envelope, ...draft.event }));
    }
  }

  const approver = (subject: string): Principal => ({
    issuer: 'https://issuer.test',
    subject,
    kind: 'user',
    groups: ['owners'],
    actor: null,
    token_digest: null,
    token_expires_at: null,
    authenticated_by: null,
  });

  it('has the same approvals and packets', { timeout: 60_000 }, async () => {
    const book = new TypeormApprovalBook(source, Date.now);
    const recorder: EventRecorder = rig.recorder;
    const policy = { version: 'policies 1', digest: rig.policies.current().digest };
    const desk = createApprovalDesk({ book, recorder, clock, policy: () => policy, redact: (text) => text });
    const ask = async (text: string): Promise<{ readonly id: string; readonly answer: ReturnType<Rig['post']> }> => {
      const before = new Set((await book.list()).map(({ id }) => id));
      const answer = rig.post({ stream: true, text });
      const row = await vi.waitUntil(async () => (await book.list()).find(({ id }) => !before.has(id)), { timeout: 10_000 });
      return { id: row.id, answer };
    };
    const used = await ask('HOLD one');
    await desk.vote(used.id, approver('bob'), 'approve', 'checked');
    expect((await used.answer).status).toBe(200);
    const refused = await ask('HOLD two');
    await desk.vote(refused.id, approver('carol'), 'deny', 'not today');
    expect((await refused.answer).status).toBe(403);
    const waiting = await ask('HOLD three');

    const store = new LocalPacketStore(join(directory, 'packets'));
    const packets = new TypeormPacketCatalogue(source);
    const jobs = { enqueue: async () => undefined } as unknown as JobQueue;
    const packetDesk = createPacketDesk({ packets, store, recorder, clock, ids: new SystemIds(), jobs });
    const request = { framework: 'ffiec', from: '2026-01-01', to: '2026-02-01', requestedBy: approver('olga') } as const;
    const made = await packetDesk.create(request);
    const file = await store.put(packetFileName(made), Buffer.from('%PDF'));
    await recorder.record([packetEvent(made, approver('olga'), 'done', { tree_size: 9, sha256: file.sha256, pass: 3, no_activity: 1 })]);
    await packets.update(made.id, {
      ...file,
      state: 'done',
      progress: 1,
      step: 'done',
      tree_size: 9,
      finished_at: Date.now(),
      bytes: 4,
      verdicts: { PASS: 3, 'NO ACTIVITY': 1 },
    });
    const asked = await packetDesk.create({ ...request, treeSize: 7 });

    const rebuild = (): ReturnType<typeof rebuildCatalogue> =>
      rebuildCatalogue({ source: rebuilt, events: events(), nowMs: Date.now, find: findPacketFile(store), unfinished: 'keep' });
    expect(await rebuild()).toEqual({ approvals: 3, packets: 2, holds: 0, drops: 0, incomplete: 0 });
    const again = new TypeormApprovalBook(rebuilt, Date.now);
    for (const { id } of [used, refused, waiting]) expect(await again.get(id)).toEqual(like((await book.get(id))!));
    const packetsAgain = new TypeormPacketCatalogue(rebuilt);
    for (const { id } of [made, asked]) {
      const { created_at, finished_at, ...same } = (await packets.get(id))!;
      expect(await packetsAgain.get(id)).toEqual({ ...same, created_at: near(created_at), finished_at: near(finished_at) });
    }
    const [before, after] = [await packets.unfinished(9), await packetsAgain.unfinished(9)];
    expect(after.map(({ job }) => job)).toEqual(before.map(({ job }) => ({ ...job, seq: expect.any(Number) as number })));

    // Over the live catalogue it changes nothing that has ended, and closes what is open when told so.
    const live = { source, events: events(), nowMs: Date.now, find: findPacketFile(store) };
    const states = async (): Promise<string[]> => Promise.all([used, refused, waiting].map(async ({ id }) => (await book.get(id))!.state));
    await rebuildCatalogue({ ...live, unfinished: 'keep' });
    expect(await states()).toEqual(['released', 'denied', 'pending']);
    await rebuildCatalogue({ ...live, events: events() });
    expect(await states()).toEqual(['released', 'denied', 'expired']);
    expect((await waiting.answer).status).toBe(403);
    expect((await book.get(used.id))?.summary).toBe('HOLD one');
    expect(await packets.get(made.id)).toMatchObject({ state: 'done', path: file.path });
  });
});

/** Times are those of the events, some milliseconds off; the summary is not in the events. */
const near = (at: number | null): unknown => (at === null ? null : expect.toSatisfy((other: number) => Math.abs(other - at) < 1_000));

function like({ created_at, decided_at, votes, ...same }: Approval): unknown {
  return {
    ...same,
    summary: expect.any(String) as string,
    created_at: near(created_at),
    decided_at: near(decided_at),
    votes: votes.map((vote) => ({ ...vote, at: near(vote.at) })),
  };
}
