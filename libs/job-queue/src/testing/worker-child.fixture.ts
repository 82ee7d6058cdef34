/** A worker in a process of its own: kind, url, attempts, milliseconds of lock and pause, name. Says what it begins and never ends it. */
import { openCatalogue } from '#catalogue';
import { createLogger } from '#observability';
import { BullJobQueue } from '../bull/bull-job-queue.js';
import type { JobQueue } from '../port.js';
import { TableJobQueue } from '../table/table-job-queue.js';

const [kind = '', url = '', attempts = '', leaseMs = '', backoffMs = '', name = ''] = process.argv.slice(2);
const logger = createLogger('worker', { level: 'silent' });
const limits = { attempts: Number(attempts), backoffMs: Number(backoffMs), logger };
const queue: JobQueue =
  kind === 'bull'
    ? await BullJobQueue.connect({ ...limits, url, lockMs: Number(leaseMs) })
    : new TableJobQueue(await openCatalogue({ url, pool: 2 }), { ...limits, nowMs: Date.now, pollMs: 20, leaseMs: Number(leaseMs) });
queue.work(name, async (_payload, { key }) => {
  process.stdout.write(`${key}\n`);
  await new Promise(() => undefined);
});
setInterval(() => undefined, 60_000);
