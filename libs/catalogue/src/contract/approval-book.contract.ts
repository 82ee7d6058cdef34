import { describe, expect, it } from 'vitest';
import type { Principal } from '#events';
import type { Approval, ApprovalBook, NewApproval } from '../port.js';

const principal = (subject: string): Principal => ({
  issuer: 'https://issuer.test',
  subject,
  kind: 'user',
  groups: [],
  actor: null,
  token_digest: null,
  token_expires_at: null,
  authenticated_by: null,
});

export const held = (id: string, quorum = 1): NewApproval => ({
  id,
  exchange_id: `exchange-${id}`,
  session_id: null,
  connection: 'claude',
  requester: principal('alice'),
  phase: 'response',
  policy: 'destructive-sql',
  policy_digest: 'ab',
  reason: 'tool input',
  summary: 'DROP TABLE customers',
  subject_digest: 'cd',
  approver_group: 'data-owners',
  quorum,
  created_at: 1_700_000_000_000,
  expires_at: 1_700_000_900_000,
});

const approve = (subject: string) => ({
  approver: principal(subject),
  verdict: 'approve' as const,
  reason: 'checked',
  at: 1_700_000_001_000,
});

/** What every ApprovalBook must do, whatever engine is behind it. */
export function approvalBookContract(name: string, open: () => Promise<ApprovalBook>): void {
  describe(`${name} as ApprovalBook`, () => {
    it('keeps what was opened, exactly', async () => {
      const book = await open();
      const opened = await book.open(held('keep'));
      expect(await book.get('keep')).toEqual(opened);
      expect(opened).toMatchObject({ state: 'pending', votes: [], decided_at: null, expires_at: 1_700_000_900_000 });
      expect(await book.get('none')).toBeNull();
    });

    it('waits for the quorum', async () => {
      const book = await open();
      await book.open(held('two', 2));
      expect((await book.addVote('two', approve('bob'))).state).toBe('pending');
      const granted = await book.addVote('two', approve('carol'));
      expect(granted).toMatchObject({ state: 'granted', decided_at: 1_700_000_001_000 });
      expect(granted.votes).toHaveLength(2);
    });

    it('ends at the first denial and takes no vote after', async () => {
      const book = await open();
      await book.open(held('no', 2));
      expect((await book.addVote('no', { ...approve('bob'), verdict: 'deny' })).state).toBe('denied');
      await expect(book.addVote('no', approve('carol'))).rejects.toMatchObject({ code: 'conflict' });
      expect(await book.release('no')).toBe(false);
    });

    it('releases once, also when many ask at the same time', async () => {
      const book = await open();
      await book.open(held('race'));
      await book.addVote('race', approve('bob'));
      const released = await Promise.all(Array.from({ length: 8 }, () => book.release('race')));
      expect(released.filter(Boolean)).toHaveLength(1);
      expect((await book.get('race'))?.state).toBe('released');
      await expect(book.expire('race')).rejects.toMatchObject({ code: 'conflict' });
    });

    it('loses no vote of two that come together', async () => {
      const book = await open();
      await book.open(held('both', 3));
      await Promise.all([book.addVote('both', approve('bob')), book.addVote('both', approve('carol'))]);
      expect((await book.get('both'))?.votes.map(({ approver }) => approver.subject).toSorted()).toEqual(['bob', 'carol']);
    });

    it('takes one vote of each approver, also when they come together', async () => {
      const book = await open();
      await book.open(held('twice', 2));
      const votes = await Promise.allSettled([1, 2, 3].map(() => book.addVote('twice', approve('bob'))));
      expect(votes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await expect(book.addVote('twice', approve('bob'))).rejects.toMatchObject({ code: 'conflict' });
      expect(await book.get('twice')).toMatchObject({ state: 'pending', votes: [{ approver: { subject: 'bob' } }] });
    });

    it('tells watchers of each change once and stops when asked', async () => {
      const book = await open();
      await book.open(held('watched'));
      const seen: Approval['state'][] = [];
      const stop = book.watch('watched', ({ state }) => seen.push(state));
      await book.addVote('watched', approve('bob'));
      await book.release('watched');
      stop();
      await book.setOrphaned('watched', true);
      expect(seen).toEqual(['granted', 'released']);
    });

    it('lists by state, newest first, and refuses the unknown', async () => {
      const book = await open();
      await book.open({ ...held('old'), created_at: 1 });
      await book.open({ ...held('new'), created_at: 2_000_000_000_000 });
      const ids = (await book.list({ state: 'pending' })).map(({ id }) => id);
      expect(ids.indexOf('new')).toBeLessThan(ids.indexOf('old'));
      await expect(book.addVote('nobody', approve('bob'))).rejects.toMatchObject({ code: 'not_found' });
    });
  });
}
