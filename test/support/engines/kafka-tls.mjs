// A certificate authority of the moment and a server certificate for loopback, as PEM files.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @returns {{ca: string, keystore: string, truststore: string}} PEM of the authority, and the files the broker reads */
export function makeCertificates(directory) {
  const at = (name) => join(directory, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '7', '-subj', '/CN=Affiant test CA');
  openssl('req', ...key, '-keyout', at('broker.key'), '-out', at('broker.csr'), '-subj', '/CN=localhost');
  writeFileSync(at('broker.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  openssl(
    'x509',
    '-req',
    '-in',
    at('broker.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '7',
    '-extfile',
    at('broker.ext'),
    '-out',
    at('broker.pem'),
  );
  // Kafka's PEM store: the private key (PKCS #8) and its chain in one file.
  writeFileSync(at('keystore.pem'), [at('broker.key'), at('broker.pem'), at('ca.pem')].map((file) => readFileSync(file, 'utf8')).join(''), {
    mode: 0o600,
  });
  return { ca: readFileSync(at('ca.pem'), 'utf8'), keystore: at('keystore.pem'), truststore: at('ca.pem') };
}
