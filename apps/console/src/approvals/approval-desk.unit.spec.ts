import { beforeEach, describe, expect, it } from 'vitest';
import type { Approval, ApprovalDesk } from '#catalogue';
import type { Principal } from '#events';
import { MemoryBook, pendingApproval, person, testPorts, type TestPorts } from '../testing/fakes.js';

let ports: TestPorts;
let desk: ApprovalDesk;

beforeEach(async () => {
  ports = testPorts();
  ({ desk } = ports);
  await ports.approvals.open({ ...pendingApproval, quorum: 2 });
});

const owner = (n: number): Principal => person(`owner-${n}`, ['data-owners']);
const vote = (who: Principal, verdict: 'approve' | 'deny' = 'approve', reason = 'checked'): Promise<Approval> =>
  desk.vote('approval-1', who, verdict, reason);
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

describe('approval desk', () => {
  it('takes distinct approvers until the quorum, each with a durable decision first', async () => {
    expect((await vote(owner(1))).state).toBe('pending');
    expect((await vote(owner(2))).state).toBe('granted');
    const decisions = ports.recorder.drafts.map((draft) => draft.type === 'decision' && draft);
    expect(decisions).toMatchObject([
      { event: { kind: 'approval_granted', verdict: 'hold', approval: { granted: 1, decided_by: { subject: 'owner-1' } } } },
      {
        context: { exchange_id: 'exchange-1', session_id: 'session-1', connection: 'claude', principal: { subject: 'alice' } },
        event: { kind: 'approval_granted', verdict: 'allow', policy_version: '3', approval: { granted: 2, reason: 'checked' } },
      },
    ]);
  });

  it('ends with the first denial', async () => {
    expect((await vote(owner(1), 'deny')).state).toBe('denied');
    expect(await codeOf(vote(owner(2)))).toBe('conflict');
    expect(ports.recorder.drafts[0]).toMatchObject({ event: { kind: 'approval_denied', verdict: 'block' } });
  });

  const refused: [string, Principal, string, string][] = [
    ['somebody outside the group', person('bob', ['engineering']), 'x', 'approval_forbidden'],
    ['the requester', person('alice', ['data-owners']), 'x', 'approval_forbidden'],
    [
      "the requester's token under another name",
      person('eve', ['data-owners'], { token_digest: 'digest-of-alice' }),
      'x',
      'approval_forbidden',
    ],
    ['an agent that acts for an approver', person('owner-1', ['data-owners'], { actor: 'agent' }), 'x', 'approval_forbidden'],
    ['a workload', person('job', ['data-owners'], { kind: 'workload' }), 'x', 'approval_forbidden'],
    ['a service key', person('key', ['data-owners'], { kind: 'service_key' }), 'x', 'approval_forbidden'],
    ['no reason', owner(1), '', 'approval_reason_missing'],
    ['a blank reason', owner(1), ' \n', 'approval_reason_missing'],
    ['an endless reason', owner(1), 'x'.repeat(2001), 'usage_invalid'],
  ];
  it.each(refused)('refuses %s, for both answers, and records it', async (_name, who, reason, code) => {
    for (const verdict of ['approve', 'deny'] as const) expect(await codeOf(vote(who, verdict, reason))).toBe(code);
    expect(ports.recorder.controls('approval.refused')).toMatchObject([
      { subject: 'approval-1', principal: who.subject, code, verdict: 'approve', outcome: 'failure' },
      { code, verdict: 'deny' },
    ]);
    expect((await ports.approvals.get('approval-1'))?.votes).toEqual([]);
  });

  it('counts an approver once, also when both votes come at the same time', async () => {
    const codes = await Promise.all([codeOf(vote(owner(1))), codeOf(vote(owner(1)))]);
    expect(codes).toEqual(['accepted', 'approval_forbidden']);
    expect((await ports.approvals.get('approval-1'))?.state).toBe('pending');
  });

  it('refuses the agent that asked, under its own name', async () => {
    await ports.approvals.open({ ...pendingApproval, id: 'approval-2', requester: person('alice', [], { actor: 'robot' }) });
    expect(await codeOf(desk.vote('approval-2', person('robot', ['data-owners']), 'approve', 'x'))).toBe('approval_forbidden');
  });

  it('refuses after the expiry, and what is not there', async () => {
    ports.clock.ms = pendingApproval.expires_at;
    expect(await codeOf(vote(owner(1)))).toBe('conflict');
    expect(await codeOf(desk.vote('approval-9', owner(1), 'approve', 'x'))).toBe('not_found');
  });

  it('changes nothing when the decision cannot be made durable', async () => {
    for (const fail of ['before', 'after'] as const) {
      ports.recorder.fail = fail;
      expect(await codeOf(vote(owner(1)))).toMatch(/^journal_/);
      expect((await ports.approvals.get('approval-1'))?.votes).toEqual([]);
    }
  });

  it('records that a vote was not counted when the book has moved on meanwhile', async () => {
    const book = ports.approvals;
    const late = Object.assign(Object.create(book) as MemoryBook, {
      addVote: async (id: string) => {
        await book.expire(id);
        return book.addVote(id, { approver: owner(1), verdict: 'approve', reason: 'x', at: 0 });
      },
    });
    const { createApprovalDesk } = await import('./approval-desk.js');
    const slow = createApprovalDesk({
      book: late,
      recorder: ports.recorder,
      clock: ports.clock,
      policy: ports.policy,
      redact: ports.redact,
    });
    expect(await codeOf(slow.vote('approval-1', owner(1), 'approve', 'x'))).toBe('conflict');
    expect(ports.recorder.controls('approval.refused')).toMatchObject([{ code: 'conflict' }]);
  });

  it('keeps sensitive values out of the recorded reason', async () => {
    const approval = await vote(owner(1), 'approve', 'customer 078-05-1120 asked');
    expect(approval.votes[0]?.reason).toBe('customer [us_ssn] asked');
    expect(JSON.stringify(ports.recorder.drafts)).not.toContain('078-05-1120');
  });
});
