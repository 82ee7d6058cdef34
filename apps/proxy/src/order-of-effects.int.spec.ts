import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import type { EventDraft } from '#events';
import { answerJson } from './testing/fake-upstream.js';
import { Rig } from './testing/rig.js';

let rig: Rig;

beforeEach(async () => {
  rig = await Rig.start({ limits: { record_timeout: 200 } });
});
afterEach(() => rig.stop());

const types = (drafts: readonly EventDraft[]): string[] => drafts.map(({ type }) => type);
const holds =
  (type: string) =>
  (drafts: readonly EventDraft[]): boolean =>
    drafts.some((draft) => draft.type === type);
const never = new Promise<void>(() => undefined);

describe('no evidence, no effect', () => {
  it('records request and decision in one commit, forwards, records the response, then ends the stream', async () => {
    const answer = await rig.post({ stream: true, text: 'hello' }, { path: '/c/claude/v1/messages?beta=true' });
    expect(answer).toMatchObject({ status: 200, body: 'one\ntwo\nend\n', broken: false });
    const exchange = rig.recorder.commits.slice(-2).map(types);
    expect(exchange).toEqual([['request', 'decision'], ['response']]);
    const response = rig.recorder.of('response')[0]?.event;
    expect(response).toMatchObject({
      outcome: 'completed',
      status: 200,
      upstream_status: 200,
      upstream_request_id: 'req_up',
      input_tokens: 3,
    });
    expect(response?.body).toMatchObject({ complete: true, original_length: 12, masked_length: 12 });
    expect(rig.textOf(response!.body)).toBe(answer.body);
    expect(response?.timeline.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(12);
    const [heard] = rig.upstream.heard;
    expect(heard?.url).toBe('/v1/messages?beta=true');
    expect(heard?.headers['x-api-key']).toBe('stored-key');
    expect(heard?.headers.authorization).toBeUndefined();
    expect(answer.headers['affiant-exchange-id']).toBe(rig.recorder.of('request')[0]?.context.exchange_id);
  });

  it('lets the upstream hear nothing while the request is not durable', async () => {
    rig.recorder.gate = (drafts) => (holds('request')(drafts) ? never : Promise.resolve());
    const answer = await rig.post({ text: 'hello' });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ type: 'error', error: { type: 'journal_failed' } });
    expect(answer.headers['affiant-exchange-id']).toBeUndefined();
    expect(rig.upstream.heard).toHaveLength(0);
  });

  it('keeps the last bytes of a stream back until the response is durable, and cuts it when that fails', async () => {
    rig.recorder.gate = (drafts) => (holds('response')(drafts) ? never : Promise.resolve());
    const answer = await rig.streamInTwo({ stream: true, text: 'hello' }, 'one\n', 'two\nend\n');
    expect(answer).toMatchObject({ status: 200, body: 'one\n', broken: true });
  });

  it('keeps a whole answer back until the response is durable', async () => {
    rig.recorder.gate = (drafts) => (holds('response')(drafts) ? never : Promise.resolve());
    const answer = await rig.post({ text: 'hello' });
    expect(answer.status).toBe(503);
    expect(answer.body).not.toContain('said');
  });

  it('refuses in the protocol format and forwards nothing when the journal is full', async () => {
    rig.recorder.gate = () => Promise.reject(new AffiantError('journal_full', 'at the high-water mark'));
    const answer = await rig.post({ stream: true, text: 'hello' });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ type: 'error', error: { type: 'journal_full' } });
    expect(rig.upstream.heard).toHaveLength(0);
  });

  it('ends an exchange whose request became durable too late', async () => {
    let open: () => void = () => undefined;
    rig.recorder.gate = (drafts) => (holds('request')(drafts) ? new Promise((resolve) => (open = resolve)) : Promise.resolve());
    const answer = await rig.post({ text: 'hello' });
    expect(answer.status).toBe(503);
    open();
    await rig.recorder.until(() => rig.recorder.of('response').length === 1);
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'refused', error_code: 'journal_failed' });
    expect(rig.upstream.heard).toHaveLength(0);
  });

  it('refuses what the replicas do not acknowledge in time, forwards nothing and still ends the exchange', async () => {
    const late = new AffiantError('replication_timeout', 'not acknowledged in time');
    rig.recorder.replicas = (drafts) => (holds('request')(drafts) ? Promise.reject(late) : Promise.resolve());
    const answer = await rig.post({ stream: true, text: 'hello' });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ type: 'error', error: { type: 'replication_timeout' } });
    await rig.recorder.until(() => rig.recorder.of('response').length === 1);
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'refused', error_code: 'replication_timeout' });
    expect(rig.upstream.heard).toHaveLength(0);

    expect((await rig.post({ text: 'hello' }, { path: '/c/closed/v1/messages' })).status).toBe(503);
    await rig.recorder.until(() => rig.recorder.of('response').length === 2);
  });

  it('cuts the stream whose response event the replicas do not acknowledge in time', async () => {
    const late = new AffiantError('replication_timeout', 'not acknowledged in time');
    rig.recorder.replicas = (drafts) => (holds('response')(drafts) ? Promise.reject(late) : Promise.resolve());
    const answer = await rig.post({ stream: true, text: 'hello' });
    expect(answer.body).not.toContain('end');
    expect(rig.recorder.of('response')).toHaveLength(1);
  });

  it('records a block before it is answered', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    rig.recorder.gate = (drafts) => (holds('response')(drafts) ? gate : Promise.resolve());
    let answered = false;
    const answer = rig.post({ text: 'BLOCK SECRET' }).then((value) => {
      answered = true;
      return value;
    });
    await rig.recorder.until(() => rig.recorder.of('decision').length === 1);
    expect(answered).toBe(false);
    release();
    expect((await answer).status).toBe(403);
    expect(rig.recorder.of('decision')[0]?.event).toMatchObject({ kind: 'verdict', verdict: 'block', phase: 'request' });
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({
      outcome: 'refused',
      status: 403,
      error_code: 'policy_blocked',
      upstream_status: null,
    });
    expect(JSON.stringify(rig.recorder.of('request'))).not.toContain('SECRET');
    expect(rig.upstream.heard).toHaveLength(0);
  });

  it('passes upstream error bodies with values masked only', async () => {
    rig.upstream.answer = ({ response }) =>
      answerJson(response, 529, '{"type":"error","error":{"type":"overloaded_error","message":"SECRET"}}');
    const answer = await rig.post({ text: 'hello' });
    expect(answer).toMatchObject({ status: 529, body: '{"type":"error","error":{"type":"overloaded_error","message":"[X]"}}' });
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'upstream_error', status: 529, upstream_status: 529 });
    await rig.post({ text: 'hello' });
    expect(rig.recorder.of('request')[1]?.event.joins_exchange).toBe(rig.recorder.of('request')[0]?.context.exchange_id);
  });

  it('sends content of the same session once, and by digest after that', async () => {
    await rig.post({ text: 'hello' });
    await rig.post({ text: 'hello' });
    await rig.post({ text: 'hello' }, { headers: { authorization: 'Bearer bob' } });
    const carried = rig.recorder.of('request').map(({ event }) => event.body.segments.map(({ inline }) => inline !== null));
    expect(carried).toEqual([
      [true, true],
      [false, false],
      [true, true],
    ]);
  });
});
