import { describe, expect, it } from 'vitest';
import type { IssuedKey, KeyBook } from '../port.js';

/** What every adapter of the KeyBook port must do; `make` gives one with nothing in it. */
export function keyBookContract(name: string, make: () => Promise<KeyBook>): void {
  describe(`key book: ${name}`, () => {
    it('issues, finds and destroys; what it does not know it does not answer for', async () => {
      const book = await make();
      await book.issue(
        [
          { id: 'a', wrapped: 'QQ==' },
          { id: 'b', wrapped: 'Qg==' },
        ],
        1_000,
      );
      expect(await book.find(['a', 'b', 'c'])).toEqual(
        new Map([
          ['a', { state: 'live', wrapped: 'QQ==' }],
          ['b', { state: 'live', wrapped: 'Qg==' }],
        ]),
      );
      expect(await book.find([])).toEqual(new Map());
      expect(await book.destroy(['a', 'unknown'], 'e1', 2_000)).toBe(1);
      expect(await book.destroy(['a'], 'e2', 3_000)).toBe(0);
      expect(await book.find(['a', 'b', 'unknown'])).toEqual(
        new Map([
          ['a', { state: 'destroyed', erasure: 'e1', at: 2_000 }],
          ['b', { state: 'live', wrapped: 'Qg==' }],
          ['unknown', { state: 'destroyed', erasure: 'e1', at: 2_000 }],
        ]),
      );
    });

    it('never gives an id twice, dead or alive', async () => {
      const book = await make();
      await book.issue([{ id: 'a', wrapped: 'QQ==' }], 1);
      await expect(book.issue([{ id: 'a', wrapped: 'Qg==' }], 2)).rejects.toMatchObject({ code: 'conflict' });
      await book.destroy(['a', 'b'], 'e', 3);
      await expect(book.issue([{ id: 'b', wrapped: 'Qg==' }], 4)).rejects.toMatchObject({ code: 'conflict' });
      await expect(
        book.issue(
          [
            { id: 'new', wrapped: 'Qg==' },
            { id: 'a', wrapped: 'Qg==' },
          ],
          4,
        ),
      ).rejects.toMatchObject({ code: 'conflict' });
      expect((await book.find(['new'])).size).toBe(0);
    });

    it('tells what was destroyed since, oldest first, and bounded', async () => {
      const book = await make();
      await book.issue(
        ['a', 'b', 'c'].map((id) => ({ id, wrapped: 'QQ==' })),
        1,
      );
      await book.destroy(['b'], 'e1', 5);
      await book.destroy(['a'], 'e2', 7);
      expect(await book.destroyedSince(6, 10)).toEqual([{ id: 'a', erasure: 'e2', at: 7 }]);
      expect((await book.destroyedSince(0, 10)).map(({ id }) => id)).toEqual(['b', 'a']);
      expect((await book.destroyedSince(0, 1)).map(({ id }) => id)).toEqual(['b']);
    });

    it('pages through what is live, and puts another wrapping only where the one before still stands', async () => {
      const book = await make();
      const [a, b, c, d] = ['0a', '0b', '0c', '0d'].map((id) => ({ id, wrapped: 'QQ==' })) as [IssuedKey, IssuedKey, IssuedKey, IssuedKey];
      await book.issue([d, b, a, c], 1);
      await book.destroy(['0b', 'unknown'], 'e', 2);
      expect(await book.live('', 2)).toEqual([a, c]);
      expect(await book.live('0c', 2)).toEqual([d]);
      expect(await book.live('0d', 2)).toEqual([]);
      const changes = [a, b, c, { id: 'none', wrapped: 'QQ==' }].map(({ id, wrapped }) => ({ id, before: wrapped, wrapped: 'Qg==' }));
      expect(await book.rewrap([...changes, { id: '0d', before: 'Qw==', wrapped: 'Qg==' }])).toBe(2);
      expect(await book.rewrap([])).toBe(0);
      expect(await book.find(['0a', '0b', '0c', '0d', 'none'])).toEqual(
        new Map([
          ['0a', { state: 'live', wrapped: 'Qg==' }],
          ['0b', { state: 'destroyed', erasure: 'e', at: 2 }],
          ['0c', { state: 'live', wrapped: 'Qg==' }],
          ['0d', { state: 'live', wrapped: 'QQ==' }],
        ]),
      );
    });

    it('takes many at once', async () => {
      const book = await make();
      const ids = Array.from({ length: 700 }, (_, n) => `k${n}`);
      await book.issue(
        ids.map((id) => ({ id, wrapped: 'QQ==' })),
        1,
      );
      expect((await book.find(ids)).size).toBe(700);
      expect(await book.destroy(ids, 'e', 2)).toBe(700);
    });
  });
}
