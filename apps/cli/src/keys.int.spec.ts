import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCatalogue, TypeormKeyBook } from '#catalogue';
import { defaultConfig } from '#config';
import { createOriginalsKeys, openContentWrapper } from '#service';
import { openFileSigner, openLogKeys, type RingKey } from '#signing';
import { parseTrustPolicy, signCheckpoint } from '#tlog';
import { runCli } from './program.js';

const NAME = 'affiant.local/ledger';
let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'cli-keys-'));
  await openFileSigner({ directory: join(state, 'keys'), file: 'ledger', name: NAME });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(state, { recursive: true, force: true });
});

async function run(...argv: string[]): Promise<{ exit: number; out: string; err: string }> {
  let out = '';
  let err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
  const exit = await runCli(['node', 'affiant', 'keys', ...argv, '--state', state]);
  vi.restoreAllMocks();
  return { exit, out, err };
}

const logKeys = () => openLogKeys({ spec: { kind: 'file' }, directory: join(state, 'keys'), name: NAME });
const publish = async (): Promise<void> => {
  const { signers } = await logKeys();
  await mkdir(join(state, 'tiles'), { recursive: true });
  await writeFile(join(state, 'tiles', 'checkpoint'), await signCheckpoint({ origin: NAME, size: 1, root: Buffer.alloc(32, 1) }, signers));
};

describe('affiant keys', () => {
  it('rotates and retires, and prints a policy that a reader of C2SP policies takes', async () => {
    const [before] = JSON.parse((await run('list', '--json')).out) as RingKey[];
    await publish();
    expect((await run('retire')).err).toContain('no rotation is under way');
    const rotated = await run('rotate', '--days', '0');
    expect(rotated.exit).toBe(0);
    expect(parseTrustPolicy(rotated.out).logs.map(({ vkey }) => vkey.name)).toEqual([NAME, NAME]);
    expect(rotated.err).toContain('restart ledger and evidence');

    const early = await run('retire');
    expect(early).toMatchObject({ exit: 1, err: expect.stringContaining('does not carry both signatures') as string });
    await publish();
    const retired = JSON.parse((await run('retire', '--json')).out) as { key: RingKey; checkpoint: string };
    expect(retired.key).toMatchObject({ vkey: before!.vkey, state: 'retired' });
    expect((await readFile(retired.checkpoint, 'utf8')).match(/^\u2014 /gmu)).toHaveLength(2);
    expect((await logKeys()).signers).toHaveLength(1);

    await run('rotate', '--reason', 'compromised');
    const policy = (await run('policy')).out;
    expect(parseTrustPolicy(policy).logs).toHaveLength(2);
    expect(policy).toContain('COMPROMISED');
    expect((await run('list')).out.match(/affiant\.local/g)).toHaveLength(3);
    expect((await stat(join(state, 'keys', 'ledger-3.key'))).mode & 0o777).toBe(0o600);
  });

  it('adds a key-encryption key of sealed content beside the older ones', async () => {
    expect(await run('rotate-content')).toMatchObject({ exit: 1, err: expect.stringContaining('no content.key') as string });
    const directory = join(state, 'keys');
    const before = await openContentWrapper(defaultConfig().sealing, directory, false);
    const { file, name } = JSON.parse((await run('rotate-content', '--json')).out) as { file: string; name: string };
    expect(file).toBe(join(directory, 'content-2.key'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const after = await openContentWrapper(defaultConfig().sealing, directory, true);
    expect(after.present.name).toBe(name);
    expect(after.names).toContain(before.present.name);
    expect((await run('rotate-content')).err).toContain('then to every proxy');

    const catalogue = await openCatalogue({ directory: join(state, 'catalogue') });
    await new TypeormKeyBook(catalogue).issue([{ id: 'k', wrapped: await before.wrap('k', Buffer.alloc(32, 5)) }], 1);
    await catalogue.destroy();
    const rewrapped = JSON.parse((await run('rewrap-content', '--json')).out) as object;
    expect(rewrapped).toMatchObject({ looked: 1, rewrapped: 1, name: expect.stringMatching(/^file-/) as string });
    await rm(join(directory, 'content.key'));
    expect((await run('rewrap-content')).out).toContain('0 of 1 keys');
  }, 120_000);

  it('adds a key pair of originals, under the passphrase that is configured', async () => {
    expect(await run('rotate-originals')).toMatchObject({ exit: 1, err: expect.stringContaining('no originals.key') as string });
    const directory = join(state, 'keys');
    await createOriginalsKeys(directory);
    const before = await readFile(join(directory, 'originals.pub'));
    await writeFile(join(state, 'passphrase'), 'correct horse battery staple 42\n');
    const config = join(state, 'affiant.yaml');
    await writeFile(config, `unseal: { passphrase: { file: '${join(state, 'passphrase')}' } }\n`);
    const done = JSON.parse((await run('rotate-originals', '--config', config, '--json')).out) as Record<string, unknown>;
    expect(done).toEqual({
      file: join(directory, 'originals-2.key'),
      public: join(directory, 'originals.pub'),
      name: expect.stringMatching(/^rsa-/) as string,
      before: expect.stringMatching(/^rsa-/) as string,
      finished: false,
    });
    expect(await readFile(join(directory, 'originals-2.key'), 'utf8')).toContain('ENCRYPTED');
    // As a crash before the last step leaves it.
    await writeFile(join(directory, 'originals.pub'), before);
    // Without the configuration a further one would be in the clear: refused.
    expect(await run('rotate-originals')).toMatchObject({ exit: 2, err: expect.stringContaining('passphrase') as string });
    const { out, err } = await run('rotate-originals', '--config', config, '--directory', directory);
    expect(out).toContain(`originals-2.key  ${String(done['name'])}`);
    expect(err).toMatch(/interrupted[^]*console alone[^]*to every proxy[^]*Keep every older private key/);
  }, 120_000);

  it('names what is wrong', async () => {
    expect(await run('rotate', '--reason', 'because')).toMatchObject({ exit: 2 });
    expect(await run('rotate', '--days', 'many')).toMatchObject({ exit: 2 });
    expect(await run('retire')).toMatchObject({ exit: 2, err: expect.stringContaining('cannot be read') as string });
    await rm(join(state, 'keys', 'ledger.vkey'));
    expect((await run('rotate')).err).toContain('no key yet');
  });
});
