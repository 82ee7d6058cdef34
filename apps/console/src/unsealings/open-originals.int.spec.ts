import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyPool, MemoryKeyBook } from '#content-keys';
import { EventCodec, SystemClock, SystemIds } from '#events';
import type { OriginalsEvent } from '#ledger-store';
import { createOriginalsKeys, openOriginals as openRing, originalsWrapper, rotateOriginals } from '#service';
import { sealedRequest } from '../testing/sealed-request.js';
import { openOriginals } from './open-originals.js';

const SEGMENT = Buffer.alloc(32, 9);
const codec = new EventCodec();

let directory: string;
let pool: KeyPool;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rotated-'));
});
afterEach(async () => {
  await pool.close();
  await rm(directory, { recursive: true, force: true });
});

describe('a session that goes on over a rotation of the key pair', () => {
  it('is opened whole: what the gateway sealed before, and what it sealed after without a restart', async () => {
    await createOriginalsKeys(directory);
    const book = new MemoryKeyBook();
    pool = new KeyPool({
      book,
      wrapper: originalsWrapper(directory, false),
      clock: new SystemClock(),
      ids: new SystemIds(),
      purpose: 'original',
      size: 1,
      batch: 1,
      waitMs: 60_000,
    });
    const events: OriginalsEvent[] = [];
    const seal = async (value: string): Promise<string> => {
      const key = await pool.take();
      events.push(sealedRequest(codec, `x${events.length}`, SEGMENT, key, value));
      const state = book.keys.get(key.id);
      return state?.state === 'live' ? state.wrapped.split('.')[0]! : '';
    };
    const open = async (): Promise<string[]> => {
      const ports = {
        store: { sessionOf: async () => 's1', carrying: async () => events, segmentsOf: async () => [] },
        keys: book,
        codec,
        opener: () => openRing(directory, undefined),
      };
      const opened = await openOriginals(ports, { session: 's1', exchange: null });
      return opened.flatMap(({ values }) => values.map(({ value }) => value));
    };

    const under = [await seal('219-09-9999')];
    const { file, name, before } = await rotateOriginals(directory, null);
    // The key that was issued ahead is of the old pair still; the next ones are not.
    for (const value of ['219-09-9998', '219-09-9997', '219-09-9996']) under.push(await seal(value));
    expect(new Set(under)).toEqual(new Set([before, name]));
    expect(under.at(-1)).toBe(name);
    expect(await open()).toEqual(['219-09-9999', '219-09-9998', '219-09-9997', '219-09-9996']);

    for (const [taken, pair] of [
      ['originals.key', before],
      [file, name],
    ] as const) {
      await rename(join(directory, taken), join(directory, 'away'));
      await expect(open()).rejects.toMatchObject({ code: 'content_key_failed', message: expect.stringContaining(pair) as string });
      await rename(join(directory, 'away'), join(directory, taken));
    }
    expect(await open()).toHaveLength(4);
  }, 120_000);
});
