import { readFile } from 'node:fs/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TOPICS } from '#events';
import type { TailedEvent, TailOptions } from './ports.js';
import { pendingApproval, startConsole, testPorts, type TestPorts } from './testing/fakes.js';

let ports: TestPorts;
let app: NestFastifyApplication;
let base: string;
let tails: TailOptions[];

const controlEvent = (n: number): TailedEvent => ({
  cursor: `test:${n}`,
  topic: TOPICS.control,
  value: Buffer.from([0, n]),
  decoded: {
    type: 'control',
    event: {
      envelope: {
        event_id: `e${n}`,
        source_id: 'test',
        boot_epoch: 1,
        seq: n,
        prev_hash: Buffer.alloc(32, 0xab),
        occurred_at: 1,
        clock_offset_us: 0,
        build: '0',
        session_id: null,
        exchange_id: null,
        principal: null,
        connection: null,
      },
      kind: 'gateway.heartbeat',
      outcome: 'success',
      subject: null,
      attributes: [],
      detail: null,
    },
  },
});

beforeEach(async () => {
  tails = [];
  ports = testPorts({
    tail: {
      read: async function* (options) {
        tails.push(options);
        yield controlEvent(1);
        yield controlEvent(2);
        if (options.follow) await new Promise<void>((resolve) => options.signal.addEventListener('abort', () => resolve()));
      },
    },
  });
  ({ app, url: base } = await startConsole(ports));
});

afterEach(() => app.close());

interface Answer {
  readonly status: number;
  readonly body: { error?: { code: string; where?: string; remedy: string } } & Record<string, unknown>;
}

async function call(path: string, token: string | null, init: RequestInit = {}): Promise<Answer> {
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(init.body ? { 'content-type': 'application/json' } : {}),
  };
  const response = await fetch(`${base}${path}`, { ...init, headers });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const post = (path: string, token: string, body: unknown): Promise<Answer> =>
  call(path, token, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });

describe('who may call', () => {
  const paths = [
    'status',
    'whoami',
    'exchanges',
    'sessions',
    'sessions/x',
    'sessions/x/replay',
    'approvals',
    'approvals/x',
    'packets',
    'packets/x',
  ];
  it.each([...paths, 'packets/packet-1/download', 'events', 'policy'])('refuses /api/v1/%s without a token', async (path) => {
    expect(await call(`/api/v1/${path}`, null)).toMatchObject({ status: 401, body: { error: { code: 'token_missing' } } });
  });

  it('records a token that does not verify, and challenges for Bearer only', async () => {
    const response = await fetch(`${base}/api/v1/status`, { headers: { authorization: 'Bearer wrong' } });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="affiant"']);
    expect(ports.recorder.controls('identity.refused')).toMatchObject([{ code: 'token_invalid', at: 'console', remote: '127.0.0.1' }]);
  });

  it.each(['exchanges', 'sessions', 'sessions/x', 'packets', 'events', 'policy', 'packets/packet-1/download'])(
    'keeps /api/v1/%s to auditors and examiners',
    async (path) => {
      expect(await call(`/api/v1/${path}`, 'owner-1')).toMatchObject({ status: 403, body: { error: { code: 'query_refused' } } });
    },
  );

  it('tells a caller who it is', async () => {
    expect((await call('/api/v1/whoami', 'examiner-1')).body).toMatchObject({
      subject: 'examiner-1',
      reader: 'examiner',
      groups: ['examiners'],
    });
  });

  it('lets anyone ask whether it runs', async () => {
    expect(await call('/livez', null)).toEqual({ status: 200, body: { status: 'ok' } });
    expect((await call('/readyz', null)).status).toBe(200);
    expect(await call('/api/v1/unknown', null)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
  });
});

describe('metrics', () => {
  const exposition = { contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'affiant_ledger_up 1\n' };

  it('are given to a collector on this machine, without a token', async () => {
    await app.close();
    ({ app, url: base } = await startConsole({ ...ports, metrics: { text: async () => exposition } }));
    const response = await fetch(`${base}/metrics`);
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      exposition.contentType,
      exposition.body,
    ]);
  });

  it.each(['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1', '128.0.0.1'])('are not there for %s', async (remoteAddress) => {
    await app.close();
    ({ app, url: base } = await startConsole({ ...ports, metrics: { text: async () => exposition } }));
    const headers = { 'x-forwarded-for': '127.0.0.1' };
    expect((await app.inject({ url: '/metrics', remoteAddress, headers })).statusCode).toBe(404);
    expect((await app.inject({ url: '/metrics', remoteAddress: '::ffff:127.0.0.1' })).statusCode).toBe(200);
  });

  it('are not there in a service that serves them elsewhere', async () => {
    expect((await call('/metrics', null)).status).toBe(404);
  });
});

