import { describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { SYSTEM_CONTEXT, type EventDraft, type EventRecorder, type Receipt } from '#events';
import { Turns } from '#wire';
import { Evidence } from './evidence.js';

const KB = 1024;
const TIMEOUT = 600_000;

const segment = (bytes: number): EventDraft => ({
  type: 'segment',
  context: SYSTEM_CONTEXT,
  event: {
    direction: 'request',
    segments: [{ sha256: Buffer.alloc(32), bytes_length: bytes, media_type: 'application/json', inline: Buffer.alloc(bytes) }],
    content_key: null,
  },
});
const last: EventDraft = {
  type: 'control',
  context: SYSTEM_CONTEXT,
  event: { kind: 'the.end', outcome: 'success', subject: null, attributes: [], detail: null },
};

const sizesOf = (drafts: readonly EventDraft[]): (number | string)[] =>
  drafts.map((draft) =>
    draft.type === 'segment' ? draft.event.segments.reduce((sum, { bytes_length }) => sum + bytes_length, 0) / KB : draft.type,
  );

/** A disk that is done when the test says so. */
class SlowRecorder implements EventRecorder {
  readonly sourceId = 'slow';
  readonly bootEpoch = 1;
  readonly commits: (number | string)[][] = [];
  readonly #done: { resolve(receipts: readonly Receipt[]): void; reject(error: Error): void }[] = [];

  record(drafts: readonly EventDraft[]): Promise<readonly Receipt[]> {
    this.commits.push(sizesOf(drafts));
    return new Promise((resolve, reject) => this.#done.push({ resolve, reject }));
  }

  durable(): void {
    this.#done.shift()!.resolve([]);
  }

  fails(): void {
    this.#done.shift()!.reject(new AffiantError('journal_failed', 'the disk is gone'));
  }
}

/** Until nothing moves that waits for promises and turns alone. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const begin = (turns: Turns, drafts: readonly EventDraft[]): { recorder: SlowRecorder; commit: Promise<void> } => {
  const recorder = new SlowRecorder();
  const commit = new Evidence(recorder, TIMEOUT, turns).commit(drafts);
  commit.catch(() => undefined);
  return { recorder, commit };
};

describe('steps of a large body', () => {
  const drafts = [...Array.from({ length: 10 }, () => segment(256 * KB)), last];

  it('go into the journal in megabytes without waiting, the event that cites them behind all', async () => {
    const { recorder, commit } = begin(new Turns(), drafts);
    await settled();
    expect(recorder.commits).toEqual([
      [256, 256, 256, 256],
      [256, 256, 256, 256],
    ]);
    recorder.durable();
    await settled();
    expect(recorder.commits).toHaveLength(2);
    recorder.durable();
    await settled();
    expect(recorder.commits[2]).toEqual([256, 256, 'control']);
    recorder.durable();
    await commit;
  });

  it('wait for each other beside small calls, so that those wait for one small step at most', async () => {
    const turns = new Turns();
    turns.small();
    const { recorder, commit } = begin(turns, drafts);
    for (let step = 1; step <= 10; step += 1) {
      await settled();
      expect(recorder.commits).toHaveLength(step);
      recorder.durable();
    }
    await commit;
    expect(recorder.commits.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => [256]));
    expect(recorder.commits[9]).toEqual([256, 'control']);
  });

  it('are at most some twenty beside small calls, so that a slow disk does not use up the time limit', async () => {
    const turns = new Turns();
    turns.small();
    const { recorder, commit } = begin(turns, [...Array.from({ length: 64 }, () => segment(256 * KB)), last]);
    let steps = 0;
    for (; recorder.commits.at(-1)?.includes('control') !== true; steps += 1) {
      await settled();
      recorder.durable();
    }
    await commit;
    expect(steps).toBeLessThanOrEqual(20);
    expect(recorder.commits.flat()).toHaveLength(65);
  });

  it('grow again when the small calls are gone', async () => {
    const turns = new Turns();
    const ended = turns.small();
    const { recorder } = begin(turns, drafts);
    await settled();
    ended();
    recorder.durable();
    await settled();
    expect(recorder.commits).toEqual([[256], [256, 256, 256, 256], [256, 256, 256, 256]]);
  });

  it('that fail keep what cites them out of the journal', async () => {
    for (const crowded of [false, true]) {
      const turns = new Turns();
      if (crowded) turns.small();
      const { recorder, commit } = begin(turns, drafts);
      await settled();
      recorder.fails();
      if (!crowded) recorder.durable();
      await expect(commit).rejects.toMatchObject({ code: 'journal_failed' });
      expect(recorder.commits.flat()).not.toContain('control');
    }
  });

  it('are none where everything fits into one', async () => {
    const turns = new Turns();
    turns.small();
    const { recorder, commit } = begin(turns, [segment(100 * KB), segment(100 * KB), last]);
    expect(recorder.commits).toEqual([[100, 100, 'control']]);
    recorder.durable();
    await commit;
  });
});
