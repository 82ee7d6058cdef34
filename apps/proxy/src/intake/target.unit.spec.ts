import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTarget } from './target.js';

describe('parseTarget', () => {
  it.each([
    ['/v1/messages', { connection: null, path: '/v1/messages', query: '' }],
    ['/v1/messages?beta=true', { connection: null, path: '/v1/messages', query: '?beta=true' }],
    ['/c/claude/v1/messages?a=%2e%2e/..', { connection: 'claude', path: '/v1/messages', query: '?a=%2e%2e/..' }],
    ['/c/claude-prod.eu_1', { connection: 'claude-prod.eu_1', path: '/', query: '' }],
    ['/c/claude/', { connection: 'claude', path: '/', query: '' }],
  ])('%s', (url, target) => expect(parseTarget(url)).toEqual(target));

  it.each([
    '', '*', 'http://a.example/v1/messages', '//a.example/v1/messages', '/c//v1/messages', '/c/', '/c/.hidden/v1/messages', '/c/a/../v1/messages',
    '/v1/./messages', '/v1/..', '/v1/mess%61ges', '/v1\\messages', '/v1/messages#x', `/c/${'a'.repeat(64)}/v1/messages`,
  ])('refuses %s', (url) => expect(parseTarget(url)).toBeNull()); // prettier-ignore

  it('never lets a path out that a server could read as another', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('/', '.', '..', 'c', 'v1', 'messages', '%2f', '\\', '?', '#', 'a')), (parts) => {
        const target = parseTarget(`/${parts.join('')}`);
        if (target === null) return;
        expect(new URL(`http://x${target.path}`).pathname).toBe(target.path);
        expect(
          (target.connection === null ? '' : `/c/${target.connection}`) +
            target.path.replace(/^\/$/, target.connection === null ? '/' : '') +
            target.query,
        ).toMatch(/^\//);
      }),
    );
  });
});
