import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadOrCreateSecret, openFileSigner, verifyEd25519 } from './index.js';

let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'signing-')), 'keys');
});
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }));

const open = () => openFileSigner({ directory, file: 'ledger', name: 'affiant.example/ledger' });
const invalid = expect.objectContaining({ code: 'key_invalid' });

describe('file signer', () => {
  it('makes a key once, private, with its vkey beside it', async () => {
    const first = await open();
    const second = await open();
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.vkey).toBe(first.vkey);
    expect((await stat(join(directory, 'ledger.key'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(directory, 'ledger.vkey'), 'utf8')).toBe(`${first.vkey}\n`);
  });

  it('signs deterministically what the vkey verifies', async () => {
    const signer = await open();
    const message = Buffer.from('tree head');
    const signature = await signer.sign(message);
    expect(signature).toEqual(await (await open()).sign(message));
    expect(verifyEd25519(signer.vkey, message, signature)).toBe(true);
  });

  it('mends a crash between key and vkey', async () => {
    const { vkey } = await open();
    await rm(join(directory, 'ledger.vkey'));
    expect((await open()).vkey).toBe(vkey);
    expect(await readFile(join(directory, 'ledger.vkey'), 'utf8')).toBe(`${vkey}\n`);
  });

  it('refuses to replace a lost key', async () => {
    await open();
    await rm(join(directory, 'ledger.key'));
    await expect(open()).rejects.toEqual(invalid);
  });

  it('refuses another name, a readable key, a damaged key and another kind of key', async () => {
    await open();
    await expect(openFileSigner({ directory, file: 'ledger', name: 'other.example' })).rejects.toEqual(invalid);
    const path = join(directory, 'ledger.key');
    await chmod(path, 0o640);
    await expect(open()).rejects.toEqual(invalid);
    await chmod(path, 0o600);
    await writeFile(path, 'nonsense');
    await expect(open()).rejects.toEqual(invalid);
  });

  it('gives racing openers one key', async () => {
    const opened = await Promise.all([open(), open(), open()]);
    expect(new Set(opened.map((signer) => signer.vkey)).size).toBe(1);
    expect(opened.filter((signer) => signer.created)).toHaveLength(1);
  });
});

describe('secret', () => {
  it('is made once and kept', async () => {
    const path = join(directory, 'journal.key');
    const secret = await loadOrCreateSecret(path, 32);
    expect(secret).toHaveLength(32);
    expect(await loadOrCreateSecret(path, 32)).toEqual(secret);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('refuses a file of another length', async () => {
    const path = join(directory, 'digest.key');
    await loadOrCreateSecret(path, 16);
    await expect(loadOrCreateSecret(path, 32)).rejects.toEqual(invalid);
  });
});
