import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOriginalsKeys, rotateOriginals } from '#service';
import type { Finding } from './check.js';
import { originalsCheck, type OriginalsPlace } from './originals.js';

let state: string;
let keys: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'doctor-originals-'));
  keys = join(state, 'keys');
  await mkdir(keys);
});
afterEach(() => rm(state, { recursive: true, force: true }));

const look = (place: Partial<OriginalsPlace> = {}): Promise<Finding> =>
  originalsCheck({ state, passphrase: undefined, distributed: false, counts: null, ...place }).run();
const says = (text: string): string => expect.stringContaining(text) as string;

describe('the check of the keys of originals', () => {
  it('finds what seals without a private key, what cannot be read, and wrapped keys that nothing here opens', async () => {
    expect(await look()).toMatchObject({ status: 'skipped' });
    await createOriginalsKeys(keys);
    const { file, name, before } = await rotateOriginals(keys, null);
    expect(await look()).toEqual({ status: 'ok', detail: `2 private, ${name} seals` });
    const counts = async () => [
      { pair: before, keys: 40 },
      { pair: name, keys: 2 },
    ];
    expect(await look({ counts, distributed: true })).toMatchObject({ status: 'ok', detail: says('open all 42') });
    expect(await look({ counts: () => Promise.reject(new Error('away')) })).toMatchObject({ status: 'warn', detail: says('counted') });

    await rename(join(keys, 'originals.key'), join(state, 'old'));
    expect(await look({ counts })).toMatchObject({ status: 'warn', detail: says(`40 wrapped keys need the key pair ${before}`) });
    await rename(join(keys, file), join(state, 'new'));
    expect(await look()).toMatchObject({ status: 'fail', detail: says('no private key') });
    expect(await look({ distributed: true })).toMatchObject({ status: 'ok' });
    await rename(join(state, 'old'), join(keys, 'originals.key'));
    expect(await look()).toMatchObject({ status: 'fail', detail: says(`seals under ${name}`), remedy: says('OriginalsKeyLost') });
    await writeFile(join(keys, file), 'no key');
    expect(await look()).toMatchObject({ status: 'fail', detail: says(`${file}: not a PEM key`) });
    await writeFile(join(keys, 'originals.pub'), 'no key');
    expect(await look()).toMatchObject({ status: 'fail', detail: says('originals.pub: not a PEM key') });

    // Killed between the two files.
    await rm(join(keys, 'originals.pub'));
    await rm(join(keys, file));
    await createOriginalsKeys(keys);
    await rename(join(state, 'new'), join(keys, file));
    expect(await look()).toMatchObject({ status: 'warn', remedy: says('rotate-originals') });
    expect(await rotateOriginals(keys, null)).toMatchObject({ name, finished: true });
    expect(await look()).toMatchObject({ status: 'ok' });
  }, 120_000);
});
