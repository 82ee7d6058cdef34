// A real time stamp authority (openssl ts) with its own certification authority, behind a small HTTP server on loopback, for tests.
// `certs=` stays out of its configuration: with it openssl emits an unordered certificate set, which strict verifiers refuse.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebian, missing } from '../tools.mjs';
import { findProgram } from './engine-process.mjs';

const STEP_MS = 120_000;
const MAX_REQUEST = 64 * 1024;

/** False, said loudly, when there is no openssl (with CI=true: throws). */
export function hasTsa() {
  if (ensureDebian(() => findProgram('openssl') !== null, ['openssl'])) return true;
  missing('openssl', 'not installed, and it cannot be installed here');
  return false;
}

/**
 * @param {{name?: string, usage?: string, days?: number, intermediate?: boolean, digest?: string, key?: string[]}} options `usage`: extendedKeyUsage of its
 *   certificate; `intermediate`: a CA between root and authority, sent along; `digest`: of its signature; `key`: what `openssl req -newkey` is to make.
 */
export async function startTsa(options = {}) {
  const {
    name = 'Test Authority',
    usage = 'critical,timeStamping',
    days = 3650,
    intermediate = false,
    digest = 'sha256',
    key = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  } = options;
  const directory = mkdtempSync(join(tmpdir(), 'affiant-tsa-'));
  const file = (path) => join(directory, path);
  const openssl = (...args) => execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], timeout: STEP_MS });
  const authority = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n';
  const issue = (stem, subject, extensions, issuer) => {
    openssl('req', '-new', '-newkey', ...key, '-nodes', '-keyout', `${stem}.key`, '-out', `${stem}.csr`, '-subj', subject);
    writeFileSync(file(`${stem}.ext`), extensions);
    const by = issuer === null ? ['-signkey', `${stem}.key`] : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'];
    openssl('x509', '-req', '-in', `${stem}.csr`, ...by, '-days', String(days), '-extfile', `${stem}.ext`, '-out', `${stem}.pem`);
  };
  issue('root', `/O=Tests/CN=${name} Root`, authority, null);
  if (intermediate) issue('middle', `/O=Tests/CN=${name} CA`, authority, 'root');
  const identifiers = 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n';
  const purpose = usage === '' ? '' : `extendedKeyUsage=${usage}\n`;
  issue(
    'tsa',
    `/O=Tests/CN=${name}`,
    `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n${purpose}${identifiers}`,
    intermediate ? 'middle' : 'root',
  );
  writeFileSync(file('serial'), '01\n');
  writeFileSync(
    file('tsa.cnf'),
    `[tsa]
default_tsa = one
[one]
serial = ${file('serial')}
crypto_device = builtin
signer_cert = ${file('tsa.pem')}
signer_key = ${file('tsa.key')}
signer_digest = ${digest}
default_policy = 1.3.6.1.4.1.13762.3
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`,
  );

  // One at a time: they share the file of serial numbers.
  let turn = Promise.resolve();
  let asked = 0;
  const reply = (query) => {
    const run = turn.then(
      () =>
        new Promise((resolve, reject) => {
          const stem = `request-${(asked += 1)}`;
          writeFileSync(file(`${stem}.tsq`), query);
          const chain = intermediate ? ['-chain', file('middle.pem')] : [];
          const args = [
            'ts',
            '-reply',
            '-config',
            file('tsa.cnf'),
            '-queryfile',
            file(`${stem}.tsq`),
            ...chain,
            '-out',
            file(`${stem}.tsr`),
          ];
          execFile('openssl', args, { timeout: STEP_MS }, (error, _, stderr) =>
            error === null ? resolve(readFileSync(file(`${stem}.tsr`))) : reject(new Error(stderr)),
          );
        }),
    );
    turn = run.catch(() => undefined);
    return run;
  };

  let behaviour = null;
  const server = createServer((request, response) => {
    const chunks = [];
    let bytes = 0;
    request.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > MAX_REQUEST) request.destroy();
      else chunks.push(chunk);
    });
    request.on('end', async () => {
      const query = Buffer.concat(chunks);
      try {
        const answer = behaviour === null ? { body: await reply(query) } : await behaviour(query, () => reply(query));
        if (answer === null) return request.socket.destroy();
        response.writeHead(answer.status ?? 200, { 'content-type': 'application/timestamp-reply', connection: 'close' });
        response.end(answer.body ?? '');
      } catch (error) {
        response.writeHead(500, { connection: 'close' });
        response.end(String(error.message));
      }
    });
    request.on('error', () => {});
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    rootFile: file('root.pem'),
    rootPem: readFileSync(file('root.pem'), 'utf8'),
    certificateFile: file('tsa.pem'),
    /** Requests that openssl has answered. */
    get asked() {
      return asked;
    },
    /** `answer(query, good)` gives {status, body}, or null to break the connection off; null = as it should be. */
    behave: (answer) => (behaviour = answer),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await turn;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
