import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPlaceholder } from '#detect';
import { rememberPlaceholders } from './remember-placeholders.js';

describe('placeholders', () => {
  it('are the head of a plain HMAC-SHA-256, whatever the key length', () => {
    for (const length of [0, 1, 32, 64, 65, 200]) {
      const key = randomBytes(length);
      const expected = createHmac('sha256', key).update('secret\0päss 😀').digest('hex').slice(0, 8);
      expect(createPlaceholder(key)('secret', 'päss 😀')).toBe(`[SECRET:${expected}]`);
    }
  });

  it('are made once per value, and a bounded number is remembered', () => {
    let made = 0;
    const remembered = rememberPlaceholders((type, value) => `[${type}:${value.length}:${++made}]`);
    expect(remembered('a', 'x')).toBe(remembered('a', 'x'));
    expect(remembered('b', 'x')).not.toBe(remembered('a', 'x'));
    for (let i = 0; i < 10_000; i++) remembered('a', `v${i}`);
    const before = made;
    remembered('a', 'v1');
    expect(made).toBe(before);
    remembered('a', 'v9999');
    expect(made).toBe(before + 1);
  });
});
