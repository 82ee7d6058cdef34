import { createPrivateKey } from 'node:crypto';
import { chmod, copyFile, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newOriginalsKeyPair, OriginalsWrapper } from '#content-keys';
import { createOriginalsKeys, openOriginals, OriginalsRing, originalsWrapper, rotateOriginals } from './index.js';

/** Kills the process, as it were, before its n-th change of the disk (a write: half way through): from then on nothing is done any more, no clean-up either. */
const disk = vi.hoisted(() => ({
  left: Number.POSITIVE_INFINITY,
  made: 0,
  async change<T>(act: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> {
    this.made += 1;
    this.left -= 1;
    if (this.left === 0) await half?.();
    if (this.left <= 0) throw new Error('killed');
    return act();
  },
}));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const open: typeof real.open = async (path, flags, mode) => {
    if (flags === 'r') {
      const handle = await real.open(path, flags, mode);
      const sync = handle.sync.bind(handle);
      return Object.assign(handle, { sync: () => disk.change(sync) });
    }
    const handle = await disk.change(() => real.open(path, flags, mode));
    const [write, sync] = [handle.writeFile.bind(handle), handle.sync.bind(handle)];
    return Object.assign(handle, {
      writeFile: (data: string | Uint8Array) =>
        disk.change(
          () => write(data),
          () => write(data.slice(0, data.length / 2)),
        ),
      sync: () => disk.change(sync),
    });
  };
  return {
    ...real,
    open,
    link: (...given: Parameters<typeof real.link>) => disk.change(() => real.link(...given)),
    rename: (...given: Parameters<typeof real.rename>) => disk.change(() => real.rename(...given)),
    rm: (...given: Parameters<typeof real.rm>) => disk.change(() => real.rm(...given)),
  };
});

const PASSPHRASE = 'correct horse battery staple 42';
const key = Buffer.alloc(32, 5);
const pairs = await Promise.all([newOriginalsKeyPair(), newOriginalsKeyPair()]);
const [first, second] = pairs as [(typeof pairs)[0], (typeof pairs)[0]];
const nameOf = (pem: string): string => new OriginalsWrapper(pem, 'pub').name;
/** A pair without the seconds that making one takes. */
const given = async (passphrase: string | null = null): Promise<typeof first> =>
  passphrase === null ? second : { ...second, privatePem: encrypted(second.privatePem, passphrase) };
const encrypted = (pem: string, passphrase: string): string =>
  createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString();

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'originals-'));
  await writeFile(join(directory, 'originals.key'), first.privatePem, { mode: 0o600 });
  await writeFile(join(directory, 'originals.pub'), first.publicPem);
});
afterEach(async () => {
  disk.left = Number.POSITIVE_INFINITY;
  await rm(directory, { recursive: true, force: true });
});

const path = (file: string): string => join(directory, file);
const files = async (): Promise<string[]> => (await readdir(directory)).filter((file) => !file.startsWith('.tmp-')).toSorted();
const seal = (id: string): Promise<string> => originalsWrapper(directory, false).wrap(id, key);
const unseal = async (id: string, wrapped: string): Promise<Buffer> => (await openOriginals(directory, undefined)).unwrap(id, wrapped);
/** The private key of what seals is in the ring. */
const expectWhole = async (): Promise<void> => expect(await unseal('now', await seal('now'))).toEqual(key);

