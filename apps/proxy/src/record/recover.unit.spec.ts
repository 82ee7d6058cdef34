import { describe, expect, it } from 'vitest';
import { principal, FakeRecorder } from '../testing/fakes.js';
import { recoverOpenExchanges } from './recover.js';

describe('recoverOpenExchanges', () => {
  it('writes one aborted response per open exchange, in its own context, in bounded commits', async () => {
    const recorder = new FakeRecorder();
    const open = Array.from({ length: 600 }, (_, at) => ({
      exchange_id: `e${at}`,
      session_id: 's',
      connection: 'claude',
      principal: principal('a'),
    }));
    expect(await recoverOpenExchanges(recorder, open)).toBe(600);
    expect(recorder.of('response').map(({ context }) => context.exchange_id)).toEqual(open.map(({ exchange_id }) => exchange_id));
    expect(new Set(recorder.of('response').map(({ event }) => event.outcome))).toEqual(new Set(['aborted']));
    expect(Math.max(...recorder.commits.map(({ length }) => length))).toBeLessThanOrEqual(256);
  });
});
