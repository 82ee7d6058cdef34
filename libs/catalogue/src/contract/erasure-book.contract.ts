import { describe, expect, it } from 'vitest';
import type { Principal } from '#events';
import type { Erasure, ErasureBook } from '../erasures/port.js';
import type { HoldBook } from '../holds/port.js';
import { sampleHold } from './hold-book.contract.js';

const alice: Principal = {
  issuer: 'https://idp.test',
  subject: 'alice',
  kind: 'user',
  groups: ['privacy'],
  actor: null,
  token_digest: null,
  token_expires_at: null,
  authenticated_by: null,
};

export const sampleErasure = (id: string, over: Partial<Erasure> = {}): Erasure => ({
  id,
  state: 'requested',
  session: 's1',
  reason: 'asked for by the customer',
  basis: 'GDPR 17(1)(b)',
  requested_by: alice,
  requested_at: 1_000,
  approved_by: null,
  approved_at: null,
  approval_reason: null,
  key_ids: [],
  counts: null,
  ended_at: null,
  ...over,
});

const none = { from: null, to: null, session: null, principal: null, connection: null };

/** What every adapter of the ErasureBook port must do; `make` gives one with nothing in it, and the holds that it shares its lock with. */
export function erasureBookContract(name: string, make: () => Promise<{ readonly book: ErasureBook; readonly holds: HoldBook }>): void {
  describe(`erasure book: ${name}`, () => {
    it('requests, approves, begins and ends', async () => {
      const { book } = await make();
      expect(await book.request(sampleErasure('a'))).toEqual(sampleErasure('a'));
      expect((await book.request(sampleErasure('a', { reason: 'another' }))).reason).toBe('asked for by the customer');
      await expect(book.begin('a', [], ['k'])).rejects.toMatchObject({ code: 'conflict' });
      const bob = { ...alice, subject: 'bob' };
      expect(await book.approve('a', bob, 'agreed', 2_000)).toMatchObject({
        state: 'intended',
        approved_by: bob,
        approval_reason: 'agreed',
      });
      await expect(book.approve('a', bob, 'again', 3_000)).rejects.toMatchObject({ code: 'conflict' });
      await expect(book.withdraw('a', 3_000)).rejects.toMatchObject({ code: 'conflict' });
      expect(await book.begin('a', [], ['k1', 'k2'])).toBe(true);
      await expect(book.begin('a', [], ['k1'])).rejects.toMatchObject({ code: 'conflict' });
      const counts = { keys: 2, events: 7, unsealed: 0 };
      await book.end('a', 'erased', counts, 4_000);
      expect(await book.get('a')).toMatchObject({ state: 'erased', key_ids: ['k1', 'k2'], counts, ended_at: 4_000 });
      await expect(book.approve('none', bob, 'x', 1)).rejects.toMatchObject({ code: 'not_found' });
      expect(await book.get('none')).toBeNull();
    });

    it('withdraws what is only requested, and lists by state, newest first', async () => {
      const { book } = await make();
      await book.request(sampleErasure('a'));
      await book.request(sampleErasure('b', { requested_at: 2_000 }));
      expect((await book.list()).map(({ id }) => id)).toEqual(['b', 'a']);
      expect(await book.withdraw('a', 5)).toMatchObject({ state: 'withdrawn', ended_at: 5 });
      expect((await book.list(['requested'])).map(({ id }) => id)).toEqual(['b']);
    });

    it('does not begin under a hold the caller has not looked at, and tells a later hold that it comes too late', async () => {
      const { book, holds } = await make();
      await book.request(sampleErasure('a'));
      await book.approve('a', alice, 'agreed', 2);
      expect((await holds.place(sampleHold('h'))).erasing).toEqual([]);
      expect(await book.begin('a', [], ['k'])).toBe(false);
      expect((await book.get('a'))?.state).toBe('intended');
      expect(await book.begin('a', ['h'], ['k'])).toBe(true);
      expect((await holds.place(sampleHold('i', { scope: { ...none, session: 's1' } }))).erasing).toEqual(['a']);
      expect((await holds.place(sampleHold('j', { scope: { ...none, session: 's2' } }))).erasing).toEqual([]);
    });

    it('has no third case when a hold and an erasure race', async () => {
      for (let round = 0; round < 8; round += 1) {
        const { book, holds } = await make();
        await book.request(sampleErasure('a', { state: 'intended' }));
        const [began, placed] = await Promise.all([book.begin('a', [], ['k']), holds.place(sampleHold('h'))]);
        expect(placed.erasing.length).toBe(began ? 1 : 0);
      }
    });
  });
}
