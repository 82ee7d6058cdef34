import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '#events';
import { Rig } from './testing/rig.js';

/** The clock of this machine, put to another time. */
class PutClock extends SystemClock {
  ahead = 0;

  put(instant: string): void {
    this.ahead = Date.parse(instant) - super.nowMs();
  }

  override nowMs(): number {
    return super.nowMs() + this.ahead;
  }

  override nowUs(): number {
    return super.nowUs() + this.ahead * 1_000;
  }
}

let rig: Rig;
let clock: PutClock;
beforeEach(async () => {
  clock = new PutClock();
  clock.put('2026-11-26T12:00:00Z');
  rig = await Rig.start({ approvals: { silent: 60, keep_alive: 20 }, limits: { silent_wait: 150 }, options: { clock } });
  rig.identity.expiresAtMs = Number.MAX_SAFE_INTEGER;
});
afterEach(() => rig.stop());

/** A call that names no session, or an empty one. */
const call = (body: unknown, headers: Record<string, string> = {}) => rig.post(body, { headers: { 'x-session-id': '', ...headers } });
const requests = () => rig.recorder.of('request');
const sessions = (): (string | null)[] => requests().map(({ context }) => context.session_id);
const keys = (): (string | null)[] => requests().map(({ event }) => event.body.content_key);

describe('calls that name no session', () => {
  it('share one of their principal, connection and day, and its key; each carries all of its content', async () => {
    for (let n = 0; n < 2; n += 1) expect((await call({ text: 'hello' })).status).toBe(200);
    const [session] = sessions();
    expect(session).toMatch(/^day:2026-11-26:claude:[0-9a-f]{16}$/);
    expect(sessions()).toEqual([session, session]);
    expect(rig.recorder.of('response').map(({ context }) => context.session_id)).toEqual([session, session]);
    expect(keys()[0]).not.toBeNull();
    expect(new Set(keys()).size).toBe(1);
    for (const { event } of requests()) expect(rig.textOf(event.body)).toContain('hello');
  });

  it('have another one for another principal, on another day, and where a session is named', async () => {
    await call({ text: 'hello' });
    await call({ text: 'hello' }, { authorization: 'Bearer bob' });
    await call({ text: 'hello' }, { 'x-session-id': 's1' });
    clock.put('2026-11-27T00:00:01Z');
    await call({ text: 'hello' });
    expect(sessions()[2]).toBe('s1');
    expect(sessions()[3]).toMatch(/^day:2026-11-27:/);
    expect(sessions()[3]!.slice(14)).toBe(sessions()[0]!.slice(14));
    expect(new Set(sessions()).size).toBe(4);
    expect(new Set(keys()).size).toBe(4);
  });

  it('nobody gets into that of somebody else by naming it', async () => {
    await call({ text: 'hello' });
    const [other] = sessions();
    await call({ text: 'hello' }, { authorization: 'Bearer bob', 'x-session-id': other! });
    expect(sessions()[1]).toMatch(/^day:2026-11-26:claude:/);
    expect(sessions()[1]).not.toBe(other);
    // A call that is refused before its body is read is recorded in the same one.
    await call({ text: 'hello' }, { authorization: 'Bearer bob' });
    await rig.post({ text: 'x' }, { path: '/c/closed/v1/messages', headers: { 'x-session-id': other! } });
    expect(sessions()[3]).toMatch(/^day:2026-11-26:closed:/);
  });

  it('are found again after midnight when they wait for people', async () => {
    clock.put('2026-11-26T23:59:30Z');
    expect((await call({ text: 'HOLD' })).status).toBe(429);
    clock.put('2026-11-27T00:00:30Z');
    const retry = call({ text: 'HOLD' });
    await rig.recorder.until(() => requests().length === 2);
    await rig.book.vote((await rig.book.row()).id, 'approve');
    expect((await retry).body).toBe('{"said":"[X]"}');
    expect(rig.book.rows.size).toBe(1);
    expect(requests()[1]?.event.joins_exchange).toBe(requests()[0]?.context.exchange_id);
    expect(new Set(sessions()).size).toBe(2);
  });
});