describe('approvals', () => {
  beforeEach(() => ports.approvals.open(pendingApproval));

  it('are seen by approvers, readers and the requester only; a look is recorded', async () => {
    for (const who of ['owner-1', 'auditor-1', 'alice']) expect((await call('/api/v1/approvals', who)).body['approvals']).toHaveLength(1);
    expect((await call('/api/v1/approvals?state=pending', 'nobody')).body).toEqual({ approvals: [] });
    expect((await call('/api/v1/approvals/approval-1', 'nobody')).status).toBe(404);
    expect((await call('/api/v1/approvals/approval-1', 'owner-1')).status).toBe(200);
    expect(ports.recorder.controls('approval.viewed')).toMatchObject([{ subject: 'approval-1', principal: 'owner-1', state: 'pending' }]);
  });

  it('are decided with a reason', async () => {
    expect(await post('/api/v1/approvals/approval-1/approve', 'owner-1', {})).toMatchObject({
      status: 400,
      body: { error: { code: 'approval_reason_missing' } },
    });
    expect(await post('/api/v1/approvals/approval-1/approve', 'alice', { reason: 'x' })).toMatchObject({ status: 403 });
    expect(await post('/api/v1/approvals/approval-1/approve', 'owner-1', { reason: 'checked' })).toMatchObject({
      status: 200,
      body: { approval: { state: 'granted' } },
    });
    expect(await post('/api/v1/approvals/approval-1/deny', 'owner-2', { reason: 'late' })).toMatchObject({ status: 409 });
  });

  it('answers malformed input with the field that is wrong', async () => {
    const at = '/api/v1/approvals/approval-1/deny';
    expect(await post(at, 'owner-1', '{')).toMatchObject({ status: 400, body: { error: { code: 'usage_invalid' } } });
    expect(await post(at, 'owner-1', { reason: 5 })).toMatchObject({ status: 400, body: { error: { where: 'reason' } } });
    expect(await post(at, 'owner-1', { reason: 'x', force: true })).toMatchObject({
      status: 400,
      body: { error: { code: 'usage_invalid' } },
    });
    expect(await post(at, 'owner-1', { reason: 'x'.repeat(100_000) })).toMatchObject({
      status: 413,
      body: { error: { code: 'body_too_large' } },
    });
    expect(await call('/api/v1/approvals?limit=0', 'owner-1')).toMatchObject({ status: 400, body: { error: { where: 'limit' } } });
  });
});

describe('packets', () => {
  it('are ordered for a period', async () => {
    const asked = { framework: 'ffiec', from: '2026-07-01', to: '2026-10-01T00:00:00Z' };
    expect(await post('/api/v1/packets', 'examiner-1', asked)).toMatchObject({
      status: 202,
      body: { packet: { state: 'queued', from: '2026-07-01T00:00:00.000Z', requested_by: 'examiner-1' } },
    });
    for (const change of [{ framework: 'x' }, { from: 'yesterday' }, { from: '2026-10-02' }, { to: '2026-13-01' }, { extra: 1 }]) {
      expect((await post('/api/v1/packets', 'examiner-1', { ...asked, ...change })).status).toBe(400);
    }
  });

  it('are handed out only after the download is durable', async () => {
    const get = () => fetch(`${base}/api/v1/packets/packet-1/download`, { headers: { authorization: 'Bearer auditor-1' } });
    const response = await get();
    expect(await response.text()).toBe('%PDF-1.7');
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="packet_1.pdf"');
    expect(ports.recorder.controls('packet.downloaded')).toMatchObject([{ subject: 'packet-1', principal: 'auditor-1', bytes: '8' }]);
    ports.recorder.fail = 'before';
    const refused = await get();
    expect([refused.status, (await refused.text()).includes('%PDF')]).toEqual([503, false]);
  });
});

