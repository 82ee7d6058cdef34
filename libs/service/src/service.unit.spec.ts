import { describe, expect, it } from 'vitest';
import { parseConfig } from '#config';
import { AffiantError } from '#errors';
import { createLogger } from '#observability';
import { readServiceOptions } from './options.js';
import { requireSections } from './sections.js';
import { defaultSourceId } from './source.js';
import { whenThere } from './when-there.js';

const logger = createLogger('test', { level: 'silent' });

describe('options of a service', () => {
  it('are a configuration and a state directory', () => {
    expect(readServiceOptions('proxy', ['--config', 'a.yaml'])).toEqual({ config: 'a.yaml', state: './var/proxy', keys: null });
    expect(readServiceOptions('proxy', ['--config', 'a.yaml', '--state', '/s', '--keys', '/k'])).toEqual({
      config: 'a.yaml',
      state: '/s',
      keys: '/k',
    });
    expect(readServiceOptions('proxy', ['--help'])).toBe('help');
  });

  it.each([[[]], [['--config']], [['--conifg', 'a']], [['a.yaml']]])('refuse %j', (args) => {
    expect(() => readServiceOptions('proxy', args)).toThrow(expect.objectContaining({ code: 'usage_invalid' }));
  });
});

describe('sections', () => {
  const config = parseConfig('redis: { url: { env: REDIS_URL } }', 'a.yaml');

  it('that are missing are all named, with the service and the file', () => {
    expect(() => requireSections('ledger', config, ['redis', 'kafka', 'object_store'], 'a.yaml')).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(/ledger needs the section kafka, object_store$/),
        where: 'a.yaml',
      }),
    );
  });

  it('that are there pass', () => expect(requireSections('ledger', config, ['redis'], 'a.yaml').redis.url).toEqual({ env: 'REDIS_URL' }));
});

describe('the source id', () => {
  it.each([
    ['db-7.example.com', 'proxy-db-7.example.com'],
    ['Büro PC_1', 'proxy-b-ro-pc_1'],
    ['x'.repeat(100), `proxy-${'x'.repeat(58)}`],
  ])('of host %s is %s', (host, id) => expect(defaultSourceId('proxy', host)).toBe(id));
});

describe('whenThere', () => {
  it('tries again what fails for want of an engine, and nothing else', async () => {
    let calls = 0;
    const away = new AffiantError('catalogue_failed', 'away');
    const { signal } = new AbortController();
    const work = async (): Promise<string> => {
      calls += 1;
      if (calls < 3) throw away;
      return 'there';
    };
    expect(await whenThere('it', work, signal, logger)).toBe('there');
    const wrong = new AffiantError('config_invalid', 'wrong');
    await expect(whenThere('it', () => Promise.reject(wrong), signal, logger)).rejects.toBe(wrong);
  });

  it('ends with the process', async () => {
    const stop = new AbortController();
    const waiting = whenThere('it', () => Promise.reject(new AffiantError('engine_failed', 'away')), stop.signal, logger);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
