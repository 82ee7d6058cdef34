import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kmsKey, openSecretFile } from '#signing';
import { KmsServer } from '../../signing/src/testing/kms-server.js';
import { keyWrapperContract } from './contract/key-wrapper.contract.js';
import { EnvelopeWrapper } from './envelope-wrapper.js';
import { boxKey } from './key-box.js';
import { LocalWrapper } from './local-wrapper.js';
import { WrapperRing } from './wrapper-ring.js';

const PASSPHRASE = 'correct horse battery staple 42';
const HOUR = 3_600_000;
const fileIn = async (directory: string, file: string, passphrase: string | null, shared = false): Promise<LocalWrapper> =>
  new LocalWrapper(await openSecretFile({ path: join(directory, file), shared, passphrase, setting: 'sealing.key.passphrase' }));

for (const [name, passphrase] of [
  ['file', null],
  ['encrypted file', PASSPHRASE],
] as const)
  keyWrapperContract(name, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'wrapper-'));
    return {
      open: () => fileIn(directory, 'content.key', passphrase),
      other: () => fileIn(directory, 'content-2.key', passphrase),
      close: () => rm(directory, { recursive: true, force: true }),
    };
  });

let now = 0;
const clock = { nowMs: () => now };
const kms = (server: KmsServer, keyId = 'alias/content', pause = async (): Promise<void> => undefined): EnvelopeWrapper =>
  new EnvelopeWrapper(kmsKey(server.spec({ keyId }), 'affiant content', { pause }), clock);

keyWrapperContract('KMS', async () => {
  const server = await new KmsServer().start();
  return { open: async () => kms(server), other: async () => kms(server, 'alias/content-2'), close: () => server.stop() };
});

describe('the key-encryption key in a KMS', () => {
  let server: KmsServer;
  const key = randomBytes(32);
  beforeEach(async () => {
    now = 0;
    server = await new KmsServer().start();
  });
  afterEach(() => server.stop());

  it('asks once for many keys, however many wrap at the same time', async () => {
    const wrapper = kms(server);
    const wrapped = await Promise.all(Array.from({ length: 50 }, (_, n) => wrapper.wrap(`k${n}`, key)));
    expect(server.calls).toEqual(['Encrypt', 'Decrypt']);
    const reader = kms(server);
    await Promise.all(wrapped.map((one, n) => reader.unwrap(`k${n}`, one)));
    expect(server.calls).toEqual(['Encrypt', 'Decrypt', 'Decrypt']);
  });

  it('takes another intermediate key after half a day, and forgets opened ones after an hour', async () => {
    const wrapper = kms(server);
    const under = async (): Promise<string> => (await wrapper.wrap('a', key)).split('.')[1]!;
    const first = await under();
    now = 12 * HOUR - 1;
    expect(await under()).toBe(first);
    now = 12 * HOUR;
    expect(await under()).not.toBe(first);
    const wrapped = await wrapper.wrap('a', key);
    const reader = kms(server);
    const before = server.calls.length;
    await reader.unwrap('a', wrapped);
    now += HOUR - 1;
    await reader.unwrap('a', wrapped);
    expect(server.calls.length).toBe(before + 1);
    now += 1;
    await reader.unwrap('a', wrapped);
    expect(server.calls.length).toBe(before + 2);
  });

  it('wraps on for half a day while the KMS is away, and then not', async () => {
    const wrapper = kms(server);
    const wrapped = await wrapper.wrap('a', key);
    now = 13 * HOUR;
    server.fault('denied', 'denied');
    const calls = server.calls.length;
    await wrapper.wrap('b', key);
    await wrapper.wrap('c', key);
    expect(server.calls.length).toBe(calls + 1);
    now = 24 * HOUR;
    await expect(wrapper.wrap('d', key)).rejects.toMatchObject({ code: 'content_key_failed' });
    await wrapper.wrap('d', key);
    expect(await wrapper.unwrap('a', wrapped)).toEqual(key);
  });

  it('wraps nothing under what the KMS does not open again, and asks again for what failed', async () => {
    const wrapper = kms(server);
    server.fault('wrong-key');
    await expect(wrapper.wrap('a', key)).rejects.toMatchObject({ code: 'content_key_failed' });
    server.fault('throttle', 'unavailable');
    const wrapped = await wrapper.wrap('a', key);
    const reader = kms(server);
    for (const fault of ['denied', 'garbage', 'no-field'] as const) {
      server.fault(fault);
      await expect(reader.unwrap('a', wrapped)).rejects.toMatchObject({ code: 'content_key_failed' });
    }
    server.fault('wrong-message');
    await expect(reader.unwrap('a', wrapped)).rejects.toMatchObject({ code: 'content_key_failed' });
  });

  it('moves from a file to a KMS, and from wrapped keys without a name', async () => {
    const raw = randomBytes(32);
    const file = new LocalWrapper(raw);
    const [unnamed, named] = [boxKey(raw, 'a', key), await file.wrap('a', key)];
    const ring = new WrapperRing(kms(server), [new LocalWrapper(randomBytes(32)), file]);
    expect(await ring.unwrap('a', unnamed)).toEqual(key);
    expect(await ring.unwrap('a', named)).toEqual(key);
    expect(await file.unwrap('a', unnamed)).toEqual(key);
    await expect(new WrapperRing(kms(server)).unwrap('a', unnamed)).rejects.toMatchObject({ code: 'content_key_failed' });
  });
});

