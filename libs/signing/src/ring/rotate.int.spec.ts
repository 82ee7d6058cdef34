import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleEntry } from '../../../../test/support/bundle-entry.js';
import { openFileSigner, openLogKeys, policyText, readRing, retireKey, rotateKey } from '../index.js';
import { KmsServer } from '../testing/kms-server.js';

const NAME = 'affiant.example/ledger';
const MINUTES = 60_000;
const NOW = new Date('2026-11-25T00:00:00Z');
const FILE = { kind: 'file' } as const;

let root: string;
let directory: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rotate-'));
  directory = join(root, 'keys');
  await openFileSigner({ directory, file: 'ledger', name: NAME });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open = (at = directory) => openLogKeys({ spec: FILE, directory: at, name: NAME });
const rotate = (change = {}) =>
  rotateKey({ spec: FILE, directory, name: NAME, now: NOW, reason: 'overlap', overlapMs: 86_400_000, ...change });
const vkeys = async (): Promise<string[]> => (await readRing(directory, NAME))?.keys.map(({ vkey }) => vkey) ?? [];
const retire = async (change = {}) =>
  retireKey({ directory, name: NAME, now: NOW, last: { note: 'note', signedBy: await vkeys() }, ...change });
const conflict = expect.objectContaining({ code: 'conflict' });

describe('rotation by overlap', () => {
  it('signs with both, the old one first, then with the new one; the last checkpoint is kept', async () => {
    const before = await open();
    const { from, to } = await rotate();
    const during = await open();
    expect(during.signers.map(({ vkey }) => vkey)).toEqual([before.primary.vkey, to.vkey]);
    expect(during.primary.vkey).toBe(from.vkey);
    await expect(rotate()).rejects.toEqual(conflict);
    await expect(retire()).rejects.toEqual(conflict);
    await expect(retire({ early: true, last: { note: 'n', signedBy: [from.vkey] } })).rejects.toEqual(conflict);
    const { key, note } = await retire({ now: new Date('2026-11-26T00:00:00Z') });
    expect(key).toMatchObject({ vkey: from.vkey, state: 'retired', until: '2026-11-26T00:00:00.000Z' });
    expect(await readFile(note, 'utf8')).toBe('note');
    const after = await open();
    expect(after.signers.map(({ vkey }) => vkey)).toEqual([to.vkey]);
    expect(after.vkeys).toEqual([from.vkey, to.vkey]);
    await rm(join(directory, 'ledger.key'));
    expect((await open()).primary.vkey).toBe(to.vkey);
    expect((await rotate()).ring.keys.map(({ file }) => file)).toEqual(['ledger', 'ledger-2', 'ledger-3']);
    await expect(retire()).rejects.toEqual(conflict);
  });

  it('replaces a lost and a compromised key at once, and says so in the policy', async () => {
    const { primary } = await open();
    await rm(join(directory, 'ledger.key'));
    await expect(open()).rejects.toMatchObject({ code: 'key_invalid' });
    const { to } = await rotate({ reason: 'lost' });
    expect((await open()).signers.map(({ vkey }) => vkey)).toEqual([to.vkey]);
    const second = await rotate({ reason: 'compromised' });
    expect((await open()).signers.map(({ vkey }) => vkey)).toEqual([second.to.vkey]);
    const policy = policyText(NAME, second.ring.keys);
    expect(policy).toContain(`\nlog ${primary.vkey}\n`);
    expect(policy).toContain(`\n# log ${to.vkey}\n`);
    expect(policy).toContain(`\nlog ${second.to.vkey}\n`);
  });

  it('goes from a file to a KMS', async () => {
    const server = await new KmsServer().start();
    const { from, to } = await rotate({ spec: server.spec() });
    const keys = await openLogKeys({ spec: server.spec(), previous: FILE, directory, name: NAME });
    expect(keys.signers.map(({ vkey }) => vkey)).toEqual([from.vkey, to.vkey]);
    await expect(openLogKeys({ spec: FILE, directory, name: NAME })).rejects.toMatchObject({ code: 'key_invalid' });
    await retire({ early: true });
    // The same key again is no rotation, and leaves nothing behind that stands in the way.
    await expect(rotate({ spec: server.spec() })).rejects.toEqual(conflict);
    const other = await new KmsServer().start();
    expect((await rotate({ spec: other.spec() })).ring.keys).toHaveLength(3);
    await Promise.all([server.stop(), other.stop()]);
  });

  it('refuses a log that has no key, another log, and a damaged ring', async () => {
    await expect(rotate({ name: 'other.example' })).rejects.toMatchObject({ code: 'key_invalid' });
    await expect(rotate({ directory: join(root, 'none') })).rejects.toMatchObject({ code: 'not_found' });
    await rotate();
    const path = join(directory, 'ledger.ring.json');
    const text = await readFile(path, 'utf8');
    for (const bad of ['{}', text.replaceAll('active', 'retired'), text.replace('ledger-2', '../x'), text.replace(NAME, 'other')]) {
      await writeFile(path, bad);
      await expect(open()).rejects.toMatchObject({ code: 'key_invalid' });
    }
  });
});

describe('kill -9 at every step', () => {
  let script: string;
  beforeAll(async () => {
    script = await bundleEntry(fileURLToPath(new URL('../testing/rotate-child.fixture.ts', import.meta.url)), 'rotate-child');
  }, 5 * MINUTES);
  afterAll(() => rm(script, { force: true }));

  const run = (at: string, action: string, dieBefore: number, signedBy: readonly string[]): Promise<boolean> =>
    new Promise((resolve, reject) => {
      execFile(process.execPath, [script, at, NAME, action, String(dieBefore), ...signedBy], (error, stdout, stderr) => {
        if (error !== null && error.signal !== 'SIGKILL') return reject(new Error(stderr));
        resolve(stdout === 'done');
      });
    });

  it.each(['overlap', 'retire'] as const)(
    'of %s leaves an installation that starts, and the same call completes it',
    async (action) => {
      if (action === 'retire') await rotate({ overlapMs: 0 });
      const signedBy = await vkeys();
      const before = (await open()).vkeys;
      let ended = false;
      for (let step = 1; !ended; step += 1) {
        expect(step, 'it never gets to the end').toBeLessThan(60);
        const copy = join(root, `copy-${step}`);
        await cp(directory, copy, { recursive: true });
        ended = await run(copy, action, step, signedBy);
        const left = await open(copy);
        expect(left.vkeys.slice(0, before.length), `killed before step ${step}`).toEqual(before);
        if (ended) break;
        const again = await (action === 'overlap' ? rotate({ directory: copy }) : retire({ directory: copy })).catch(String);
        const ring = (await readRing(copy, NAME))!;
        expect(ring.keys, `killed before step ${step}, then again: ${String(again)}`).toHaveLength(2);
        expect(ring.keys.map(({ state }) => state)).toEqual([action === 'overlap' ? 'active' : 'retired', 'active']);
        expect((await open(copy)).signers).toHaveLength(action === 'overlap' ? 2 : 1);
      }
    },
    5 * MINUTES,
  );
});
