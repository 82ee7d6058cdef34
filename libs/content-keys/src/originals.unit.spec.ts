import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BothBooks } from './both-books.js';
import { decodeOriginals, encodeOriginals, newOriginalsKeyPair, OriginalsOpener, OriginalsWrapper } from './originals.js';
import { MemoryKeyBook } from './testing/memory-key-book.js';

const refused = { code: 'content_key_failed' };

describe('keys of originals', async () => {
  const pair = await newOriginalsKeyPair();
  const other = await newOriginalsKeyPair();
  const wrapper = new OriginalsWrapper(pair.publicPem, 'pub');
  const opener = new OriginalsOpener(pair.privatePem, 'key');

  it('are wrapped under the public key, and opened by the private one and under their id only', async () => {
    const key = randomBytes(32);
    const wrapped = await wrapper.wrap('a', key);
    expect(wrapped).toMatch(/^rsa-[0-9a-f]{16}\.[A-Za-z0-9+/=]+$/);
    expect(await opener.unwrap('a', wrapped)).toEqual(key);
    await expect(opener.unwrap('b', wrapped)).rejects.toMatchObject(refused);
    await expect(opener.unwrap('a', `${wrapped.slice(0, -8)}AAAAAAA=`)).rejects.toMatchObject(refused);
    await expect(opener.unwrap('a', '')).rejects.toMatchObject(refused);
    await expect(new OriginalsOpener(other.privatePem, 'key').unwrap('a', wrapped)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('another key pair') as string,
    });
    expect(() => new OriginalsOpener(pair.publicPem, 'key')).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });

  it('may lie under a passphrase; short and other keys are refused', () => {
    const pem = createPrivateKey(pair.privatePem).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'long enough it is',
    });
    expect(() => new OriginalsOpener(pem, 'key', 'long enough it is')).not.toThrow();
    for (const passphrase of [null, 'wrong'])
      expect(() => new OriginalsOpener(pem, 'key', passphrase)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    const short = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ type: 'spki', format: 'pem' });
    const curve = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
    for (const key of [short, curve, 'nothing'])
      expect(() => new OriginalsWrapper(key, 'pub')).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });

  it('the list comes back as it was; what is none is refused without a word of it', () => {
    const list = [{ segments: ['ab'], values: [{ placeholder: '[US_SSN:1]', value: '219-09-9999 "é\n' }] }];
    expect(decodeOriginals(encodeOriginals(list))).toEqual(list);
    expect(() => decodeOriginals(Buffer.from('219-09-9999'))).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('219') as string }),
    );
  });

  it('are destroyed with those of the content', async () => {
    const [content, originals] = [new MemoryKeyBook(), new MemoryKeyBook()];
    await content.issue([{ id: 'c', wrapped: 'QQ==' }]);
    await originals.issue([{ id: 'o', wrapped: 'QQ==' }]);
    const both = new BothBooks(content, originals);
    expect(await both.destroy(['c', 'o'], 'e', 5)).toBe(2);
    expect((await originals.find(['o'])).get('o')?.state).toBe('destroyed');
    expect((await content.find(['c'])).get('c')?.state).toBe('destroyed');
    expect((await both.destroyedSince(0, 10)).map(({ id }) => id)).toEqual(['c', 'o']);
  });
});
