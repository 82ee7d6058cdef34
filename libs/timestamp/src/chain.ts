import { X509Certificate } from 'node:crypto';
import { Certificate, CertificateChainValidationEngine } from 'pkijs';
import { need, reading } from './failure.js';

/** Certificates from the signing one to a root, and how many signatures are tried to find the way: hostile certificates may point in circles. */
const MAX_LENGTH = 8;
const MAX_STEPS = 64;

interface Link {
  readonly der: Buffer;
  readonly x509: X509Certificate;
}

/**
 * A chain from the signing certificate to one of the pinned roots, each link valid at `at`, validated by RFC 5280 (pkijs) along one way that OpenSSL has
 * found (Node): the validator alone would follow circles for ever. Revocation is not looked at: a stamp is renewed before its certificate expires.
 * @throws AffiantError timestamp_invalid
 */
export async function chainToRoot(signer: Buffer, others: readonly Buffer[], roots: readonly Buffer[], at: Date): Promise<Buffer[]> {
  const pinned = roots.map((der) => reading('a pinned root', () => link(der)));
  const pool = others.flatMap((der) => linkOrNone(der));
  const start = reading('the signing certificate', () => link(signer));
  need(isValidAt(start, at), 'the signing certificate was not valid at the time of the stamp');
  const path = wayUp(start, pinned, pool, at);
  need(path !== null, 'the signing certificate does not lead to a pinned root of this authority');
  const chain = path.map(({ der }) => der);
  const parsed = chain.map((der) => reading('a certificate', () => Certificate.fromBER(der)));
  const engine = new CertificateChainValidationEngine({
    trustedCerts: parsed.slice(-1),
    // The last one is what is validated.
    certs: [...parsed.slice(1, -1), parsed[0]!],
    checkDate: at,
  });
  const { result, resultMessage } = await engine.verify();
  need(result, `the certificate chain does not verify: ${resultMessage}`);
  return chain;
}

/** DER of each certificate of a PEM file. @throws AffiantError timestamp_invalid */
export function readCertificates(pem: string): Buffer[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  need(blocks.length > 0, 'there is no certificate in the PEM text');
  return blocks.map((block) => reading('a certificate', () => new X509Certificate(block).raw));
}

/** PEM of DER certificates, in their order. */
export function formatCertificates(chain: readonly Buffer[]): string {
  return chain.map((der) => new X509Certificate(der).toString()).join('');
}

/** Subject and end of validity (milliseconds since the Unix epoch). */
export function describeCertificate(der: Buffer): { readonly subject: string; readonly expiresAt: number } {
  const { subject, validTo } = reading('the signing certificate', () => new X509Certificate(der));
  return { subject: subject.replaceAll('\n', ', '), expiresAt: Date.parse(validTo) };
}

function wayUp(start: Link, roots: readonly Link[], pool: readonly Link[], at: Date): Link[] | null {
  let steps = 0;
  const climb = (path: readonly Link[]): Link[] | null => {
    const last = path.at(-1)!;
    for (const issuer of [...roots, ...pool]) {
      if (path.some(({ x509 }) => x509.fingerprint256 === issuer.x509.fingerprint256)) continue;
      if (!last.x509.checkIssued(issuer.x509)) continue;
      steps += 1;
      need(steps <= MAX_STEPS, 'the certificates of the token point in circles');
      if (!issuer.x509.ca || !isValidAt(issuer, at) || !hasSigned(issuer, last)) continue;
      const longer = [...path, issuer];
      if (roots.includes(issuer)) return longer;
      const found = longer.length < MAX_LENGTH ? climb(longer) : null;
      if (found !== null) return found;
    }
    return null;
  };
  return climb([start]);
}

function hasSigned(issuer: Link, subject: Link): boolean {
  try {
    return subject.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

function isValidAt({ x509 }: Link, at: Date): boolean {
  return Date.parse(x509.validFrom) <= at.getTime() && at.getTime() <= Date.parse(x509.validTo);
}

function link(der: Buffer): Link {
  return { der, x509: new X509Certificate(der) };
}

/** What is no certificate cannot be on the way; it does not spoil the others. */
function linkOrNone(der: Buffer): Link[] {
  try {
    return [link(der)];
  } catch {
    return [];
  }
}
