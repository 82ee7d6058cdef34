import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '#observability';
import { FakeRecorder } from '../testing/fakes.js';
import { RefusalTally, type Refusal } from './refusal-tally.js';

let nowMs = 0;
let recorder: FakeRecorder;
let tally: RefusalTally;
const clock = { nowUs: () => nowMs * 1000, nowMs: () => nowMs, monotonicUs: () => nowMs * 1000, offsetUs: () => 0 };
const refusal = (remote: string): Refusal => ({ kind: 'identity.refused', code: 'token_invalid', reason: 'no', remote, principal: null });
const total = (): number =>
  recorder
    .controls('identity.refused')
    .reduce((sum, { event }) => sum + Number(event.attributes.find(({ name }) => name === 'count')?.value), 0);

beforeEach(() => {
  vi.useFakeTimers();
  nowMs = 5_000;
  recorder = new FakeRecorder();
  tally = new RefusalTally(recorder, clock, createLogger('test', { level: 'silent' }), 3);
});
afterEach(() => void vi.useRealTimers());

const tick = async (ms: number): Promise<void> => {
  nowMs += ms;
  await vi.advanceTimersByTimeAsync(ms);
};

describe('RefusalTally', () => {
  it('writes the first at once and counts the rest of the second into the next', async () => {
    for (let at = 0; at < 1_000; at += 1) tally.note(refusal('10.0.0.1'));
    await tick(0);
    expect(recorder.controls('identity.refused')).toHaveLength(3);
    await tick(1_000);
    expect(recorder.controls('identity.refused')).toHaveLength(4);
    expect(total()).toBe(1_000);
  });

  it('bounds what it tells apart, not what it counts', async () => {
    for (let at = 0; at < 5_000; at += 1) tally.note(refusal(`10.0.${at >> 8}.${at & 255}`));
    await tally.flush();
    expect(recorder.controls('identity.refused').length).toBeLessThan(270);
    expect(total()).toBe(5_000);
  });

  it('loses no count while the journal refuses', async () => {
    recorder.gate = () => Promise.reject(new Error('full'));
    for (let at = 0; at < 10; at += 1) tally.note(refusal('10.0.0.1'));
    await tick(1_000);
    recorder.gate = null;
    await tick(3_000);
    expect(total()).toBe(10);
  });
});
