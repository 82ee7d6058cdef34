import { describe, expect, it } from 'vitest';
import { createLogger } from '#observability';
import type { SourceProgress, StoredEvents } from './port.js';
import { Progress } from './progress.js';
import { StoredEventLog } from './stored-event-log.js';

const MINUTE = 60_000_000;

/** Seqs of sources in memory; every read is counted. */
class Held implements StoredEvents {
  readonly sources = new Map<string, Set<number>>();
  readonly reads: string[] = [];
  broken: 'twice' | 'gone' | null = null;

  add(source: string, ...seqs: number[]): void {
    this.sources.set(source, new Set([...(this.sources.get(source) ?? []), ...seqs]));
  }

  async eventCount(): Promise<number> {
    return [...this.sources.values()].reduce((sum, seqs) => sum + seqs.size, 0);
  }

  async otherSources(known: readonly string[]): Promise<string[]> {
    this.reads.push('others');
    return [...this.sources.keys()].filter((source) => !known.includes(source));
  }

  async progress(from: ReadonlyMap<string, number>, window: number): Promise<SourceProgress[]> {
    this.reads.push('progress');
    return [...from].flatMap(([source_id, begin]) => {
      const seqs = this.sources.get(source_id) ?? new Set<number>();
      let end = begin;
      while (seqs.has(end) && end < begin + window) end += 1;
      return end > begin ? [{ source_id, end }] : [];
    });
  }

  async lowestSeqs(from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    this.reads.push('lowest');
    const found = [...from].flatMap(([source, begin]): [string, number][] => {
      const above = [...(this.sources.get(source) ?? [])].filter((seq) => seq >= begin);
      return above.length === 0 ? [] : [[source, Math.min(...above)]];
    });
    return new Map(found);
  }

  async readEvents(source: string, from: number, to: number) {
    const seqs = [...this.sources.get(source)!].filter((seq) => seq >= from && seq <= to).sort((a, b) => a - b);
    const given = this.broken === 'twice' ? seqs.flatMap((seq) => [seq, seq]) : this.broken === 'gone' ? seqs.slice(1) : seqs;
    return given.map((seq) => ({ seq, topic: 'affiant.control.v1', value: Buffer.from(String(seq)) }));
  }
}

describe('how far sources are held', () => {
  it('stops before a hole and goes on when it is filled, and reads nothing while nothing comes', async () => {
    const held = new Held();
    held.add('a', 1, 2, 3, 5, 6);
    const progress = new Progress(held, () => 0);
    await progress.refresh();
    expect(progress.ends.get('a')).toBe(4);
    held.reads.length = 0;
    for (let time = 0; time < 5; time += 1) await progress.refresh();
    expect(held.reads).toEqual([]);
    held.add('a', 4);
    await progress.refresh();
    expect(progress.ends.get('a')).toBe(7);
  });

  it('works through a backlog window by window', async () => {
    const held = new Held();
    held.add('a', ...Array.from({ length: 45_000 }, (_, index) => index + 1));
    const progress = new Progress(held, () => 0);
    const more = [await progress.refresh(), await progress.refresh(), await progress.refresh(), await progress.refresh()];
    expect(more).toEqual([true, true, false, false]);
    expect(progress.ends.get('a')).toBe(45_001);
  });

  it('reports what stays missing for more than a minute, until it comes', async () => {
    const held = new Held();
    let now = 5 * MINUTE;
    const progress = new Progress(held, () => now);
    held.add('a', 1, 2, 40_000, 40_001);
    held.add('b', 1, 2, 3);
    await progress.refresh();
    await progress.look();
    expect(progress.gaps()).toEqual([]);
    now += MINUTE / 2;
    await progress.look();
    expect(progress.gaps()).toEqual([]);
    now += MINUTE / 2;
    expect(progress.gaps()).toEqual([{ source: 'a', seq: 3, missing: 39_997, sinceUs: 5 * MINUTE }]);
    held.add('a', 3);
    await progress.refresh();
    // Another hole now: its minute begins anew.
    expect(progress.gaps()).toEqual([]);
    await progress.look();
    now += MINUTE;
    expect(progress.gaps()).toEqual([{ source: 'a', seq: 4, missing: 39_996, sinceUs: 6 * MINUTE }]);
  });
});

describe('the stored event log', () => {
  const logger = createLogger('test', { level: 'silent' });
  const pause = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const options = { group: 'ledger.sequencer', topics: [], maxBatchRecords: 100, maxBatchBytes: 1 << 20 };
  const open = (events: StoredEvents, offsets: Record<string, number> = {}, last: { partition: string; from: number }[] = []) =>
    new StoredEventLog({ events, checkpoints: { fetch: async () => ({ offsets, last }) }, logger, pause, pollMs: 1 });

  it('begins where the last sealed round began, and hands out each source in order', async () => {
    const held = new Held();
    held.add('a', ...Array.from({ length: 250 }, (_, index) => index + 1));
    held.add('b', 1, 2);
    const log = open(held, { a: 201, b: 3 }, [{ partition: 'a', from: 151 }]);
    const seen: number[] = [];
    const subscription = await log.subscribe(options, async ({ partition, records }) => {
      if (partition === 'a') seen.push(...records.map(({ offset }) => offset));
    });
    while (seen.length < 100) await pause();
    await subscription.stop();
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 151));
    expect((await log.committed('ledger.ingest')).get('a')).toEqual({ offset: 251, metadata: null });
  });

  it.each(['twice', 'gone'] as const)('fails when the store gives an event %s', async (broken) => {
    const held = new Held();
    held.add('a', 1, 2, 3);
    held.broken = broken;
    const subscription = await open(held).subscribe(options, async () => undefined);
    await expect(subscription.failed).rejects.toMatchObject({ code: 'ledger_conflict' });
    await subscription.stop();
  });

  it('serves no other group', async () => {
    await expect(open(new Held()).subscribe({ ...options, group: 'x' }, async () => undefined)).rejects.toMatchObject({
      code: 'usage_invalid',
    });
  });
});
