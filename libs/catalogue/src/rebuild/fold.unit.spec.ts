import { describe, expect, it } from 'vitest';
import type { Control, Decision, Envelope, Principal } from '#events';
import { ApprovalFold } from './fold-approvals.js';
import { PacketFold } from './fold-packets.js';

const person = (subject: string): Principal => ({
  issuer: 'https://issuer.test',
  subject,
  kind: 'user',
  groups: [],
  actor: null,
  token_digest: null,
  token_expires_at: null,
  authenticated_by: null,
});

const envelope = (atMs: number, changes: Partial<Envelope> = {}): Envelope => ({
  event_id: 'e',
  source_id: 'proxy-1',
  boot_epoch: 1,
  seq: 5,
  prev_hash: Buffer.alloc(32),
  occurred_at: atMs * 1000 + 7,
  clock_offset_us: 0,
  build: 'affiant 0.1.0',
  session_id: 's',
  exchange_id: 'x',
  principal: person('alice'),
  connection: 'claude',
  ...changes,
});

const step = (kind: string, atMs: number, by: string | null = null, quorum = 1): Decision => ({
  envelope: envelope(atMs),
  kind,
  phase: 'request',
  verdict: 'hold',
  rules: [
    { policy: 'masking', action: 'mask', reason: 'ssn' },
    { policy: 'destructive-sql', action: 'hold', reason: 'tool input' },
  ],
  policy_version: '1',
  policy_digest: 'ab',
  subject_digest: 'cd',
  approval: {
    approval_id: 'a',
    approver_group: 'owners',
    quorum,
    granted: 0,
    expires_at: 900_000_000,
    decided_by: by === null ? null : person(by),
    reason: by === null ? null : `${by} says so`,
  },
});

const folded = (events: readonly Decision[], unfinished: 'expire' | 'keep' = 'keep') => {
  const fold = new ApprovalFold();
  for (const event of events) fold.take(event);
  return fold.result(unfinished, 777);
};

const requested = step('approval_requested', 100);

describe('approvals out of events', () => {
  it('carry what was asked', () => {
    const { rows, incomplete } = folded([requested]);
    expect(incomplete).toBe(0);
    expect(rows).toEqual([
      {
        id: 'a',
        exchange_id: 'x',
        session_id: 's',
        connection: 'claude',
        requester: person('alice'),
        phase: 'request',
        policy: 'destructive-sql',
        policy_digest: 'ab',
        reason: 'tool input',
        summary: expect.stringContaining('see the exchange') as string,
        subject_digest: 'cd',
        approver_group: 'owners',
        quorum: 1,
        state: 'pending',
        votes: [],
        created_at: 100,
        expires_at: 900_000,
        decided_at: null,
        orphaned: false,
        version: 1,
      },
    ]);
  });

  it.each([
    ['granted', ['approval_granted 200 bob'], 'granted', 200],
    ['denied', ['approval_denied 200 bob'], 'denied', 200],
    ['released', ['approval_granted 200 bob', 'approval_released 300'], 'released', 200],
    ['expired while pending', ['approval_expired 400'], 'expired', 400],
    ['expired after the grant', ['approval_granted 200 bob', 'approval_expired 400'], 'expired', 400],
    ['told before its grant by a clock that lags', ['approval_released 150', 'approval_granted 200 bob'], 'released', 200],
    ['denied by one while another granted', ['approval_granted 200 bob', 'approval_denied 201 carol'], 'denied', 201],
  ])('%s', (_, lines, state, decided_at) => {
    const events = lines.map((line) => {
      const [kind = '', at = '', by = null] = line.split(' ');
      return step(kind, Number(at), by);
    });
    for (const order of [[requested, ...events], [...events, requested].toReversed()]) {
      expect(folded(order).rows[0]).toMatchObject({ state, decided_at });
    }
  });

  it('count each approver once, and no vote after the decision', () => {
    const two = (kind: string, at: number, by: string): Decision => step(kind, at, by, 2);
    const ask = step('approval_requested', 100, null, 2);
    const bob = [two('approval_granted', 200, 'bob'), two('approval_granted', 210, 'bob')];
    expect(folded([ask, ...bob]).rows[0]).toMatchObject({ state: 'pending', decided_at: null, votes: [{ at: 200 }] });
    const all = [ask, ...bob, two('approval_granted', 220, 'carol'), two('approval_granted', 230, 'dave')];
    const [row] = folded(all).rows;
    expect(row).toMatchObject({ state: 'granted', decided_at: 220 });
    expect(row?.votes.map(({ approver, reason }) => [approver.subject, reason])).toEqual([
      ['bob', 'bob says so'],
      ['carol', 'carol says so'],
    ]);
  });

  it('expire when they were not ended, unless they are to be kept', () => {
    expect(folded([requested], 'expire').rows[0]).toMatchObject({ state: 'expired', decided_at: 777 });
    expect(folded([requested, step('approval_granted', 200, 'bob')], 'expire').rows[0]).toMatchObject({ state: 'expired' });
    expect(folded([requested, step('approval_denied', 200, 'bob')], 'expire').rows[0]).toMatchObject({ state: 'denied' });
  });

  it('are counted as incomplete without their request', () => {
    expect(folded([step('approval_granted', 200, 'bob')])).toEqual({ rows: [], incomplete: 1 });
    expect(folded([{ ...requested, approval: null }])).toEqual({ rows: [], incomplete: 0 });
  });
});

