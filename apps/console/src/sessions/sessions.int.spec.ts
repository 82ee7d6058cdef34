import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exchangeRows } from '../testing/ledger-rows.js';
import { startSqlConsole, type SqlConsole } from '../testing/sql-console.js';

let console_: SqlConsole;

beforeAll(async () => {
  console_ = await startSqlConsole();
  await console_.store.appendEvents('batch-1', exchangeRows());
});
afterAll(() => console_.stop());
beforeEach(() => {
  console_.ports.recorder.drafts.length = 0;
  console_.ports.recorder.fail = 'never';
});

async function get(path: string, token = 'auditor-1'): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${console_.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('the past, by the API', () => {
  it('lists exchanges with what was decided', async () => {
    expect(await get('exchanges?limit=5')).toMatchObject({
      status: 200,
      body: {
        exchanges: [{ exchange_id: 'exchange-1', verdict: 'mask', policies: ['customer-data'], outcome: 'completed', request_masks: 2 }],
      },
    });
    expect((await get('exchanges?session_id=other')).body).toEqual({ exchanges: [] });
    expect(console_.ports.recorder.controls('ledger.queried')).toMatchObject([
      { status: 'done', via: 'api', rows: '1', principal: 'auditor-1', param_limit: '5' },
      { rows: '0', param_session: 'other' },
    ]);
  });

  it('lists and shows sessions', async () => {
    expect((await get('sessions')).body).toMatchObject({ sessions: [{ session_id: 'session-1', exchanges: 1, masked_values: 2 }] });
    const shown = await get('sessions/session-1', 'examiner-1');
    expect(shown.body).toMatchObject({
      session_id: 'session-1',
      parts: [{ principal_subject: 'alice' }],
      exchanges: [{ exchange_id: 'exchange-1' }],
    });
    expect((await get('sessions/none')).status).toBe(404);
    expect((await get(`sessions/${encodeURIComponent("x' OR 1=1 --")}`)).status).toBe(404);
  });

  it('replays a session: masked bodies, decisions and when each part was sent; and says who looked', async () => {
    const { body } = await get('sessions/session-1/replay');
    expect(body).toMatchObject({
      session_id: 'session-1',
      steps: [
        {
          exchange: { exchange_id: 'exchange-1' },
          decisions: [{ verdict: 'mask' }],
          request_body: 'question [us_ssn]',
          response_body: 'an answer',
          timeline: [
            { at_us: 500, bytes: 10 },
            { at_us: 900, bytes: 5 },
          ],
        },
      ],
    });
    expect(console_.ports.recorder.controls('session.replayed')).toMatchObject([
      { subject: 'session-1', principal: 'auditor-1', exchanges: '1' },
    ]);
  });

  it('shows nothing whose reading cannot be recorded', async () => {
    console_.ports.recorder.fail = 'before';
    for (const path of ['exchanges', 'sessions', 'sessions/session-1/replay']) {
      const { status, body } = await get(path);
      expect([status, JSON.stringify(body).includes('exchange-1')]).toEqual([503, false]);
    }
  });
});