describe('the key-encryption key in a file', () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'kek-'))));
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const path = (): string => join(directory, 'content.key');

  it('is 0600, and encrypted the PKCS #8 that openssl reads', async () => {
    await fileIn(directory, 'content.key', PASSPHRASE);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(await readFile(path(), 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    expect(
      execFileSync('openssl', ['pkey', '-in', path(), '-passin', `pass:${PASSPHRASE}`, '-noout', '-text'], { encoding: 'utf8' }),
    ).toContain('ED25519');
  });

  it('a plain one is encrypted as the documentation says, and stays the same key', async () => {
    const plain = await fileIn(directory, 'content.key', null);
    const wrapped = await plain.wrap('a', randomBytes(32));
    const script =
      "(printf '\\060\\056\\002\\001\\000\\060\\005\\006\\003\\053\\145\\160\\004\\042\\004\\040'; cat content.key) |" +
      ' openssl pkcs8 -topk8 -inform DER -v2 aes-256-cbc -iter 20000 -passout env:PASSPHRASE -out content.new';
    execFileSync('sh', ['-c', script], { cwd: directory, env: { ...process.env, PASSPHRASE }, stdio: ['ignore', 'pipe', 'pipe'] });
    await writeFile(path(), await readFile(join(directory, 'content.new')), { mode: 0o600 });
    const encrypted = await fileIn(directory, 'content.key', PASSPHRASE);
    expect(encrypted.name).toBe(plain.name);
    expect(await encrypted.unwrap('a', wrapped)).toHaveLength(32);
  });

  it('refuses a missing, a wrong and a short passphrase, one for a plain file, and a shared file that is not there', async () => {
    await fileIn(directory, 'content.key', PASSPHRASE);
    const invalid = (message: string) => ({ code: 'key_invalid', message: expect.stringContaining(message) as string });
    await expect(fileIn(directory, 'content.key', null)).rejects.toMatchObject(invalid('no passphrase is configured'));
    await expect(fileIn(directory, 'content.key', null, true)).rejects.toMatchObject(invalid('no passphrase is configured'));
    await expect(fileIn(directory, 'content.key', `${PASSPHRASE}!`)).rejects.toMatchObject(invalid('does not open'));
    await expect(fileIn(directory, 'content.key', 'short')).rejects.toMatchObject(invalid('fewer than 20'));
    await fileIn(directory, 'plain.key', null);
    await expect(fileIn(directory, 'plain.key', PASSPHRASE)).rejects.toMatchObject(invalid('is not encrypted'));
    await expect(fileIn(directory, 'none.key', PASSPHRASE, true)).rejects.toMatchObject(invalid('not there'));
  });
});