const packet = (status: string, atMs: number, facts: Record<string, string> = {}): Control => ({
  envelope: envelope(atMs, { principal: person('olga'), source_id: 'console-1', seq: 9 }),
  kind: 'packet.created',
  outcome: 'success',
  subject: 'p',
  attributes: Object.entries({ status, framework: 'ffiec', from: 'A', to: 'B', ...facts }).map(([name, value]) => ({ name, value })),
  detail: null,
});

const foldedPackets = (events: readonly Control[]) => {
  const fold = new PacketFold();
  for (const event of events) fold.take(event);
  return fold.result(async () => ({ path: '/there', bytes: 12 }));
};

const done = packet('done', 300, { tree_size: '70', sha256: 'ee', packet_id: 'q', pass: '9', no_activity: '2' });

describe('packets out of events', () => {
  it('are queued with their job when nothing ended them', async () => {
    const { rows } = await foldedPackets([packet('started', 100)]);
    expect(rows[0]).toMatchObject({
      id: 'p',
      state: 'queued',
      requested_by: 'olga',
      created_at: 100,
      tree_size: null,
      job: { id: 'p', requestedBy: person('olga'), source: 'console-1', seq: 9 },
    });
    expect((await foldedPackets([packet('started', 100, { tree_size: '42' })])).rows[0]?.tree_size).toBe(42);
  });

  it('are done when one of their jobs said so, with verdicts and file', async () => {
    const { rows } = await foldedPackets([done, packet('failed', 200, { code: 'engine_failed' }), packet('started', 100), done]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      state: 'done',
      tree_size: 70,
      sha256: 'ee',
      verdicts: { PASS: 9, 'NO ACTIVITY': 2 },
      finished_at: 300,
      path: '/there',
      bytes: 12,
      error: null,
    });
  });

  it('say why they are refused or failed, and are left out without their request', async () => {
    const { rows } = await foldedPackets([packet('started', 100), packet('refused', 200, { code: 'packet_refused' })]);
    expect(rows[0]).toMatchObject({ state: 'refused', error: expect.stringContaining('cannot be made') as string, path: null });
    expect(await foldedPackets([done])).toEqual({ rows: [], incomplete: 1 });
    expect(await foldedPackets([{ ...done, kind: 'policy.published' }])).toEqual({ rows: [], incomplete: 0 });
  });
});
