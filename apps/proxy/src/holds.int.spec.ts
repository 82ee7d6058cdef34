import type { ClientRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rule } from './testing/fake-protocol.js';
import { answerStream } from './testing/fake-upstream.js';
import { Rig } from './testing/rig.js';

let rig: Rig;

/** Waits long enough for people on any machine: what a test wants to happen in time does. */
beforeEach(async () => {
  rig = await Rig.start({ approvals: { silent: 60_000, keep_alive: 20 }, limits: { silent_wait: 60_000 } });
});
/** For tests of what happens when nobody decides in time. */
async function impatient(): Promise<void> {
  await rig.stop();
  rig = await Rig.start({ approvals: { silent: 60, keep_alive: 20 }, limits: { silent_wait: 150 } });
}
afterEach(() => rig.stop());

const outcomes = (): string[] => rig.recorder.of('response').map(({ event }) => event.outcome);
const published = async (): Promise<void> => {
  await rig.recorder.until(() => rig.recorder.controls('policy.published').length === 2);
  await new Promise(setImmediate);
};
const held = { stream: true, text: 'HOLD SECRET' };

describe('a request that waits for people', () => {
  it('is recorded, waits, and is forwarded once when granted', async () => {
    const answer = rig.post(held);
    const row = await rig.book.row();
    expect(row).toMatchObject({ phase: 'request', approver_group: 'owners', connection: 'claude', session_id: 's1', summary: 'HOLD [X]' });
    expect(rig.upstream.heard).toHaveLength(0);
    await rig.book.vote(row.id, 'approve');
    expect(await answer).toMatchObject({ status: 200, body: 'one\ntwo\nend\n' });
    expect(rig.recorder.of('decision').map(({ event }) => event.kind)).toEqual(['verdict', 'approval_requested', 'approval_released']);
    expect(rig.recorder.decisions('approval_released')[0]?.event.subject_digest).toBe(row.subject_digest);
    expect(rig.upstream.heard[0]?.body).toContain('HOLD [X]');
    expect(outcomes()).toEqual(['completed']);
  });

  it('records the release before the upstream hears it', async () => {
    let open: () => void = () => undefined;
    const answer = rig.post(held);
    const row = await rig.book.row();
    const reached = new Promise<void>((seen) => {
      rig.recorder.gate = (drafts) => {
        if (!drafts.some((draft) => draft.type === 'decision' && draft.event.kind === 'approval_released')) return Promise.resolve();
        seen();
        return new Promise((resolve) => (open = resolve));
      };
    });
    await rig.book.vote(row.id, 'approve');
    await reached;
    // Whatever was sent before it would have arrived before this call's own round trip.
    await rig.post(undefined, { method: 'GET', path: '/c/claude/v1/models' });
    expect(rig.upstream.heard.map(({ url }) => url)).toEqual(['/v1/models']);
    open();
    expect((await answer).status).toBe(200);
  });

  it('is a clean 403 when denied in time, and its twin gets the same', async () => {
    const answer = rig.post(held);
    await rig.book.vote((await rig.book.row()).id, 'deny', 'not on a Friday');
    const denied = await answer;
    expect(denied.status).toBe(403);
    expect(denied.body).toContain('not on a Friday');
    const twin = await rig.post({ ...held, stream: false });
    expect(twin).toMatchObject({ status: 403 });
    expect(twin.body).toContain('approval_denied');
    expect(rig.recorder.of('request')[1]?.event.joins_exchange).toBe(rig.recorder.of('request')[0]?.context.exchange_id);
    expect(rig.recorder.of('decision').at(-1)?.event).toMatchObject({ verdict: 'block' });
    expect(outcomes()).toEqual(['denied', 'denied']);
    expect(rig.upstream.heard).toHaveLength(0);
    expect(rig.book.rows.size).toBe(1);
  });

  it('keeps a stream alive while it waits, and refuses inside it', async () => {
    await impatient();
    const answer = rig.post(held, {
      onRequest: (request) => request.on('response', (response) => response.once('data', () => void deny())),
    });
    const deny = async (): Promise<void> => void (await rig.book.vote((await rig.book.row()).id, 'deny'));
    const denied = await answer;
    expect(denied.status).toBe(200);
    expect(denied.body).toMatch(/^ping0\n(?:ping\n)*error:approval_denied\n$/);
    expect((await rig.post({ ...held, stream: false })).status).toBe(403);
  });

  it('goes on behind the keep-alives when granted late', async () => {
    await impatient();
    const approve = async (): Promise<void> => void (await rig.book.vote((await rig.book.row()).id, 'approve'));
    const answer = await rig.post(held, {
      onRequest: (request) => request.on('response', (response) => response.once('data', () => void approve())),
    });
    expect(answer.body).toMatch(/^ping0\n(?:ping\n)*one\ntwo\nend\n$/);
  });

  it('tells a call that does not stream to come again, and the retry joins', async () => {
    await impatient();
    const first = await rig.post({ text: 'HOLD' });
    expect(first).toMatchObject({ status: 429, headers: { 'retry-after': '5', 'x-should-retry': 'true' } });
    const retry = rig.post({ text: 'HOLD' });
    await rig.recorder.until(() => rig.recorder.of('request').length === 2);
    await rig.book.vote((await rig.book.row()).id, 'approve');
    expect((await retry).body).toBe('{"said":"[X]"}');
    expect(rig.book.rows.size).toBe(1);
    expect(rig.recorder.of('request')[1]?.event.joins_exchange).toBe(rig.recorder.of('request')[0]?.context.exchange_id);
    expect(outcomes()).toEqual(['refused', 'completed']);
    expect(rig.upstream.heard).toHaveLength(1);
  });

  it('stays good for the retry of a client that went away before the approval', async () => {
    let request: ClientRequest | undefined;
    const first = rig.post(held, { onRequest: (made) => (request = made) });
    const row = await rig.book.row();
    request?.destroy();
    await first;
    await rig.recorder.until(() => rig.recorder.of('response').length === 1);
    expect(outcomes()).toEqual(['client_gone']);
    expect(rig.recorder.decisions('approval_orphaned')).toHaveLength(1);
    await rig.book.row(({ orphaned }) => orphaned);
    await rig.book.vote(row.id, 'approve');
    expect(rig.upstream.heard).toHaveLength(0);
    expect(await rig.post(held)).toMatchObject({ status: 200, body: 'one\ntwo\nend\n' });
    expect(rig.upstream.heard).toHaveLength(1);
    expect(rig.book.releases).toBe(1);
  });

  it('is forwarded once when many ask for the same approval', async () => {
    const answers = Promise.all([rig.post(held), rig.post(held), rig.post(held), rig.post({ ...held, stream: false })]);
    await rig.recorder.until(() => rig.recorder.of('request').length === 4);
    expect(rig.book.rows.size).toBe(1);
    await rig.book.vote((await rig.book.row()).id, 'approve');
    const [one, two, three, whole] = await answers;
    for (const answer of [one, two, three]) expect(answer?.body).toMatch(/^(?:ping0\n(?:ping\n)*)?one\ntwo\nend\n$/);
    expect(JSON.parse(whole?.body ?? '{}')).toEqual({ lines: ['one', 'two', 'end'] });
    expect(rig.upstream.heard).toHaveLength(1);
    expect(rig.book.releases).toBe(1);
    expect(rig.recorder.of('response').filter(({ event }) => event.input_tokens !== null)).toHaveLength(1);
    expect(rig.recorder.of('response')).toHaveLength(4);
  });

  it('asks anew for a call that was approved and answered before', async () => {
    const first = rig.post(held);
    await rig.book.vote((await rig.book.row()).id, 'approve');
    await first;
    const second = rig.post(held);
    const row = await rig.book.row(({ state }) => state === 'pending');
    await rig.book.vote(row.id, 'approve');
    expect((await second).status).toBe(200);
    expect(rig.upstream.heard).toHaveLength(2);
    expect(rig.book.releases).toBe(2);
  });

  it('expires: recorded, then refused', async () => {
    rig.policies.publish('2', () => ({
      action: 'hold',
      rules: [{ ...rule('hold'), approvers: { group: 'owners', quorum: 1, not: 'requester', expires: 30 } }],
    }));
    await published();
    const answer = await rig.post({ text: 'anything' });
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('approval_expired');
    expect(rig.recorder.decisions('approval_expired')).toHaveLength(1);
    expect([...rig.book.rows.values()][0]?.state).toBe('expired');
    expect(outcomes()).toEqual(['expired']);
  });

  it('is not released for an expired token, and stays good for a fresh one', async () => {
    rig.identity.expiresAtMs = Date.now() - 1;
    const first = rig.post(held);
    const row = await rig.book.row();
    await rig.book.vote(row.id, 'approve');
    expect((await first).status).toBe(401);
    expect(rig.book.releases).toBe(0);
    rig.identity.expiresAtMs = Date.now() + 60_000;
    expect((await rig.post(held)).status).toBe(200);
    expect(rig.book.releases).toBe(1);
  });

  it('is refused when a policy published meanwhile is stricter', async () => {
    const first = rig.post(held);
    const row = await rig.book.row();
    rig.policies.publish('2', () => ({ action: 'block', rules: [rule('block')] }));
    await published();
    await rig.book.vote(row.id, 'approve');
    expect(await first).toMatchObject({ status: 403 });
    expect(rig.upstream.heard).toHaveLength(0);
    expect(rig.book.releases).toBe(0);
  });

  it('is released under a policy published meanwhile that asks no more', async () => {
    const first = rig.post(held);
    const row = await rig.book.row();
    rig.policies.publish('2', () => ({ action: 'hold', rules: [rule('hold')] }));
    await published();
    await rig.book.vote(row.id, 'approve');
    expect(await first).toMatchObject({ status: 200 });
  });

  it('finds the ticket an earlier process opened', async () => {
    await impatient();
    const first = rig.post({ text: 'HOLD' });
    const row = await rig.book.row();
    expect((await first).status).toBe(429);
    const next = await Rig.start({ options: { approvals: rig.book } });
    const retry = next.post({ text: 'HOLD' });
    await next.recorder.until(() => next.recorder.of('request').length === 1);
    expect(next.recorder.of('request')[0]?.event.joins_exchange).toBe(row.exchange_id);
    expect(next.recorder.decisions('approval_requested')).toHaveLength(0);
    await rig.book.vote(row.id, 'approve');
    expect((await retry).status).toBe(200);
    expect(next.upstream.heard).toHaveLength(1);
    await next.stop();
  });

  it('lets the session-title twin share the decision, once', async () => {
    const title = rig.post({ ...held, tools: [] });
    await rig.book.row();
    const main = rig.post({ ...held, tools: ['Bash'] });
    await rig.recorder.until(() => rig.recorder.of('request').length === 2);
    const other = rig.post({ ...held, tools: ['Edit'] });
    await rig.recorder.until(() => rig.recorder.of('request').length === 3);
    await rig.book.row(() => rig.book.rows.size === 2);
    await rig.book.vote((await rig.book.row()).id, 'approve');
    expect((await title).status).toBe(200);
    expect((await main).status).toBe(200);
    expect(rig.upstream.heard).toHaveLength(2);
    expect(rig.recorder.decisions('approval_released')).toHaveLength(1);
    await rig.book.vote((await rig.book.row(({ state }) => state === 'pending')).id, 'deny');
    const refused = await other;
    expect(refused.status === 403 || refused.body.endsWith('error:approval_denied\n')).toBe(true);
  });

  it('is told to come again when the gateway drains', async () => {
    const answer = rig.post({ text: 'HOLD' });
    await rig.book.row();
    await rig.recorder.until(() => rig.recorder.of('request').length === 1);
    await rig.gateway.drain();
    expect((await answer).status).toBe(429);
    expect(outcomes()).toEqual(['refused']);
    expect(rig.recorder.controls('gateway.stopped')).toHaveLength(1);
  });
});

