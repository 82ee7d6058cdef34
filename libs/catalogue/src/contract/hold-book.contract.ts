import { describe, expect, it } from 'vitest';
import type { Principal } from '#events';
import type { Hold, HoldBook, RetentionDrop } from '../holds/port.js';

const alice: Principal = {
  issuer: 'https://idp.test',
  subject: 'alice',
  kind: 'user',
  groups: ['legal'],
  actor: null,
  token_digest: null,
  token_expires_at: null,
  authenticated_by: null,
};
const none = { from: null, to: null, session: null, principal: null, connection: null };

export const sampleHold = (id: string, over: Partial<Hold> = {}): Hold => ({
  id,
  state: 'placed',
  scope: none,
  reason: 'a claim',
  placed_by: alice,
  placed_at: 1_000,
  released_by: null,
  released_at: null,
  release_reason: null,
  ...over,
});

export const sampleDrop = (id: string, over: Partial<RetentionDrop> = {}): RetentionDrop => ({
  id,
  partition: 202501,
  record_class: 'content',
  state: 'intended',
  rows: 3,
  from_us: 1_735_689_600_000_000,
  to_us: 1_735_689_601_000_000,
  policy_digest: 'ab'.repeat(32),
  frontiers: { gateway: 9 },
  intended_at: 2_000,
  ended_at: null,
  ...over,
});

/** What every adapter of the HoldBook port must do; `make` gives one with nothing in it. */
export function holdBookContract(name: string, make: () => Promise<HoldBook>): void {
  describe(`hold book: ${name}`, () => {
    it('places, lists and releases', async () => {
      const book = await make();
      const scope = { ...none, from: Date.UTC(2025, 0), session: 's' };
      expect(await book.place(sampleHold('a', { scope }))).toEqual({ hold: sampleHold('a', { scope }), late: [], erasing: [] });
      expect((await book.place(sampleHold('a', { reason: 'another' }))).hold.reason).toBe('a claim');
      await book.place(sampleHold('b', { placed_at: 2_000 }));
      expect((await book.list()).map(({ id }) => id)).toEqual(['b', 'a']);
      expect(await book.release('a', { ...alice, subject: 'bob' }, 'settled', 5)).toMatchObject({
        state: 'released',
        released_at: 5,
        release_reason: 'settled',
      });
      await expect(book.release('a', alice, 'again', 6)).rejects.toMatchObject({ code: 'conflict' });
      await expect(book.release('none', alice, 'x', 6)).rejects.toMatchObject({ code: 'not_found' });
      expect((await book.list('placed')).map(({ id }) => id)).toEqual(['b']);
      expect(await book.get('a')).toMatchObject({ scope, released_by: { subject: 'bob' } });
      expect(await book.get('none')).toBeNull();
    });

    it('begins a drop unless there is a hold the caller has not looked at', async () => {
      const book = await make();
      expect(await book.intend(sampleDrop('d'))).toEqual(sampleDrop('d'));
      expect((await book.intend(sampleDrop('d', { rows: 99 }))).rows).toBe(3);
      await book.place(sampleHold('h'));
      expect(await book.begin('d', [])).toBe(false);
      expect((await book.drops(['intended'])).map(({ id }) => id)).toEqual(['d']);
      expect(await book.begin('d', ['h', 'gone'])).toBe(true);
      await expect(book.begin('d', ['h'])).rejects.toMatchObject({ code: 'conflict' });
      await book.end('d', 'dropped', 7);
      expect(await book.drops()).toEqual([sampleDrop('d', { state: 'dropped', ended_at: 7 })]);
      await expect(book.begin('d', ['h'])).rejects.toMatchObject({ code: 'conflict' });
    });

    it('tells a hold which drops it comes too late for', async () => {
      const book = await make();
      await book.intend(sampleDrop('begun'));
      await book.begin('begun', []);
      await book.intend(sampleDrop('not begun', { partition: 202502 }));
      const january = { ...none, from: Date.UTC(2025, 0, 31), to: Date.UTC(2025, 1, 1) };
      expect((await book.place(sampleHold('a', { scope: january }))).late.map(({ id }) => id)).toEqual(['begun']);
      expect((await book.place(sampleHold('b', { scope: { ...none, from: Date.UTC(2025, 1, 1) } }))).late).toEqual([]);
      expect((await book.place(sampleHold('c'))).late).toHaveLength(1);
    });

    it('has no third case when a hold and a drop race', async () => {
      for (let round = 0; round < 8; round += 1) {
        const book = await make();
        await book.intend(sampleDrop('d'));
        const [began, placed] = await Promise.all([book.begin('d', []), book.place(sampleHold('h'))]);
        expect(placed.late.length).toBe(began ? 1 : 0);
      }
    });
  });
}
