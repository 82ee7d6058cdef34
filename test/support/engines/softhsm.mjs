// A PKCS #11 token: SoftHSM 2 in a directory of its own, with one Ed25519 key pair, made by OpenSC's pkcs11-tool.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebian, missing } from '../tools.mjs';

const MODULES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'];
const TOKEN = 'affiant';

const moduleOf = () => MODULES.find((path) => existsSync(path));
const answers = (program) => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return error.code !== 'ENOENT';
  }
};

/** True when it can be run here; else it says so. */
export function haveSoftHsm() {
  const there = () => moduleOf() !== undefined && answers('softhsm2-util') && answers('pkcs11-tool');
  if (ensureDebian(there, ['softhsm2', 'opensc'])) return true;
  missing('SoftHSM', 'Debian packages softhsm2 and opensc');
  return false;
}

/** Makes the token with the key `label`. Nothing keeps running. */
export function startSoftHsm() {
  const directory = mkdtempSync(join(tmpdir(), 'softhsm-'));
  const pin = randomBytes(8).toString('hex');
  const config = join(directory, 'softhsm2.conf');
  mkdirSync(join(directory, 'tokens'));
  writeFileSync(config, `directories.tokendir = ${join(directory, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const module = moduleOf();
  const env = { PATH: process.env.PATH, SOFTHSM2_CONF: config, AFFIANT_TEST_PIN: pin };
  const run = (program, ...args) => execFileSync(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  run('softhsm2-util', '--init-token', '--free', '--label', TOKEN, '--so-pin', randomBytes(8).toString('hex'), '--pin', pin);
  const makeKey = (label) =>
    run('pkcs11-tool', '--module', module, '--token-label', TOKEN, '--login', '--pin', 'env:AFFIANT_TEST_PIN', '--keypairgen',
      '--key-type', 'EC:edwards25519', '--label', label, '--usage-sign'); // prettier-ignore
  makeKey('ledger');
  return {
    module,
    token: TOKEN,
    label: 'ledger',
    pin,
    config,
    makeKey: (label) => void makeKey(label),
    stop: () => rmSync(directory, { recursive: true, force: true }),
  };
}
