import { describe, expect, it } from 'vitest';
import type { Principal } from '#events';
import type { UnsealBook, Unsealing } from '../unsealings/port.js';

const person = (subject: string): Principal => ({
  issuer: 'https://idp.example.com',
  subject,
  kind: 'user',
  groups: ['auditors'],
  actor: null,
  token_digest: 'd',
  token_expires_at: null,
  authenticated_by: null,
});

export const sampleUnsealing = (id: string, change: Partial<Unsealing> = {}): Unsealing => ({
  id,
  state: 'requested',
  session: 's1',
  exchange: null,
  reason: 'a complaint',
  requested_by: person('olga'),
  requested_at: 1_000,
  expires_at: 10_000,
  decided_by: null,
  decided_at: null,
  decision_reason: null,
  opened_at: null,
  ...change,
});

const decision = { state: 'approved', by: person('ben'), reason: 'agreed', at: 2_000, expires_at: 5_000 } as const;

/** What every adapter of the UnsealBook port must do; `make` gives one with nothing in it. */
export function unsealBookContract(name: string, make: () => Promise<UnsealBook>): void {
  describe(`unseal book: ${name}`, () => {
    it('goes requested, approved, opened; and each step once', async () => {
      const book = await make();
      const asked = sampleUnsealing('u1', { exchange: 'x1' });
      expect(await book.request(asked)).toEqual(asked);
      expect(await book.request({ ...asked, reason: 'another' })).toEqual(asked);
      const approved = {
        ...asked,
        state: 'approved',
        decided_by: person('ben'),
        decided_at: 2_000,
        decision_reason: 'agreed',
        expires_at: 5_000,
      };
      expect(await book.decide('u1', decision)).toEqual(approved);
      await expect(book.decide('u1', decision)).rejects.toMatchObject({ code: 'conflict' });
      expect(await book.open('u1', 3_000)).toEqual({ ...approved, state: 'opened', opened_at: 3_000 });
      await expect(book.open('u1', 3_001)).rejects.toMatchObject({ code: 'conflict' });
      expect((await book.get('u1'))?.state).toBe('opened');
    });

    it('opens for one of many who ask at once', async () => {
      const book = await make();
      await book.request(sampleUnsealing('u1'));
      await book.decide('u1', decision);
      const answers = await Promise.allSettled(Array.from({ length: 8 }, () => book.open('u1', 3_000)));
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('gives nothing that was not approved, was denied, has expired or is not there', async () => {
      const book = await make();
      await book.request(sampleUnsealing('waiting'));
      await expect(book.open('waiting', 3_000)).rejects.toMatchObject({ code: 'conflict' });
      await expect(book.decide('waiting', { ...decision, at: 10_000 })).rejects.toMatchObject({ code: 'conflict' });
      await book.request(sampleUnsealing('denied'));
      await book.decide('denied', { ...decision, state: 'denied' });
      await expect(book.open('denied', 3_000)).rejects.toMatchObject({ code: 'conflict' });
      await book.request(sampleUnsealing('late'));
      await book.decide('late', decision);
      await expect(book.open('late', 5_000)).rejects.toMatchObject({ code: 'conflict' });
      await expect(book.open('nothing', 1)).rejects.toMatchObject({ code: 'not_found' });
      await expect(book.decide('nothing', decision)).rejects.toMatchObject({ code: 'not_found' });
      expect(await book.get('nothing')).toBeNull();
    });

    it('lists the newest first, and no more than asked for', async () => {
      const book = await make();
      for (const n of [1, 2, 3]) await book.request(sampleUnsealing(`u${n}`, { requested_at: n }));
      expect((await book.list(2)).map(({ id }) => id)).toEqual(['u3', 'u2']);
    });
  });
}
