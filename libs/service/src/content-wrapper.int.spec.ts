import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig, type SealingConfig } from '#config';
import { KmsServer } from '../../signing/src/testing/kms-server.js';
import { nextContentKeyFile, openContentKeyFile, openContentWrapper } from './index.js';

let directory: string;
let secrets: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'content-wrapper-'));
  secrets = await mkdtemp(join(tmpdir(), 'content-wrapper-secrets-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
  await rm(secrets, { recursive: true, force: true });
});

const sealing = (text: string): SealingConfig => parseConfig(`sealing: ${text}\n`, 'test.yaml').sealing;
const PLAIN = sealing('{}');
const key = randomBytes(32);

describe('the key-encryption key as configured', () => {
  it('is a file that the first opening makes, unless it is shared', async () => {
    await expect(openContentWrapper(PLAIN, directory, true)).rejects.toMatchObject({ code: 'key_invalid' });
    const wrapped = await (await openContentWrapper(PLAIN, directory, false)).wrap('a', key);
    expect(await readdir(directory)).toEqual(['content.key']);
    expect((await stat(join(directory, 'content.key'))).mode & 0o777).toBe(0o600);
    expect(await (await openContentWrapper(PLAIN, directory, true)).unwrap('a', wrapped)).toEqual(key);
  });

  it('rotates by one more file: the newest wraps, all open, and one that was taken away does not', async () => {
    const first = await openContentWrapper(PLAIN, directory, false);
    const old = await first.wrap('a', key);
    const file = await nextContentKeyFile(directory);
    expect(file).toBe('content-2.key');
    await openContentKeyFile(join(directory, file), null, false);
    const both = await openContentWrapper(PLAIN, directory, true);
    expect(both.present.name).not.toBe(first.present.name);
    expect(both.names).toContain(first.present.name);
    expect(await both.unwrap('a', old)).toEqual(key);
    const next = await both.wrap('b', key);
    expect(await nextContentKeyFile(directory)).toBe('content-3.key');
    await rm(join(directory, 'content.key'));
    const alone = await openContentWrapper(PLAIN, directory, true);
    expect(await alone.unwrap('b', next)).toEqual(key);
    await expect(alone.unwrap('a', old)).rejects.toMatchObject({
      code: 'content_key_failed',
      message: expect.stringContaining(first.present.name) as string,
    });
    // What looks like a key file by half is none.
    await writeFile(join(directory, 'content-02.key'), randomBytes(32));
    await writeFile(join(directory, 'content.key.bak'), randomBytes(32));
    expect((await openContentWrapper(PLAIN, directory, true)).names).toHaveLength(1);
  });

  it('is encrypted under a passphrase that the configuration names, all files under the same', async () => {
    await writeFile(join(secrets, 'passphrase'), 'correct horse battery staple 42\n');
    const encrypted = sealing(`{ key: { kind: file, passphrase: { file: '${secrets}/passphrase' } } }`);
    const wrapped = await (await openContentWrapper(encrypted, directory, false)).wrap('a', key);
    expect(await (await openContentWrapper(encrypted, directory, true)).unwrap('a', wrapped)).toEqual(key);
    await expect(openContentWrapper(PLAIN, directory, true)).rejects.toMatchObject({ code: 'key_invalid' });
    expect(() => sealing('{ key: { kind: file }, previous_keys: [{ kind: file }] }')).toThrow('one passphrase');
    expect(() => sealing('{ key: { kind: pkcs11 } }')).toThrow('kind must be file or kms');
  });

  it('moves into a KMS, from one key of it to another, and back', async () => {
    const server = await new KmsServer().start();
    const { endpoint, accessKeyId, secretAccessKey } = server.spec();
    await writeFile(join(secrets, 'id'), await accessKeyId());
    await writeFile(join(secrets, 'secret'), await secretAccessKey());
    const credentials = `access_key_id: { file: '${secrets}/id' }, secret_access_key: { file: '${secrets}/secret' }`;
    const kms = (id: string): string =>
      `{ kind: kms, endpoint: '${endpoint}', region: eu-central-1, key_id: ${id}, timeout: 60s, ${credentials} }`;
    const inFile = await (await openContentWrapper(PLAIN, directory, false)).wrap('a', key);

    const first = await openContentWrapper(sealing(`{ key: ${kms('alias/content')} }`), directory, true);
    const inFirst = await first.wrap('b', key);
    expect(await first.unwrap('a', inFile)).toEqual(key);
    const second = await openContentWrapper(
      sealing(`{ key: ${kms('alias/content-2')}, previous_keys: [${kms('alias/content')}] }`),
      directory,
      true,
    );
    const inSecond = await second.wrap('c', key);
    expect(new Set([inFile, inFirst, inSecond].map((one) => one.split('.')[0])).size).toBe(3);
    const back = await openContentWrapper(
      sealing(`{ previous_keys: [${kms('alias/content')}, ${kms('alias/content-2')}] }`),
      directory,
      true,
    );
    for (const [id, wrapped] of [
      ['a', inFile],
      ['b', inFirst],
      ['c', inSecond],
    ] as const) {
      expect(await second.unwrap(id, wrapped)).toEqual(key);
      expect(await back.unwrap(id, wrapped)).toEqual(key);
    }
    expect((await back.wrap('d', key)).startsWith('file-')).toBe(true);
    await server.stop();

    await rm(join(directory, 'content.key'));
    const fresh = await openContentWrapper(sealing(`{ key: ${kms('alias/content')} }`), directory, false);
    expect(await readdir(directory)).toEqual([]);
    await expect(fresh.wrap('e', key)).rejects.toMatchObject({ code: 'content_key_failed' });
  }, 60_000);
});
