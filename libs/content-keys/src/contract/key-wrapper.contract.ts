import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamedWrapper } from '../port.js';
import { WrapperRing } from '../wrapper-ring.js';

export interface WrapperUnderTest {
  /** Opens the one key-encryption key; each call anew, as another process does. */
  open(): Promise<NamedWrapper>;
  /** Another key-encryption key of the same kind. */
  other(): Promise<NamedWrapper>;
  close(): Promise<void>;
}

const refused = { code: 'content_key_failed' };

/** What every adapter of the KeyWrapper port must do. */
export function keyWrapperContract(adapter: string, make: () => Promise<WrapperUnderTest>): void {
  describe(`key wrapper: ${adapter}`, () => {
    let under: WrapperUnderTest;
    beforeAll(async () => void (under = await make()), 60_000);
    afterAll(() => under?.close());

    it('unwraps what it wrapped, also when it is opened anew; each time it looks different', async () => {
      const [first, second] = [await under.open(), await under.open()];
      const key = randomBytes(32);
      const wrapped = [await first.wrap('a', key), await first.wrap('a', key), await second.wrap('a', key)];
      expect(new Set(wrapped).size).toBe(3);
      for (const one of wrapped) {
        expect(await first.unwrap('a', one)).toEqual(key);
        expect(await second.unwrap('a', one)).toEqual(key);
        expect(one.includes(key.toString('base64'))).toBe(false);
      }
    });

    it('names itself the same at each opening, in all it wraps, and unlike another', async () => {
      const [first, second, other] = [await under.open(), await under.open(), await under.other()];
      expect(second.name).toBe(first.name);
      expect(other.name).not.toBe(first.name);
      expect(first.name).toMatch(/^(file|kms)-[0-9a-f]{16}$/);
      expect((await first.wrap('a', randomBytes(32))).startsWith(`${first.name}.`)).toBe(true);
    });

    it('opens under no other id, under no other key-encryption key, and nothing that was changed', async () => {
      const [wrapper, other] = [await under.open(), await under.other()];
      const wrapped = await wrapper.wrap('a', randomBytes(32));
      await expect(wrapper.unwrap('b', wrapped)).rejects.toMatchObject(refused);
      await expect(other.unwrap('a', wrapped)).rejects.toMatchObject(refused);
      const renamed = wrapped.replace(wrapper.name, other.name);
      await expect(other.unwrap('a', renamed)).rejects.toMatchObject(refused);
      const box = wrapped.lastIndexOf('.') + 1;
      for (let at = box; at < wrapped.length - 2; at += 7) {
        const changed = `${wrapped.slice(0, at)}${wrapped[at] === 'A' ? 'B' : 'A'}${wrapped.slice(at + 1)}`;
        await expect(wrapper.unwrap('a', changed)).rejects.toMatchObject(refused);
      }
      for (const hostile of ['', '.', '..', `${wrapper.name}.`, `${wrapper.name}..`, `${wrapped}.`, `${wrapped}AAAA`, wrapped.slice(0, -8)])
        await expect(wrapper.unwrap('a', hostile)).rejects.toMatchObject(refused);
    });

    it('rotates: a newer key wraps, and what the older one wrapped still opens while it is there', async () => {
      const [old, next] = [await under.open(), await under.other()];
      const key = randomBytes(32);
      const before = await new WrapperRing(old).wrap('a', key);
      const ring = new WrapperRing(next, [old]);
      const after = await ring.wrap('b', key);
      expect(after.startsWith(`${next.name}.`)).toBe(true);
      expect(await ring.unwrap('a', before)).toEqual(key);
      expect(await ring.unwrap('b', after)).toEqual(key);
      await expect(new WrapperRing(next).unwrap('a', before)).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining(old.name) as string,
      });
    });

    it('answers many at once', async () => {
      const wrapper = await under.open();
      const keys = Array.from({ length: 100 }, (_, n) => ({ id: `k${n}`, key: randomBytes(32) }));
      const wrapped = await Promise.all(keys.map(({ id, key }) => wrapper.wrap(id, key)));
      const anew = await under.open();
      expect(await Promise.all(keys.map(({ id }, n) => anew.unwrap(id, wrapped[n]!)))).toEqual(keys.map(({ key }) => key));
    });
  });
}