describe('a rotation of the key pair of originals', () => {
  it('adds a private key, replaces the public one, and opens what both sealed', async () => {
    const old = await seal('a');
    const done = await rotateOriginals(directory, null, given);
    expect(done).toEqual({ file: 'originals-2.key', name: nameOf(second.publicPem), before: nameOf(first.publicPem), finished: false });
    expect(await files()).toEqual(['originals-2.key', 'originals.key', 'originals.pub']);
    expect((await stat(path('originals-2.key'))).mode & 0o777).toBe(0o600);
    expect(await readFile(path('originals.pub'), 'utf8')).toBe(second.publicPem);
    const fresh = await seal('b');
    expect(fresh.startsWith(`${done.name}.`)).toBe(true);
    expect(await unseal('a', old)).toEqual(key);
    expect(await unseal('b', fresh)).toEqual(key);
    expect(await rotateOriginals(directory, null, async () => first)).toMatchObject({ file: 'originals-3.key', before: done.name });
  });

  for (const alone of [false, true])
    it(`is whole after a kill before any change of the disk, and is finished by the next run${alone ? ': private keys alone' : ''}`, async () => {
      const old = await seal('a');
      if (alone) await rm(path('originals.pub'));
      const copy = await mkdtemp(join(tmpdir(), 'originals-start-'));
      const begin = async (): Promise<void> => {
        for (const file of await readdir(directory)) await rm(path(file));
        for (const file of await readdir(copy)) await copyFile(join(copy, file), path(file));
      };
      for (const file of await files()) await copyFile(path(file), join(copy, file));
      disk.made = 0;
      await rotateOriginals(directory, null, given);
      const changes = disk.made;
      expect(changes).toBeGreaterThan(8);
      const seen = new Set<boolean>();
      for (let at = 1; at <= changes; at += 1) {
        await begin();
        disk.left = at;
        await expect(rotateOriginals(directory, null, given)).rejects.toThrow('killed');
        disk.left = Number.POSITIVE_INFINITY;
        if ((await files()).includes('originals.pub')) await expectWhole();
        expect(await unseal('a', old)).toEqual(key);
        const { finished, name } = await rotateOriginals(directory, null, given);
        seen.add(finished);
        // Killed after the last rename it was done, and the next run is a rotation of its own.
        const again = (await files()).includes('originals-3.key');
        expect(await files()).toEqual([
          ...(again ? ['originals-2.key', 'originals-3.key'] : ['originals-2.key']),
          'originals.key',
          'originals.pub',
        ]);
        if (again) expect(at).toBe(changes);
        expect(name).toBe(nameOf(second.publicPem));
        await expectWhole();
        expect(await unseal('a', old)).toEqual(key);
        for (const file of await readdir(directory))
          if (!file.endsWith('.pub') && !file.includes('.pub-')) expect((await stat(path(file))).mode & 0o777).toBe(0o600);
      }
      expect(seen).toEqual(new Set([true, false]));
      await rm(copy, { recursive: true });
    });

  it('refuses where it would lose something', async () => {
    await rename(path('originals.key'), path('away'));
    await expect(rotateOriginals(directory, null, given)).rejects.toMatchObject({ code: 'not_found' });
    await writeFile(path('originals.key'), second.privatePem, { mode: 0o600 });
    await expect(rotateOriginals(directory, null, given)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(nameOf(first.publicPem)) as string,
    });
    expect(await readFile(path('originals.pub'), 'utf8')).toBe(first.publicPem);
    await rename(path('away'), path('originals-9999.key'));
    await expect(rotateOriginals(directory, null, given)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('encrypts the new private key under the passphrase, and refuses one that would be guessed or does not open the newest', async () => {
    await expect(rotateOriginals(directory, 'short', given)).rejects.toMatchObject({ code: 'key_invalid' });
    await rotateOriginals(directory, PASSPHRASE, given);
    expect(await readFile(path('originals-2.key'), 'utf8')).toContain('ENCRYPTED');
    // The one that is in the clear opens all the same.
    const ring = await OriginalsRing.open(directory, PASSPHRASE);
    for (const { publicPem } of pairs)
      expect(await ring.unwrap('a', await new OriginalsWrapper(publicPem, '').wrap('a', key))).toEqual(key);
    await expect(rotateOriginals(directory, null, given)).rejects.toMatchObject({ code: 'key_invalid', where: path('originals-2.key') });
    expect(await files()).toHaveLength(3);
  });
});

describe('the ring of private keys', () => {
  it('names the pair that is not here, and the file to put back', async () => {
    await rotateOriginals(directory, null, given);
    const old = await new OriginalsWrapper(first.publicPem, '').wrap('a', key);
    await rename(path('originals.key'), path('originals.key.bak'));
    const remedy = (text: string): object => ({
      code: 'content_key_failed',
      message: expect.stringContaining(nameOf(first.publicPem)) as string,
      remedy: expect.stringContaining(text) as string,
    });
    await expect(unseal('a', old)).rejects.toMatchObject(remedy('missing here by their numbers: originals.key'));
    expect(await unseal('b', await seal('b'))).toEqual(key);
    await rename(path('originals-2.key'), path('originals.key'));
    await expect(unseal('a', old)).rejects.toMatchObject(remedy('a newer file'));
    await rename(path('originals.key.bak'), path('originals-7.key'));
    expect(await unseal('a', old)).toEqual(key);
    for (const changed of ['', 'rsa-1.QQ==', `file-${nameOf(first.publicPem)}.QQ==`])
      await expect(unseal('a', changed)).rejects.toMatchObject({
        code: 'content_key_failed',
        message: expect.stringContaining('changed') as string,
      });
    await rm(path('originals.key'));
    await rm(path('originals-7.key'));
    await expect(openOriginals(directory, undefined)).rejects.toMatchObject({ code: 'key_invalid', where: path('originals.key') });
  });

  it('says which file is under another passphrase, or written by others, where that one may be needed only', async () => {
    await rotateOriginals(directory, null, given);
    const old = await new OriginalsWrapper(first.publicPem, '').wrap('a', key);
    await writeFile(path('originals.key'), encrypted(first.privatePem, 'another passphrase than configured'));
    const refused = { code: 'key_invalid', where: path('originals.key'), remedy: expect.stringContaining('unseal.passphrase') as string };
    await expect(unseal('a', old)).rejects.toMatchObject(refused);
    expect(await unseal('b', await seal('b'))).toEqual(key);
    await writeFile(path('originals.key'), first.privatePem);
    await chmod(path('originals.key'), 0o622);
    await expect(unseal('a', old)).rejects.toMatchObject({ code: 'key_invalid', remedy: expect.stringContaining('chmod') as string });
  });
});

describe('the public key of a running gateway', () => {
  it('is looked at again before each batch, and one that cannot be read fails it', async () => {
    const told: unknown[] = [];
    const wrapper = originalsWrapper(directory, false, { info: (facts: unknown) => void told.push(facts) });
    const pairIn = async (): Promise<string> => (await wrapper.wrap('a', key)).split('.')[0]!;
    const [before, after] = pairs.map(({ publicPem }) => nameOf(publicPem));
    expect(await pairIn()).toBe(before);
    await rotateOriginals(directory, null, given);
    expect(await pairIn()).toBe(before);
    await wrapper.refresh?.();
    expect(await pairIn()).toBe(after);
    await wrapper.refresh?.();
    expect(told).toEqual([{ before, pair: after }]);
    // A copy that is under way.
    await writeFile(path('originals.pub'), first.publicPem.slice(0, 200));
    await expect(wrapper.refresh?.()).rejects.toMatchObject({ code: 'key_invalid' });
    await rm(path('originals.pub'));
    await expect(wrapper.refresh?.()).rejects.toMatchObject({ code: 'key_invalid' });
  });

  it('is made from the newest private key where it is missing', async () => {
    await rotateOriginals(directory, null, given);
    await rm(path('originals.pub'));
    await createOriginalsKeys(directory);
    expect(await readFile(path('originals.pub'), 'utf8')).toBe(second.publicPem);
    expect(await files()).toHaveLength(3);
  });
});