describe('events', () => {
  it('are tailed as lines with a cursor, and the tail is recorded first', async () => {
    const response = await fetch(`${base}/api/v1/events?topic=${TOPICS.control}&from=test:0`, {
      headers: { authorization: 'Bearer auditor-1' },
    });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      {
        cursor: 'test:1',
        type: 'control',
        topic: TOPICS.control,
        event: { kind: 'gateway.heartbeat', envelope: { prev_hash: 'ab'.repeat(32) } },
      },
      { cursor: 'test:2' },
    ]);
    expect(tails).toMatchObject([{ topic: TOPICS.control, from: 'test:0', follow: false }]);
    expect(ports.recorder.controls('events.tailed')).toMatchObject([{ principal: 'auditor-1', subject: TOPICS.control, from: 'test:0' }]);
    expect((await call('/api/v1/events?topic=x', 'auditor-1')).status).toBe(400);
  });

  it('are given as OCSF under the topic of the SIEM, every event of every topic', async () => {
    const response = await fetch(`${base}/api/v1/events?topic=affiant.ocsf.v1&format=ndjson&from=test:0`, {
      headers: { authorization: 'Bearer auditor-1' },
    });
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      {
        cursor: 'test:1',
        topic: 'affiant.ocsf.v1',
        event: { class_uid: 6002, metadata: { uid: 'e1', sequence: 1, log_name: TOPICS.control } },
      },
      { cursor: 'test:2', event: { metadata: { uid: 'e2' } } },
    ]);
    expect(tails).toMatchObject([{ topic: null, from: 'test:0' }]);
    expect(ports.recorder.controls('events.tailed')).toMatchObject([{ subject: 'affiant.ocsf.v1' }]);
    expect((await call('/api/v1/events?topic=affiant.ocsf.v1&format=csv', 'auditor-1')).status).toBe(400);
  });

  it('stop following when the client goes, and when the process ends', async () => {
    const follow = (signal?: AbortSignal) =>
      fetch(`${base}/api/v1/events?follow=1`, { headers: { authorization: 'Bearer auditor-1' }, ...(signal ? { signal } : {}) });
    const leave = new AbortController();
    const response = await follow(leave.signal);
    await response.body?.getReader().read();
    const gone = new Promise<void>((resolve) => tails[0]?.signal.addEventListener('abort', () => resolve()));
    leave.abort();
    await gone;
    const second = await follow();
    const text = second.text().catch(() => 'cut');
    await app.close();
    expect(tails[1]?.signal.aborted).toBe(true);
    expect(await text).toBeTypeOf('string');
  });
});

describe('the verifiers', () => {
  it('are served without a token, unchanged, and may reach no network', async () => {
    const script = await (await fetch(`${base}/verify/affiant-verify.mjs`)).text();
    expect(script).toBe(await readFile(new URL('../../../ops/verify/affiant-verify.mjs', import.meta.url), 'utf8'));
    const page = await fetch(`${base}/verify/affiant-verify.html`);
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'/,
    );
    const html = await page.text();
    expect(html).toContain(script.slice(script.indexOf('\n') + 1));
    expect(html).not.toMatch(/(?:src|href)="(?!data:,")/);
  });
});

describe('the page', () => {
  it('is served with a policy that allows nothing but its own files', async () => {
    const response = await fetch(base, { headers: { accept: 'text/html' } });
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/);
    const html = await response.text();
    expect(html).not.toMatch(/<script>|<style>| on[a-z]+=/);
    for (const [, path = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g)) expect((await fetch(base + path)).status).toBe(200);
    const script = await (await fetch(`${base}/assets/console.js`)).text();
    expect(script).not.toMatch(/innerHTML|localStorage|sessionStorage|document\.cookie|eval\(/);
  });
});
