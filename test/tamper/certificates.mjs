// The script reads certificates by Node, and in a browser by itself: both must read the same out of real ones (openssl), and neither may take one
// of which a bit was changed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { browserCertificate, nodeCertificate } from '../../ops/verify/affiant-verify.mjs';

const PSS = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'];
/** Key, digest, how to sign; and whether a browser can verify it. */
const KINDS = [
  ['P-256', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'sha256', [], true],
  ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'sha384', [], true],
  ['P-521', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521'], 'sha512', [], true],
  ['RSA', ['rsa:2048'], 'sha256', [], true],
  ['RSASSA-PSS', ['rsa:2048'], 'sha256', PSS, true],
  ['RSA with SHA-1', ['rsa:2048'], 'sha1', [], false],
  ['Ed25519', ['ed25519'], null, [], false],
];

export async function certificates(directory, check, { quick }) {
  const wrong = [];
  for (const [title, key, digest, how, isKnown] of quick
    ? KINDS.filter(([one]) => ['P-521', 'RSASSA-PSS', 'Ed25519'].includes(one))
    : KINDS) {
    const at = join(directory, 'certificates', title);
    mkdirSync(at, { recursive: true });
    const [root, leaf] = make(at, key, digest === null ? how : [`-${digest}`, ...how]);
    const [nodes, browsers] = [nodeCertificate, browserCertificate].map((read) => [root, leaf].map(read));
    const told = (all) => JSON.stringify(all.map(({ from, to, ca }) => ({ from, to, ca })));
    if (told(nodes) !== told(browsers) || !nodes[0].ca || nodes[1].ca) wrong.push(`${title}: ${told(nodes)} and ${told(browsers)}`);
    for (const [issuer, one] of [nodes, browsers])
      if (!one.isIssuedBy(issuer) || issuer.isIssuedBy(one)) wrong.push(`${title}: who issued which`);
    const signed = [
      await nodes[1].isSignedBy(nodes[0]),
      await browsers[1].isSignedBy(browsers[0]),
      await browsers[0].isSignedBy(browsers[1]),
    ];
    if (String(signed) !== String(isKnown ? [true, true, false] : [true, null, null])) wrong.push(`${title}: ${String(signed)}`);
    for (let bit = 0; bit < leaf.length * 8; bit += 131) {
      const changed = leaf.with(bit >> 3, leaf[bit >> 3] ^ (1 << (bit & 7)));
      try {
        if (await browserCertificate(changed).isSignedBy(browsers[0])) wrong.push(`${title}: bit ${bit} changed`);
      } catch {
        // No certificate any more.
      }
    }
  }
  check('certificates as a browser reads them are what Node reads, and no changed bit passes', wrong.length === 0, wrong.join(' | '));
}

/** DER of a root and of what it issued. */
function make(at, key, how) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: at, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
  writeFileSync(join(at, 'ca.ext'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n');
  writeFileSync(join(at, 'leaf.ext'), 'basicConstraints=CA:FALSE\nextendedKeyUsage=critical,timeStamping\nauthorityKeyIdentifier=keyid\n');
  for (const [stem, subject] of [
    ['ca', '/O=Tests/CN=Root'],
    ['leaf', '/O=Tests/CN=Ü'],
  ]) {
    openssl('req', '-new', '-utf8', '-newkey', ...key, '-nodes', '-keyout', `${stem}.key`, '-out', `${stem}.csr`, '-subj', subject); // prettier-ignore
    const by = stem === 'ca' ? ['-signkey', 'ca.key'] : ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    openssl('x509', '-req', '-in', `${stem}.csr`, ...by, ...how, '-days', '9000', '-extfile', `${stem}.ext`, '-out', `${stem}.pem`);
    openssl('x509', '-in', `${stem}.pem`, '-outform', 'DER', '-out', `${stem}.der`);
  }
  return ['ca', 'leaf'].map((stem) => new Uint8Array(readFileSync(join(at, `${stem}.der`))));
}
