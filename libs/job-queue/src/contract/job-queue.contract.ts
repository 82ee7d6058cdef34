import { afterEach, describe, expect, it, vi } from 'vitest';
import type { JobQueue, JobStatus } from '../port.js';

export interface JobQueueWorld {
  /** A queue over the same store each time. Workers that died are noticed within about a second. */
  open(limits: { readonly attempts: number; readonly backoffMs: number }): Promise<JobQueue>;
  /** Lets a worker of another process take the next job of that name and kills it. Answers the key of the job. */
  takeAndDie(name: string, limits: { readonly attempts: number; readonly backoffMs: number }): Promise<string>;
}

const limits = { attempts: 3, backoffMs: 40 };

/** What every JobQueue must do, whatever engine is behind it. Names of jobs are fresh in each test. */
export function jobQueueContract(title: string, world: () => JobQueueWorld): void {
  describe(`${title} as JobQueue`, () => {
    const opened: JobQueue[] = [];
    let names = 0;
    const name = (): string => `${title.replaceAll(/\W/g, '-')}.${(names += 1)}`;
    const open = async (): Promise<JobQueue> => {
      const queue = await world().open(limits);
      opened.push(queue);
      return queue;
    };
    const ends = (queue: JobQueue, job: string, key: string, status: JobStatus): Promise<unknown> =>
      vi.waitUntil(async () => (await queue.status(job, key)) === status, { timeout: 30_000, interval: 20 });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((queue) => queue.close()));
    });

    it('runs a job once, however often it was put in, also after its end', async () => {
      const [queue, other, job] = [await open(), await open(), name()];
      const ran: unknown[] = [];
      const payload = { id: 7, text: 'ä"\u2028\n', nested: { list: [1, null, true] } };
      await Promise.all([queue, other, queue].map((one) => one.enqueue(job, payload, { key: 'once' })));
      queue.work(job, async (given, { key, attempt }) => void ran.push([given, key, attempt]));
      await ends(queue, job, 'once', 'done');
      await other.enqueue(job, { id: 8 }, { key: 'once' });
      await queue.enqueue(job, { id: 9 }, { key: 'wait' });
      await ends(queue, job, 'wait', 'done');
      expect(ran).toEqual([
        [payload, 'once', 1],
        [{ id: 9 }, 'wait', 1],
      ]);
    });

    it('takes the same key under another name, and keys of any form', async () => {
      const [queue, a, b] = [await open(), name(), name()];
      const ran: string[] = [];
      const keys = ['k', 'a:lock', '12', 'ü/ñ {x}'];
      for (const job of [a, b]) for (const key of keys) await queue.enqueue(job, {}, { key });
      for (const job of [a, b]) queue.work(job, async (_payload, { key }) => void ran.push(`${job} ${key}`));
      for (const job of [a, b]) for (const key of keys) await ends(queue, job, key, 'done');
      expect(ran.toSorted()).toEqual([a, b].flatMap((job) => keys.map((key) => `${job} ${key}`)).toSorted());
    });

    it('tries again after a failure with growing pauses, and keeps a job that fails for good', async () => {
      const [queue, job] = [await open(), name()];
      const at: number[] = [];
      const attempts: number[] = [];
      await queue.enqueue(job, {}, { key: 'bad' });
      queue.work(job, async (_payload, { attempt }) => {
        attempts.push(attempt);
        at.push(performance.now());
        throw new Error('no');
      });
      await ends(queue, job, 'bad', 'failed');
      await queue.enqueue(job, {}, { key: 'bad' });
      await queue.enqueue(job, {}, { key: 'next' });
      await ends(queue, job, 'next', 'failed');
      expect(attempts).toEqual([1, 2, 3, 1, 2, 3]);
      expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(39);
      expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(79);
      expect(await queue.status(job, 'bad')).toBe('failed');
    });

    it('goes on after a failure that passes', async () => {
      const [queue, job] = [await open(), name()];
      await queue.enqueue(job, {}, { key: 'flaky' });
      queue.work(job, async (_payload, { attempt }) => {
        if (attempt < 3) throw new Error('not yet');
      });
      await ends(queue, job, 'flaky', 'done');
    });

    it('runs one job at a time', async () => {
      const [queue, a, b] = [await open(), name(), name()];
      let running = 0;
      let most = 0;
      const handler = async (): Promise<void> => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 15));
        running -= 1;
      };
      for (const job of [a, b]) for (const key of ['1', '2', '3']) await queue.enqueue(job, {}, { key });
      for (const job of [a, b]) queue.work(job, handler);
      for (const job of [a, b]) for (const key of ['1', '2', '3']) await ends(queue, job, key, 'done');
      expect(most).toBe(1);
    });

    it('says what became of a job', async () => {
      const [queue, job] = [await open(), name()];
      expect(await queue.status(job, 'k')).toBeNull();
      await queue.enqueue(job, {}, { key: 'k' });
      expect(await queue.status(job, 'k')).toBe('waiting');
      const { promise, resolve } = gate();
      queue.work(job, () => promise);
      await ends(queue, job, 'k', 'active');
      resolve();
      await ends(queue, job, 'k', 'done');
    });

    it('waits at the close for the job in hand, and takes no other', async () => {
      const [queue, job] = [await open(), name()];
      const ran: string[] = [];
      const { promise, resolve } = gate();
      for (const key of ['1', '2']) await queue.enqueue(job, {}, { key });
      queue.work(job, async (_payload, { key }) => {
        await promise;
        ran.push(key);
      });
      await vi.waitUntil(async () => (await queue.status(job, '1')) === 'active', { timeout: 10_000, interval: 10 });
      const closed = queue.close();
      resolve();
      await closed;
      expect(ran).toEqual(['1']);
      const next = await open();
      expect(await next.status(job, '2')).toBe('waiting');
      next.work(job, async (_payload, { key }) => void ran.push(key));
      await ends(next, job, '2', 'done');
      expect(await next.status(job, '1')).toBe('done');
      expect(ran).toEqual(['1', '2']);
    });

    it('gives a job whose worker was killed to another', { timeout: 60_000 }, async () => {
      const [queue, job] = [await open(), name()];
      await queue.enqueue(job, { id: 1 }, { key: 'orphan' });
      expect(await world().takeAndDie(job, limits)).toBe('orphan');
      const ran: object[] = [];
      queue.work(job, async (payload) => void ran.push(payload));
      await ends(queue, job, 'orphan', 'done');
      expect(ran).toEqual([{ id: 1 }]);
    });

    it('fails a job that kills its workers, and keeps it', { timeout: 60_000 }, async () => {
      const [queue, job] = [await open(), name()];
      await queue.enqueue(job, {}, { key: 'poison' });
      for (let death = 0; death < limits.attempts; death += 1) expect(await world().takeAndDie(job, limits)).toBe('poison');
      let ran = 0;
      queue.work(job, async () => void (ran += 1));
      await ends(queue, job, 'poison', 'failed');
      expect(ran).toBe(0);
    });
  });
}

function gate(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
