import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_TOPICS, TOPICS, type Topic } from '#events';
import { createLogger } from '#observability';
import { Shipper, type ShipperOptions } from './shipper.js';
import { FakeSender, MemoryJournal, MemoryPosition } from './testing.fixture.js';

const RESEND_MS = 1_000;
let journal: MemoryJournal;
let sender: FakeSender;
let positions: MemoryPosition;
let nowMs: number;
const running: Shipper[] = [];

beforeEach(() => {
  journal = new MemoryJournal();
  sender = new FakeSender();
  positions = new MemoryPosition();
  nowMs = 10_000;
});
afterEach(async () => void (await Promise.all(running.splice(0).map((shipper) => shipper.stop(0)))));

async function ship(limits: ShipperOptions['limits'] = {}): Promise<Shipper> {
  const shipper = new Shipper({
    sourceId: 'proxy-a',
    reader: journal,
    durableSeq: journal.last,
    sender,
    partition: 3,
    positions,
    resendAfterMs: RESEND_MS,
    clock: { nowUs: () => nowMs * 1000, nowMs: () => nowMs, monotonicUs: () => nowMs * 1000, offsetUs: () => 0 },
    logger: createLogger('test', { level: 'silent' }),
    limits,
    pause: () => new Promise((resolve) => setTimeout(resolve, 1)),
  });
  await shipper.start();
  running.push(shipper);
  return shipper;
}

async function until(check: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!check()) {
    if (Date.now() > end) throw new Error('timed out');
    journal.wake();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const spread = (count: number): void => {
  for (let at = 0; at < count; at += 1) journal.append(ALL_TOPICS[at % 3] as Topic);
};
const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
const isAscending = (seqs: readonly number[] = []): boolean => seqs.every((seq, at) => at === 0 || seq > (seqs[at - 1] as number));

describe('the shipper', () => {
  it('ships everything, each topic in the order of the journal, in bounded sends', async () => {
    spread(2_000);
    const shipper = await ship();
    await until(() => shipper.shippedSeq === 2_000);
    spread(10);
    await until(() => shipper.shippedSeq === 2_010);
    expect(sender.held()).toEqual(upTo(2_010));
    for (const seqs of sender.log.values()) expect(isAscending(seqs)).toBe(true);
    expect(Math.max(...sender.sends.map(({ seqs }) => seqs.length))).toBeLessThanOrEqual(500);
    expect(shipper.report()).toMatchObject({ lag: 0, shippedSeq: 2_010, resent: 0, lastError: null });
  });

  it('sends a rejected batch again, whether it was in the log or not, and nothing of that topic before it', async () => {
    let count = 0;
    sender.fate = () => (['lost', 'applied', 'ok'] as const)[count++ % 3] ?? 'ok';
    spread(300);
    const shipper = await ship({ batchRecords: 20 });
    await until(() => shipper.shippedSeq === 300);
    expect(sender.held()).toEqual(upTo(300));
    // A doubled batch stands behind itself, never behind a later one.
    for (const seqs of sender.log.values()) expect(isAscending([...new Set(seqs)])).toBe(true);
    expect([...sender.log.values()].flat().length).toBeGreaterThan(300);
  });

  it('lets one topic go on while another hangs, and says shipped only for what is whole', async () => {
    let release: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => (release = resolve));
    sender.fate = async (topic) => {
      if (topic === TOPICS.decision) await hanging;
      return 'ok' as const;
    };
    spread(90);
    const shipper = await ship();
    await until(() => (sender.log.get(TOPICS.response)?.length ?? 0) === 30);
    // Seq 2 is the first decision.
    expect(shipper.shippedSeq).toBe(1);
    expect(shipper.report().lag).toBe(89);
    release();
    await until(() => shipper.shippedSeq === 90);
  });

  it('goes on for ever while the log is away, holds a bounded amount, and tells why', async () => {
    sender.fate = () => 'lost';
    journal.fill(5_000);
    const shipper = await ship({ queueBytes: 1_000 });
    await until(() => sender.sends.length > 20);
    expect(shipper.report()).toMatchObject({ shippedSeq: 0, lastError: { code: 'event_log_failed' } });
    expect(new Set(sender.sends.map(({ seqs }) => seqs[0]))).toEqual(new Set([1]));
    sender.fate = () => 'ok';
    await until(() => shipper.shippedSeq === 5_000);
    expect(sender.held()).toEqual(upTo(5_000));
  });

  it('begins behind the stored position, and with the oldest record when that is gone or of another journal', async () => {
    journal.fill(100);
    positions.position = { shipped: 40, leaf: 40, frontier: 10 };
    const shipper = await ship();
    await until(() => shipper.shippedSeq === 100);
    expect(sender.held()[0]).toBe(41);
    await shipper.stop(100);
    expect(positions.position).toMatchObject({ shipped: 100, leaf: 100 });

    sender = new FakeSender();
    positions.position = { shipped: 700, leaf: 700, frontier: 700 };
    journal.trimTo(21);
    const other = await ship();
    await until(() => other.shippedSeq === 100);
    expect(sender.held()[0]).toBe(21);
  });
});

