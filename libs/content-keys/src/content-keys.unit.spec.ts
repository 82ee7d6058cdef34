import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { SystemIds } from '#events';
import { ContentOpener } from './content-opener.js';
import { keyBookContract } from './contract/key-book.contract.js';
import { KeyPool } from './key-pool.js';
import { LocalWrapper } from './local-wrapper.js';
import { rewrapAll } from './rewrap-all.js';
import { openSealed, SEAL_BYTES, SealingKey } from './sealing.js';
import { MemoryKeyBook } from './testing/memory-key-book.js';
import { WrapperRing } from './wrapper-ring.js';

keyBookContract('MemoryKeyBook', async () => new MemoryKeyBook());

const clock = { nowMs: () => 1 };
const ids = new SystemIds();
const refused = expect.objectContaining({ code: 'content_key_failed' });

describe('sealed content', () => {
  it('opens with its key, and comes out differently each time', () => {
    const raw = randomBytes(32);
    const key = new SealingKey('k', raw);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        const content = Buffer.from(bytes);
        const [one, two] = [key.seal(content), key.seal(content)];
        expect(one.length).toBe(content.length + SEAL_BYTES);
        expect(one.equals(two)).toBe(false);
        expect(openSealed('k', raw, one).equals(content)).toBe(true);
        expect(openSealed('k', raw, two).equals(content)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('never uses a nonce twice', () => {
    const key = new SealingKey('k', randomBytes(32));
    const nonces = new Set(Array.from({ length: 5_000 }, () => key.seal(Buffer.alloc(0)).subarray(1, 13).toString('hex')));
    expect(nonces.size).toBe(5_000);
  });

  it('hostile bytes: every truncation and every flipped bit is refused, and so are another key and another id', () => {
    const raw = randomBytes(32);
    const sealed = new SealingKey('k', raw).seal(Buffer.from('my card is 4111'));
    for (let length = 0; length < sealed.length; length += 1)
      expect(() => openSealed('k', raw, sealed.subarray(0, length))).toThrow(refused);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
      expect(() => openSealed('k', raw, flipped)).toThrow(refused);
    }
    expect(() => openSealed('k', randomBytes(32), sealed)).toThrow(refused);
    expect(() => openSealed('l', raw, sealed)).toThrow(refused);
  });
});

describe('wrapped keys', () => {
  it('unwrap under the same key-encryption key and id only', async () => {
    const wrapper = new LocalWrapper(randomBytes(32));
    const key = randomBytes(32);
    const wrapped = await wrapper.wrap('a', key);
    expect(await wrapper.unwrap('a', wrapped)).toEqual(key);
    await expect(wrapper.unwrap('b', wrapped)).rejects.toMatchObject({ code: 'content_key_failed' });
    await expect(wrapper.unwrap('a', '')).rejects.toMatchObject({ code: 'content_key_failed' });
    await expect(wrapper.unwrap('a', Buffer.alloc(60).toString('base64'))).rejects.toMatchObject({ code: 'content_key_failed' });
    await expect(new LocalWrapper(randomBytes(32)).unwrap('a', wrapped)).rejects.toMatchObject({ code: 'content_key_failed' });
    expect(() => new LocalWrapper(Buffer.alloc(32))).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    expect(() => new LocalWrapper(randomBytes(16))).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });
});

describe('a rotation of the key-encryption key', () => {
  it('brings all live keys under the present one, in parts, and once more whatever came meanwhile', async () => {
    const [old, next] = [new LocalWrapper(randomBytes(32)), new LocalWrapper(randomBytes(32))];
    const book = new MemoryKeyBook();
    const keys = Array.from({ length: 1_203 }, (_, n) => ({ id: `k${String(n).padStart(5, '0')}`, key: randomBytes(32) }));
    for (const { id, key } of keys) await book.issue([{ id, wrapped: await old.wrap(id, key) }]);
    await book.destroy(['k00007'], 'e', 1);
    const ring = new WrapperRing(next, [old]);
    expect(await rewrapAll(book, ring)).toEqual({ looked: 1_202, rewrapped: 1_202 });
    const late = randomBytes(32);
    await book.issue([{ id: 'k00007b', wrapped: await old.wrap('k00007b', late) }]);
    expect(await rewrapAll(book, ring)).toEqual({ looked: 1_203, rewrapped: 1 });
    expect(await rewrapAll(book, ring)).toEqual({ looked: 1_203, rewrapped: 0 });
    const alone = new ContentOpener(book, new WrapperRing(next));
    const opened = await alone.open([...keys.map(({ id }) => id), 'k00007b']);
    for (const { id, key } of keys) expect(opened.get(id)).toEqual(id === 'k00007' ? null : key);
    expect(opened.get('k00007b')).toEqual(late);
  });

  it('stops at a key that nothing opens; once it is given up, it opens nothing and is left as it is', async () => {
    const book = new MemoryKeyBook();
    const [lost, present] = [new LocalWrapper(randomBytes(32)), new LocalWrapper(randomBytes(32))];
    const raw = randomBytes(32);
    const sealed = new SealingKey('a', raw).seal(Buffer.from('text'));
    const wrapped = await lost.wrap('a', raw);
    await book.issue([
      { id: 'a', wrapped },
      { id: 'b', wrapped: wrapped.split('.')[1]! },
    ]);
    await expect(rewrapAll(book, new WrapperRing(present))).rejects.toEqual(refused);
    await expect(new WrapperRing(present, [], [lost.name]).unwrap('b', wrapped.split('.')[1]!)).rejects.toEqual(refused);
    const without = new WrapperRing(present, [], [lost.name, 'unnamed']);
    const [a, b] = [...(await new ContentOpener(book, without).open(['a', 'b'])).values()] as [Buffer, Buffer];
    for (const key of [a, b]) expect(() => openSealed('a', key, sealed)).toThrow(refused);
    expect(await rewrapAll(book, without)).toEqual({ looked: 2, rewrapped: 0 });
    // It was found again.
    expect(await new WrapperRing(present, [lost], [lost.name]).unwrap('a', wrapped)).toEqual(raw);
  });
});

describe('the pool of keys', () => {
  const pool = (book: MemoryKeyBook, over: object = {}): KeyPool =>
    new KeyPool({ book, wrapper: new LocalWrapper(Buffer.alloc(32, 7)), clock, ids, size: 8, batch: 4, waitMs: 60_000, ...over });

  it('gives each key once, only durable ones, and what they seal can be opened', async () => {
    const book = new MemoryKeyBook();
    const keys = pool(book);
    await keys.open();
    expect(keys.ready).toBe(8);
    const opener = new ContentOpener(book, new LocalWrapper(Buffer.alloc(32, 7)));
    const seen = new Set<string>();
    for (let n = 0; n < 40; n += 1) {
      const key = await keys.take();
      expect(book.keys.get(key.id)?.state).toBe('live');
      seen.add(key.id);
      const raw = (await opener.open([key.id])).get(key.id);
      expect(openSealed(key.id, raw!, key.seal(Buffer.from('x'))).toString()).toBe('x');
    }
    expect(seen.size).toBe(40);
    await keys.close();
  });

  it('has the wrapper look before each batch, and issues nothing when that fails', async () => {
    const book = new MemoryKeyBook();
    let looks = 0;
    const wrapper = {
      refresh: async () => {
        if ((looks += 1) > 2) throw new AffiantError('key_invalid', 'unreadable');
      },
      wrap: async () => `under ${looks}`,
    };
    let tell: (error: unknown) => void = () => undefined;
    const failed = new Promise((resolve) => (tell = resolve));
    const keys = pool(book, { wrapper, onFailure: (error: unknown) => tell(error) });
    await keys.open();
    expect([...book.keys.values()].map((one) => one.state === 'live' && one.wrapped)).toEqual([
      ...Array<string>(4).fill('under 1'),
      ...Array<string>(4).fill('under 2'),
    ]);
    for (let n = 0; n < 4; n += 1) await keys.take();
    expect(await failed).toMatchObject({ code: 'key_invalid' });
    expect(book.keys.size).toBe(8);
    await keys.close();
  });

  it('waits for the catalogue when it is empty, then refuses', async () => {
    const book = new MemoryKeyBook();
    const failures: unknown[] = [];
    const keys = pool(book, { waitMs: 30, onFailure: (error: unknown) => failures.push(error) });
    await keys.open();
    book.failWith = new AffiantError('catalogue_failed', 'away');
    for (let n = 0; n < 8; n += 1) await keys.take();
    await expect(keys.take()).rejects.toMatchObject({ code: 'content_key_failed' });
    expect(failures.length).toBeGreaterThan(0);
    const waiting = pool(book);
    await expect(waiting.open()).rejects.toMatchObject({ code: 'catalogue_failed' });
    book.failWith = null;
    const late = waiting.take();
    expect(await late).toBeInstanceOf(SealingKey);
    await Promise.all([keys.close(), waiting.close()]);
  });

  it('refuses who waits when it is closed', async () => {
    const book = new MemoryKeyBook();
    let open: () => void = () => undefined;
    book.gate = new Promise((resolve) => (open = resolve));
    const keys = pool(book);
    const waiting = keys.take();
    const closing = keys.close();
    await expect(waiting).rejects.toMatchObject({ code: 'content_key_failed' });
    open();
    await closing;
    expect(() => {
      for (let n = 0; n < 9; n += 1) void keys.take();
    }).toThrow(refused);
  });
});

describe('opening', () => {
  it('tells a destroyed key from one that is not known', async () => {
    const book = new MemoryKeyBook();
    const wrapper = new LocalWrapper(Buffer.alloc(32, 7));
    await book.issue([{ id: 'a', wrapped: await wrapper.wrap('a', Buffer.alloc(32, 1)) }]);
    await book.destroy(['b'], 'e', 1);
    const opener = new ContentOpener(book, wrapper);
    expect(await opener.open(['a', 'b'])).toEqual(
      new Map([
        ['a', Buffer.alloc(32, 1)],
        ['b', null],
      ]),
    );
    await expect(opener.open(['a', 'c'])).rejects.toMatchObject({ code: 'content_key_failed' });
    book.failWith = new AffiantError('catalogue_failed', 'away');
    await expect(opener.open(['a'])).rejects.toMatchObject({ code: 'catalogue_failed' });
    expect(await opener.open([])).toEqual(new Map());
  });
});
