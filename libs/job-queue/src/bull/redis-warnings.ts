/** What is asked of a Redis connection. */
export interface RedisSettings {
  info(): Promise<string>;
  config(command: 'GET', name: string): Promise<unknown>;
}

/** What would let this Redis lose jobs it has acknowledged, in plain words. Managed services that hide a setting are believed. */
export async function redisWarnings(redis: RedisSettings): Promise<string[]> {
  const info = await redis.info();
  const value = (name: string): string | null => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? null;
  const warnings: string[] = [];
  if (value('aof_enabled') === '0') warnings.push('appendonly is off: a crash loses the jobs since the last snapshot');
  else {
    const [, fsync] = (await redis.config('GET', 'appendfsync').catch(() => [])) as string[];
    if (fsync !== undefined && fsync !== 'always') warnings.push(`appendfsync is ${fsync}: a power cut loses the jobs since the last sync`);
  }
  const policy = value('maxmemory_policy');
  if (policy !== null && policy !== 'noeviction') warnings.push(`maxmemory-policy is ${policy}: a full Redis forgets jobs`);
  return warnings;
}
