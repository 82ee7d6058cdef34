import type { RedisOptions } from 'ioredis';
import { AffiantError } from '#errors';

const CONNECT_MS = 5_000;
/** Longer than Bull's longest blocking read, so that only a silent server meets it. */
const ANSWER_MS = 15_000;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Options of every connection to Redis from a redis:// or rediss:// URL. A command fails once the server cannot be reached (enqueue must
 * not wait), while the connection itself is tried for ever (workers must go on). Bull's own reading of the URL would drop TLS.
 * @throws AffiantError config_invalid, without the URL: it carries the password
 */
export function redisOptions(url: string): RedisOptions {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new AffiantError('config_invalid', 'redis.url is not a redis:// or rediss:// URL', { where: 'redis.url' });
  }
  const { protocol, hostname, port, username, password, pathname } = parsed;
  if ((protocol !== 'redis:' && protocol !== 'rediss:') || hostname === '' || !/^\/?\d*$/.test(pathname)) {
    throw new AffiantError('config_invalid', 'redis.url is not a redis:// or rediss:// URL', { where: 'redis.url' });
  }
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 6379 : Number(port),
    db: Number(pathname.slice(1)),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
    connectTimeout: CONNECT_MS,
    commandTimeout: ANSWER_MS,
    keepAlive: 10_000,
    maxRetriesPerRequest: 1,
    retryStrategy: (times: number) => Math.min(times * 100, LONGEST_PAUSE_MS),
  };
}
