import { describe, expect, it } from 'vitest';
import type { LogBatch } from '#event-log';
import { LedgerService } from '../ledger-service.js';
import { World } from '../testing/world.js';

const FIRST = { maxBatchRecords: 2, gather: 0 };

function batchOf(world: World, from: number, to: number): LogBatch {
  const records = world.log.partitions.get('gateway')!.slice(from - 1, to);
  return { partition: 'gateway', records, firstOffset: from, lastOffset: to };
}

describe('ingest of one partition', () => {
  it('begins a batch only when the one before is committed, and hands over meanwhile', async () => {
    const world = new World();
    await world.events(4);
    const calls: string[] = [];
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const ports = world.ports((method) => {
      if (method === 'log.commit' || method === 'store.appendEvents') calls.push(method);
      return undefined;
    }, FIRST);
    const slow = Object.assign(Object.create(ports.store) as typeof ports.store, {
      appendEvents: async (token: string, rows: never[]) => {
        await answered;
        return ports.store.appendEvents(token, rows);
      },
    });
    const service = new LedgerService({ ...ports, store: slow });
    await service.open();
    await service.ingest(batchOf(world, 1, 2));
    const second = service.ingest(batchOf(world, 3, 4));
    for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    // The intent of the first batch is still open: committing anything further would lose it in a crash.
    expect((await world.log.committed('ledger.ingest')).get('gateway')).toMatchObject({
      offset: 1,
      metadata: expect.stringContaining('"to":2'),
    });
    expect(calls).toEqual(['log.commit']);
    answer();
    await second;
    service.stop();
    await service.finished();
    expect(calls.slice(0, 5)).toEqual(['log.commit', 'store.appendEvents', 'log.commit', 'log.commit', 'store.appendEvents']);
    expect((await world.log.committed('ledger.ingest')).get('gateway')).toEqual({ offset: 5, metadata: null });
    expect(world.store.events.map((row) => row.seq)).toEqual([1, 2, 3, 4]);
  });
});