describe('an answer that waits for people', () => {
  beforeEach(() => {
    rig.upstream.answer = ({ response }) => answerStream(response, 'one\nhold:rm -rf\nthree\nend\n');
  });

  it('stops at the part, keeps the stream alive, and goes on when granted', async () => {
    const answer = rig.post({ stream: true, text: 'go' });
    const row = await rig.book.row();
    expect(row).toMatchObject({ phase: 'response', summary: 'hold:rm -rf' });
    await rig.book.vote(row.id, 'approve');
    expect((await answer).body).toMatch(/^one\n(?:ping\n)*hold:rm -rf\nthree\nend\n$/);
    expect(rig.recorder.of('decision').map(({ event }) => [event.phase, event.kind])).toEqual([
      ['request', 'verdict'],
      ['response', 'verdict'],
      ['response', 'approval_requested'],
      ['response', 'approval_released'],
    ]);
    expect(outcomes()).toEqual(['completed']);
  });

  it('is refused inside the stream when denied, and the twin gets 403 without a second forward', async () => {
    const answer = rig.post({ stream: true, text: 'go' });
    await rig.book.vote((await rig.book.row()).id, 'deny');
    expect((await answer).body).toMatch(/^one\n(?:ping\n)*error:approval_denied\n$/);
    expect(await rig.post({ text: 'go' })).toMatchObject({ status: 403 });
    expect(rig.upstream.heard).toHaveLength(1);
    const recorded = rig.textOf(rig.recorder.of('response')[0]!.event.body);
    expect(recorded).toContain('one');
    expect(recorded).not.toContain('rm -rf');
  });

  it('is kept for the twin of a client that went away', async () => {
    let request: ClientRequest | undefined;
    const first = rig.post({ stream: true, text: 'go' }, { onRequest: (made) => (request = made) });
    const row = await rig.book.row();
    request?.destroy();
    await first;
    await rig.recorder.until(() => rig.recorder.of('response').length === 1);
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'client_gone', input_tokens: 3, upstream_status: 200 });
    const twin = rig.post({ text: 'go' });
    await rig.recorder.until(() => rig.recorder.of('request').length === 2);
    await rig.book.vote(row.id, 'approve');
    expect(JSON.parse((await twin).body)).toEqual({ lines: ['one', 'hold:rm -rf', 'three', 'end'] });
    expect(rig.upstream.heard).toHaveLength(1);
    expect(rig.recorder.of('response')[1]?.event).toMatchObject({ outcome: 'completed', input_tokens: null, upstream_status: null });
  });

  it('holds a whole answer silently, then tells to come again; the retry gets it', async () => {
    await impatient();
    rig.upstream.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('hold:x\nrest');
    };
    expect((await rig.post({ text: 'go' })).status).toBe(429);
    await rig.book.vote((await rig.book.row()).id, 'approve');
    expect(await rig.post({ text: 'go' })).toMatchObject({ status: 200, body: 'hold:x\nrest' });
    expect(rig.upstream.heard).toHaveLength(1);
  });

  it('expires the approval when the upstream breaks off while people decide', async () => {
    rig.upstream.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('one\nhold:x\n');
      void rig.book.row().then(() => response.destroy());
    };
    const answer = await rig.post({ stream: true, text: 'go' });
    expect(answer.broken).toBe(true);
    expect(outcomes()).toEqual(['upstream_gone']);
    expect([...rig.book.rows.values()][0]?.state).toBe('expired');
  });

  it('blocks inside the stream and remembers it for the twin', async () => {
    expect((await rig.streamInTwo({ stream: true, text: 'go' }, 'one\n', 'block\nend\n')).body).toBe('one\nerror:policy_blocked\n');
    expect((await rig.post({ text: 'go' })).status).toBe(403);
    expect(rig.upstream.heard).toHaveLength(1);
    expect(rig.recorder.of('decision').map(({ event }) => [event.phase, event.verdict])).toContainEqual(['response', 'block']);
  });

  it('blocks with a clean 403 what came whole before a byte was sent', async () => {
    rig.upstream.answer = ({ response }) => answerStream(response, 'one\nblock\nend\n');
    expect((await rig.post({ stream: true, text: 'go' })).status).toBe(403);
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'refused', status: 403, upstream_status: 200 });
  });
});
