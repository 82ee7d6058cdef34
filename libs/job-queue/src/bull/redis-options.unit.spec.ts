import { describe, expect, it } from 'vitest';
import { redisOptions } from './redis-options.js';

describe('redisOptions', () => {
  it('reads every part of the URL, TLS included', () => {
    expect(redisOptions('rediss://us%40er:p%3Aw@redis.internal:6380/3')).toMatchObject({
      host: 'redis.internal',
      port: 6380,
      db: 3,
      username: 'us@er',
      password: 'p:w',
      tls: {},
    });
    const plain = redisOptions('redis://[::1]');
    expect(plain).toMatchObject({ host: '::1', port: 6379, db: 0 });
    expect(plain).not.toHaveProperty('tls');
    expect(plain).not.toHaveProperty('password');
  });

  it.each(['', 'localhost:6379', 'http://h', 'redis://', 'redis://:geheim@h/notanumber'])('refuses %j without repeating it', (url) => {
    expect(() => redisOptions(url)).toThrowError(expect.objectContaining({ code: 'config_invalid' }));
    try {
      redisOptions(url);
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('geheim');
    }
  });
});
