import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { haveSoftHsm, startSoftHsm, type SoftHsm } from '../../../test/support/engines/softhsm.mjs';
import { signerContract } from './contract/signer.contract.js';
import { openFileSigner, openSigner, verifyEd25519, type KmsSpec, type Pkcs11Spec } from './index.js';
import { openKmsSigner } from './kms-signer.js';
import { KmsServer } from './testing/kms-server.js';

const NAME = 'affiant.example/ledger';
const PASSPHRASE = 'correct horse battery staple 42';
const MINUTE = 60_000;

async function inDirectory(): Promise<{ directory: string; close: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'signers-'));
  return { directory, close: () => rm(directory, { recursive: true, force: true }) };
}

signerContract('file', async () => {
  const { directory, close } = await inDirectory();
  return { open: () => openSigner({ spec: { kind: 'file' }, directory, file: 'ledger', name: NAME }), close };
});

signerContract('encrypted file', async () => {
  const { directory, close } = await inDirectory();
  const spec = { kind: 'file', passphrase: async () => PASSPHRASE } as const;
  return { open: () => openSigner({ spec, directory, file: 'ledger', name: NAME }), close };
});

signerContract('KMS', async () => {
  const { directory, close } = await inDirectory();
  const server = await new KmsServer().start();
  const open = () => openSigner({ spec: server.spec(), directory, file: 'ledger', name: NAME });
  return { open, close: async () => (await server.stop(), close()) };
});

describe('encrypted key file', () => {
  let directory: string;
  let close: () => Promise<void>;
  beforeEach(async () => void ({ directory, close } = await inDirectory()));
  afterEach(() => close());
  const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const open = (passphrase?: string) =>
    openFileSigner({ directory, file: 'ledger', name: NAME, ...(passphrase === undefined ? {} : { passphrase }) });

  it('is 0600, holds no plain key, and is what openssl reads', async () => {
    const signer = await open(PASSPHRASE);
    const path = join(directory, 'ledger.key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const spki = Buffer.from(
      openssl('pkey', '-in', path, '-passin', `pass:${PASSPHRASE}`, '-pubout').split('\n').slice(1, -2).join(''),
      'base64',
    );
    expect(spki.subarray(-32)).toEqual(signer.publicKey);
  });

  it.each([
    ['PBKDF2', ['-v2', 'aes-256-cbc', '-iter', '20000']],
    ['scrypt', ['-scrypt']],
  ])('reads what openssl encrypts with %s', async (_kdf, options) => {
    const { vkey } = await open();
    const path = join(directory, 'ledger.key');
    const encrypted = openssl('pkcs8', '-topk8', '-in', path, '-passout', `pass:${PASSPHRASE}`, ...options);
    await writeFile(path, encrypted);
    expect((await open(PASSPHRASE)).vkey).toBe(vkey);
  });

  it('refuses a wrong, a missing, a short and a needless passphrase, and tells none of them', async () => {
    await open(PASSPHRASE);
    for (const passphrase of [undefined, 'the wrong passphrase 123456', 'short']) {
      const failure = await open(passphrase).catch((error: unknown) => error as Error);
      expect(failure).toMatchObject({ code: 'key_invalid' });
      expect(String(failure)).not.toContain(passphrase ?? PASSPHRASE);
    }
    await rm(join(directory, 'ledger.key'));
    await rm(join(directory, 'ledger.vkey'));
    await open();
    await expect(open(PASSPHRASE)).rejects.toMatchObject({
      code: 'key_invalid',
      message: expect.stringContaining('not encrypted') as string,
    });
  });
});

