import { describe, expect, it } from 'vitest';
import type { KeyBook } from '../port.js';

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
