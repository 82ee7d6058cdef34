import Bull from 'bull';
import { resolveSecret, type RedisConfig } from '#config';
import { fail, ok, warn, worst, type Check, type Finding } from '../check.js';

/** The job queue's server: what it acknowledged must survive a crash, and a full memory must refuse, not evict. */
export const redisCheck = (config: RedisConfig): Check => ({
  id: 'redis',
  title: 'Redis',
  run: async () => {
    const queue = new Bull('affiant-doctor', await resolveSecret(config.url), {
      redis: { maxRetriesPerRequest: 1, connectTimeout: 5_000, retryStrategy: () => null },
    });
    // The client reports a refused connection here, and again where it is used.
    queue.on('error', () => undefined);
    try {
      return await look(queue.client);
    } finally {
      await queue.close(true).catch(() => undefined);
      queue.client.disconnect();
    }
  },
});

async function look(client: Bull.Queue['client']): Promise<Finding> {
  const info = await client.info();
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const told = `version ${field('redis_version')}`;
  const findings: Finding[] = [];
  if (field('role') === 'slave') findings.push(fail('this server is a replica', 'Name the primary in redis.url.'));
  if (field('aof_enabled') !== '1')
    findings.push(
      warn(
        'appendonly is off: a crash forgets acknowledged jobs',
        'Set appendonly yes and appendfsync always. The sweep puts lost packet jobs in again, late.',
      ),
    );
  if (field('loading') === '1') findings.push(warn('it is loading its data', 'Wait.'));
  const policy = field('maxmemory_policy');
  if (policy !== 'noeviction' && field('maxmemory') !== '0')
    findings.push(fail(`maxmemory-policy is ${policy}: it evicts jobs when memory is full`, 'Set maxmemory-policy noeviction.'));
  const fsync = await client.config('GET', 'appendfsync').then(
    (answer) => (answer as string[])[1],
    () => undefined,
  );
  if (fsync !== undefined && fsync !== 'always')
    findings.push(warn(`appendfsync is ${fsync}: up to a second of acknowledged jobs can be lost`, 'Set appendfsync always.'));
  return worst(findings, fsync === undefined ? `${told} (appendfsync is not ours to read)` : ok(told).detail);
}
