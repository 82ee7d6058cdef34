import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileSigner } from './file-signer.js';
import { loadSecret } from './secret.js';

let directory: string;

beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'shared-keys-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a key that several services share', () => {
  it('is never made by one of them', async () => {
    await expect(loadSecret(join(directory, 'digest.key'))).rejects.toMatchObject({ code: 'key_invalid' });
    await expect(openFileSigner({ directory, file: 'ledger', name: 'a/b', shared: true })).rejects.toMatchObject({ code: 'key_invalid' });
  });

  it('may be readable for others, as mounted secrets are, and not writable', async () => {
    const path = join(directory, 'digest.key');
    await writeFile(path, Buffer.alloc(32, 5));
    await chmod(path, 0o444);
    expect(await loadSecret(path)).toEqual(Buffer.alloc(32, 5));
    await chmod(path, 0o464);
    await expect(loadSecret(path)).rejects.toMatchObject({ code: 'key_invalid' });
    await chmod(path, 0o444);
    await expect(loadSecret(path, 16)).rejects.toMatchObject({ code: 'key_invalid' });
  });

  it('signs from a place where nothing is written, under the one name', async () => {
    const made = await openFileSigner({ directory, file: 'ledger', name: 'a/b' });
    await rm(join(directory, 'ledger.vkey'));
    await chmod(join(directory, 'ledger.key'), 0o440);
    const shared = await openFileSigner({ directory, file: 'ledger', name: 'a/b', shared: true });
    expect(shared).toMatchObject({ vkey: made.vkey, created: false });
    await expect(stat(join(directory, 'ledger.vkey'))).rejects.toMatchObject({ code: 'ENOENT' });
    await writeFile(join(directory, 'ledger.vkey'), `${made.vkey}\n`);
    await expect(openFileSigner({ directory, file: 'ledger', name: 'c/d', shared: true })).rejects.toMatchObject({ code: 'key_invalid' });
  });
});
