import { execFile } from 'node:child_process';
import { childEnvironment } from '#config';
import { AffiantError } from '#errors';
import { checkedSigner } from './checked-signer.js';
import { rawEd25519 } from './spki.js';
import type { Pkcs11Spec, Signer } from './port.js';

const MAX_ANSWER = 64 * 1024;
/** Name under which the child finds the PIN: an argument would stand in the process list. */
const PIN_VARIABLE = 'AFFIANT_PKCS11_PIN';

/**
 * A key in a PKCS #11 token, mechanism CKM_EDDSA. Each call is a process of OpenSC's `pkcs11-tool`: the vendor's library runs outside ours, so
 * neither its crash nor its hang is ours, and a session that the token ended is no state to mend (docs/adr/0080-signers.md).
 * @throws AffiantError key_invalid, signer_failed, config_secret_missing
 */
export async function openPkcs11Signer(spec: Pkcs11Spec, name: string): Promise<Signer> {
  const where = `${spec.token}/${spec.label}`;
  const spki = await run(spec, ['--read-object', '--type', 'pubkey'], null, where);
  // OpenSC 0.23 writes PEM for these keys; others write DER.
  const publicKey = rawEd25519(spki.subarray(0, 10).toString('latin1') === '-----BEGIN' ? spki.toString('latin1') : spki, where);
  // Calls take turns: many tokens allow few sessions, and one checkpoint a second needs no more.
  let last: Promise<unknown> = Promise.resolve();
  return checkedSigner(name, publicKey, where, (message) => {
    const next = last.then(async () =>
      run(spec, ['--login', '--pin', `env:${PIN_VARIABLE}`, '--sign', '--mechanism', 'EDDSA'], { message, pin: await spec.pin() }, where),
    );
    last = next.catch(() => undefined);
    return next;
  });
}

interface Secret {
  readonly message: Buffer;
  readonly pin: string;
}

function run(spec: Pkcs11Spec, args: readonly string[], secret: Secret | null, where: string): Promise<Buffer> {
  const { tool, module, token, label, timeoutMs } = spec;
  const all = ['--module', module, '--token-label', token, ...args, '--label', label];
  return new Promise((resolve, reject) => {
    const env = { ...childEnvironment(spec.environment), ...(secret === null ? {} : { [PIN_VARIABLE]: secret.pin }) };
    const child = execFile(
      tool,
      all,
      { encoding: 'buffer', timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER, env },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        reject(
          new AffiantError('signer_failed', reasonOf(error, stderr), { where, remedy: 'Try it by hand: pkcs11-tool --list-objects.' }),
        );
      },
    );
    // A tool that is not there, or ended early, breaks the pipe; what happened is told by the callback.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(secret?.message);
  });
}

/** The tool's own last words; it never prints a PIN. */
function reasonOf(error: Error & { code?: unknown; killed?: boolean }, stderr: Buffer): string {
  if (error.code === 'ENOENT') return 'pkcs11-tool is not installed (package opensc), or not where ledger.signer.tool says';
  if (error.killed === true) return 'the token did not answer in time';
  const told = stderr
    .toString('utf8')
    .split('\n')
    .find((line) => /^error:|not found|No slot/.test(line));
  return told === undefined ? 'pkcs11-tool failed' : `pkcs11-tool: ${told.slice(0, 200)}`;
}