describe('replicatedThrough', () => {
  it('resolves when everything up to the seq is acknowledged', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    sender.fate = async () => {
      await gate;
      return 'ok' as const;
    };
    const shipper = await ship();
    const seq = journal.append(TOPICS.request);
    let done = false;
    const waiting = shipper.replicatedThrough(seq, 5_000).then((reached) => (done = reached));
    await until(() => sender.sends.length === 1);
    expect(done).toBe(false);
    release();
    expect(await waiting).toBe(true);
  });

  it('gives up in time, and at once when sends have failed for longer than that', async () => {
    sender.fate = () => 'lost';
    const shipper = await ship();
    const seq = journal.append(TOPICS.request);
    expect(await shipper.replicatedThrough(seq, 20)).toBe(false);
    nowMs += 60_000;
    const begun = performance.now();
    expect(await shipper.replicatedThrough(seq, 30_000)).toBe(false);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});

describe('what the ledger does not acknowledge', () => {
  it('is sent again after a while, from the frontier on, and not while the frontier moves', async () => {
    journal.fill(50);
    const shipper = await ship();
    await until(() => shipper.shippedSeq === 50);
    shipper.acknowledged(20);
    nowMs += RESEND_MS - 1;
    journal.wake();
    shipper.acknowledged(30);
    await until(() => shipper.report().frontier === 30);
    const before = sender.sends.length;
    nowMs += RESEND_MS - 1;
    journal.append(TOPICS.request);
    await until(() => shipper.shippedSeq === 51);
    expect(shipper.report().resent).toBe(0);
    nowMs += RESEND_MS + 1;
    await until(() => shipper.report().resent > 0);
    expect(sender.sends.slice(before + 1)[0]?.seqs[0]).toBe(31);
    expect(shipper.shippedSeq).toBe(51);
  });

  it('reaches a log that acknowledged and then lost it', async () => {
    sender.fate = (_topic, seqs) =>
      seqs.includes(7) && sender.sends.filter((send) => send.seqs.includes(7)).length === 1 ? 'swallowed' : 'ok';
    journal.fill(10);
    const shipper = await ship({ batchRecords: 1 });
    await until(() => shipper.shippedSeq === 10);
    expect(sender.held()).not.toContain(7);
    shipper.acknowledged(6);
    await until(() => {
      nowMs += RESEND_MS;
      return sender.held().includes(7);
    });
  });

  it('is not sent again when only checkpoints are left, nor before any frontier is known', async () => {
    journal.fill(5);
    journal.append(TOPICS.checkpoint);
    const shipper = await ship();
    await until(() => shipper.shippedSeq === 6);
    nowMs += 100 * RESEND_MS;
    journal.append(TOPICS.checkpoint);
    await until(() => shipper.shippedSeq === 7);
    shipper.acknowledged(5);
    for (let turn = 0; turn < 5; turn += 1) {
      nowMs += 100 * RESEND_MS;
      const seq = journal.append(TOPICS.checkpoint);
      await until(() => shipper.shippedSeq === seq);
    }
    expect(shipper.report()).toMatchObject({ resent: 0, unacknowledged: 0 });
  });
});
