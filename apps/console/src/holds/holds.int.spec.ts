import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleDrop } from '../../../../libs/catalogue/src/contract/hold-book.contract.js';
import { MemoryHoldBook } from '../../../../libs/retention/src/testing/memory-hold-book.js';
import { startConsole, testPorts, type TestPorts } from '../testing/fakes.js';

let ports: TestPorts;
let app: NestFastifyApplication;
let base: string;
let book: MemoryHoldBook;

beforeEach(async () => {
  book = new MemoryHoldBook();
  ports = testPorts({
    holds: { book, roles: () => ({ place: ['data-owners'], release: ['auditors', 'data-owners'] }) },
    retention: async () => [],
  });
  ({ app, url: base } = await startConsole(ports));
});
afterEach(() => app.close());

interface Answer {
  readonly hold: { readonly id: string };
  readonly holds: readonly object[];
  readonly late: readonly object[];
  readonly error: { readonly code: string };
}

async function call(path: string, token: string, body?: object): Promise<{ status: number; body: Answer }> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${base}/api/v1/${path}`, { ...init, headers });
  return { status: response.status, body: (await response.json()) as Answer };
}

const HOLD = { reason: 'claim 7, ssn 123-45-6789', from: '2025-01-01T00:00:00Z', to: '2025-02-01T00:00:00Z' };

describe('holds', () => {
  it('are placed by one group, released by another person, and recorded before they are there', async () => {
    const { status, body } = await call('holds', 'owner-1', HOLD);
    expect(status).toBe(201);
    expect(body.hold).toMatchObject({
      state: 'placed',
      reason: 'claim 7, ssn [us_ssn]',
      scope: { from: Date.UTC(2025, 0), session: null },
    });
    const id = body.hold.id;
    expect(ports.recorder.controls('hold.placed')).toMatchObject([
      { subject: id, principal: 'owner-1', from: '2025-01-01T00:00:00.000Z', reason: 'claim 7, ssn [us_ssn]' },
    ]);
    expect(await call(`holds/${id}/release`, 'owner-1', { reason: 'done' })).toMatchObject({
      status: 403,
      body: { error: { code: 'hold_forbidden' } },
    });
    expect(await call(`holds/${id}/release`, 'nobody', { reason: 'done' })).toMatchObject({ status: 403 });
    expect(await call(`holds/${id}/release`, 'auditor-1', { reason: ' ' })).toMatchObject({
      body: { error: { code: 'approval_reason_missing' } },
    });
    expect((await call(`holds/${id}/release`, 'auditor-1', { reason: 'settled' })).body.hold).toMatchObject({ state: 'released' });
    expect(await call(`holds/${id}/release`, 'owner-2', { reason: 'again' })).toMatchObject({ status: 409 });
    expect(ports.recorder.controls().map(({ kind }) => kind)).toEqual(['hold.placed', 'hold.refused', 'hold.refused', 'hold.released']);
    expect((await call('holds?state=released', 'examiner-1')).body.holds).toHaveLength(1);
  });

  it('are refused to who may not, without a reason, without a scope, and with a time that ends before it begins', async () => {
    expect(await call('holds', 'auditor-1', HOLD)).toMatchObject({ status: 403, body: { error: { code: 'hold_forbidden' } } });
    expect(await call('holds', 'owner-1', { ...HOLD, reason: '' })).toMatchObject({ body: { error: { code: 'approval_reason_missing' } } });
    for (const bad of [
      { reason: 'x' },
      { ...HOLD, from: HOLD.to },
      { ...HOLD, from: 'yesterday' },
      { ...HOLD, user: 'x' },
      { ...HOLD, session: '' },
    ])
      expect(await call('holds', 'owner-1', bad), JSON.stringify(bad)).toMatchObject({
        status: 400,
        body: { error: { code: 'usage_invalid' } },
      });
    expect(await book.list()).toEqual([]);
    expect(await call('holds', 'nobody')).toMatchObject({ status: 404 });
  });

  it('are not there when their event is not durable', async () => {
    ports.recorder.fail = 'before';
    expect(await call('holds', 'owner-1', HOLD)).toMatchObject({ status: 503, body: { error: { code: 'journal_full' } } });
    expect(await book.list()).toEqual([]);
  });

  it('say which drops they come too late for, in the answer and in the record', async () => {
    await book.intend(sampleDrop('202501/content/1'));
    await book.begin('202501/content/1', []);
    const { body } = await call('holds', 'owner-1', HOLD);
    expect(body.late).toMatchObject([{ id: '202501/content/1', state: 'dropping' }]);
    expect(ports.recorder.controls('hold.late')).toMatchObject([{ subject: body.hold.id, drops: '202501/content/1' }]);
    expect((await call('retention', 'auditor-1')).body).toMatchObject({ plan: [], drops: [{ id: '202501/content/1' }] });
  });
});
