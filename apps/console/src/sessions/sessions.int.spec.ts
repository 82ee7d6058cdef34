import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exchangeRows, longSession } from '../testing/ledger-rows.js';
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
    expect(body['next']).toBeNull();
    expect((await get('sessions/none/replay')).status).toBe(404);
  });

  it('replays a session of hundreds of turns page after page', async () => {
    const [turns, bytes] = [400, 10_000];
    await console_.store.appendEvents('long', longSession('long', turns, bytes, 1_001));
    const page = async (after: string): Promise<{ steps: Record<string, unknown>[]; next: string | null }> => {
      const { status, body } = await get(`sessions/long/replay?after=${after}`);
      expect(status).toBe(200);
      return body as unknown as { steps: Record<string, unknown>[]; next: string | null };
    };
    const first = await page('');
    // Sixteen megabytes of bodies of 10, 20, 30 ... kilobytes.
    expect(first.steps.map(({ request_body }) => (request_body as string).length)).toEqual(
      Array.from({ length: 57 }, (_, index) => (index + 1) * bytes),
    );
    expect(first.next).toBe('long-00056');
    const second = await page(first.next!);
    expect(second.steps[0]).toMatchObject({ exchange: { exchange_id: 'long-00057' } });
    const last = await page('long-00397');
    expect(last.next).toBeNull();
    expect(last.steps.map(({ exchange }) => (exchange as { exchange_id: string }).exchange_id)).toEqual(['long-00398', 'long-00399']);
    const whole = last.steps[1]!['request_body'] as string;
    expect([whole.length, [...whole.matchAll(/turn (\d+) /g)].map(([, turn]) => Number(turn))]).toEqual([
      turns * bytes,
      Array.from({ length: turns }, (_, turn) => turn),
    ]);
    expect(await page('long-00399')).toMatchObject({ steps: [], next: null });
    expect(console_.ports.recorder.controls('session.replayed').map(({ after, exchanges }) => [after, exchanges])).toEqual([
      [undefined, '57'],
      ['long-00056', `${second.steps.length}`],
      ['long-00397', '2'],
      ['long-00399', '0'],
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