describe('KMS signer', () => {
  let server: KmsServer;
  beforeEach(async () => void (server = await new KmsServer().start()));
  afterEach(() => server.stop());
  const message = Buffer.from('tree head\n');
  const waited: number[] = [];
  const open = (change = {}) => openKmsSigner(server.spec(change), NAME, { pause: async (ms) => void waited.push(ms) });

  it('tries again what passes: throttling and internal failures', async () => {
    const signer = await open();
    waited.length = 0;
    server.fault('throttle', 'unavailable');
    expect(verifyEd25519(signer.vkey, message, await signer.sign(message))).toBe(true);
    expect(waited).toEqual([200, 400]);
    server.fault('throttle', 'throttle', 'throttle');
    await expect(signer.sign(message)).rejects.toMatchObject({ code: 'signer_failed' });
    expect(await signer.sign(message)).toHaveLength(64);
  });

  it('uses no answer that does not verify: another key, another message, nothing', async () => {
    const signer = await open();
    for (const fault of ['wrong-key', 'wrong-message', 'no-field', 'garbage'] as const) {
      server.fault(fault);
      await expect(signer.sign(message), fault).rejects.toMatchObject({ code: 'signer_failed' });
    }
    expect(await signer.sign(message)).toHaveLength(64);
  });

  it('does not try again what was refused, and shows only its name', async () => {
    const signer = await open();
    server.calls.length = 0;
    server.fault('denied');
    const failure = await signer.sign(message).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'signer_failed', message: 'KMS Sign: status 400 AccessDeniedException' });
    expect(server.calls).toEqual(['Sign']);
    await expect(open({ keyId: 'alias/none' })).rejects.toMatchObject({ code: 'signer_failed' });
    await expect(open({ region: 'us-east-1' })).rejects.toMatchObject({ message: expect.stringContaining('InvalidSignature') as string });
  });

  it('gives up a call that hangs, and one that nobody takes', async () => {
    // Read at each call: the opening has all the time it needs.
    const spec: { -readonly [K in keyof KmsSpec]: KmsSpec[K] } = { ...server.spec() };
    const signer = await openKmsSigner(spec, NAME, { pause: async () => undefined });
    spec.timeoutMs = 50;
    server.fault('hang', 'hang', 'hang');
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'signer_failed',
      message: expect.stringContaining('no answer within') as string,
    });
    spec.timeoutMs = MINUTE;
    await server.stop();
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'signer_failed',
      message: expect.stringContaining('reached') as string,
    });
  });

  it('refuses a key of another kind, and another key than the one that was pinned', async () => {
    const other = await new KmsServer('ec').start();
    await expect(openKmsSigner(other.spec(), NAME)).rejects.toMatchObject({ code: 'key_invalid' });
    await other.stop();
    const { directory, close } = await inDirectory();
    const first = await openSigner({ spec: server.spec(), directory, file: 'ledger', name: NAME });
    expect(first.created).toBe(true);
    expect((await openSigner({ spec: server.spec(), directory, file: 'ledger', name: NAME })).created).toBe(false);
    const second = await new KmsServer().start();
    await expect(openSigner({ spec: second.spec(), directory, file: 'ledger', name: NAME })).rejects.toMatchObject({ code: 'key_invalid' });
    await second.stop();
    await close();
  });
});

describe.skipIf(!haveSoftHsm())('PKCS #11', () => {
  let hsm: SoftHsm;
  beforeAll(() => void (hsm = startSoftHsm()), 5 * MINUTE);
  afterAll(() => hsm?.stop());
  const spec = (change: Partial<Pkcs11Spec> = {}): Pkcs11Spec => ({
    kind: 'pkcs11',
    module: hsm.module,
    token: hsm.token,
    label: hsm.label,
    pin: async () => hsm.pin,
    tool: 'pkcs11-tool',
    environment: ['SOFTHSM2_CONF'],
    timeoutMs: MINUTE,
    ...change,
  });
  const open = (change: Partial<Pkcs11Spec> = {}, directory = join(tmpdir(), 'nothing-is-written-here')) => {
    process.env['SOFTHSM2_CONF'] = hsm.config;
    return openSigner({ spec: spec(change), directory, file: 'ledger', name: NAME, shared: true });
  };

  signerContract('PKCS #11 token', async () => ({ open: () => open(), close: async () => undefined }));

  it('says what is wrong: PIN, token, key, tool, and a token that hangs', async () => {
    const signer = await open({ pin: async () => '000000' });
    await expect(signer.sign(Buffer.of(1))).rejects.toMatchObject({
      code: 'signer_failed',
      message: expect.stringContaining('CKR_PIN_INCORRECT') as string,
    });
    await expect(open({ token: 'none' })).rejects.toMatchObject({
      code: 'signer_failed',
      message: expect.stringContaining('No slot') as string,
    });
    await expect(open({ label: 'none' })).rejects.toMatchObject({
      code: 'signer_failed',
      message: expect.stringContaining('not found') as string,
    });
    await expect(open({ tool: '/nowhere/pkcs11-tool' })).rejects.toMatchObject({
      message: expect.stringContaining('not installed') as string,
    });
    const { directory, close } = await inDirectory();
    const hanging = join(directory, 'tool');
    await writeFile(hanging, '#!/bin/sh\nexec sleep 600\n', { mode: 0o700 });
    await expect(open({ tool: hanging, timeoutMs: 200 })).rejects.toMatchObject({ message: expect.stringContaining('in time') as string });
    await close();
  });

  it('keeps the PIN out of the arguments, and other secrets from the library', async () => {
    const { directory, close } = await inDirectory();
    const spy = join(directory, 'tool');
    await writeFile(spy, `#!/bin/sh\ncat > /dev/null\n(echo "$@"; env) >> ${join(directory, 'seen')}\nexit 1\n`, { mode: 0o700 });
    const signer = await open();
    process.env['AFFIANT_TEST_OTHER_SECRET'] = 'other-secret';
    await expect(open({ tool: spy })).rejects.toMatchObject({ code: 'signer_failed' });
    delete process.env['AFFIANT_TEST_OTHER_SECRET'];
    const seen = await readFile(join(directory, 'seen'), 'utf8');
    expect(seen).not.toContain(hsm.pin);
    expect(seen).not.toContain('other-secret');
    expect(seen).toContain('SOFTHSM2_CONF=');
    expect(signer.vkey).toContain(NAME);
    await close();
  });
});
