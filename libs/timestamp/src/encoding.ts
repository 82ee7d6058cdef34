import { constants, verify, X509Certificate } from 'node:crypto';
import { need } from './failure.js';

/** One value of the answer: its tag, where it begins, where its content begins and where it ends. */
interface Value {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

const MAX_DEPTH = 40;
const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const OCTETS = 0x04;
const NULL = '0500';
const RSASSA_PSS = '06092a864886f70d01010a';
const MGF1 = '06092a864886f70d010108';

/**
 * What a signature does not cover has one spelling only, so that no bit of a kept stamp can be changed unseen: DER throughout, the versions of
 * RFC 5652, the digest algorithm named once, the issuer byte for byte as in the certificate. And the signature once more, by OpenSSL, which takes one
 * spelling of it only. `signer`: DER of the signing certificate. @throws AffiantError timestamp_invalid
 */
export function checkEncoding(response: Uint8Array, signer: Buffer): void {
  const bytes = Buffer.from(response);
  const [whole] = valuesIn(bytes, 0, bytes.length, 0);
  const [, token] = children(bytes, whole);
  const [, explicit] = children(bytes, token);
  const [signedData] = children(bytes, explicit);
  const [version, digests, , ...rest] = children(bytes, signedData);
  const [info] = children(bytes, rest.at(-1));
  const [signerVersion, sid, digest, attributes, algorithm, signature] = children(bytes, info);
  need(isInteger(bytes, version, 3) && isInteger(bytes, signerVersion, 1), 'the token is of another version than RFC 3161 asks for');
  const [named, ...others] = children(bytes, digests);
  need(digests?.tag === SET && others.length === 0 && spelled(bytes, named).equals(spelled(bytes, digest)), 'the digest is named twice');
  const [digestOid] = plain(bytes, digest, 'the digest has parameters');
  const [issuer] = children(bytes, sid);
  need(spelled(bytes, issuer).equals(issuerOf(signer)), 'the signature names the issuer in other words than the certificate');
  need(attributes?.tag === 0xa0 && signature?.tag === OCTETS && algorithm?.tag === SEQUENCE, 'the signature is malformed');
  const signed = Buffer.concat([Buffer.of(SET), bytes.subarray(attributes.start + 1, attributes.end)]);
  const salt = saltOf(bytes, algorithm, digestOid);
  const name = digestName(digestOid);
  need(verifies(signed, bytes.subarray(signature.content, signature.end), signer, name, salt), 'the signature does not verify');
}

function verifies(signed: Buffer, signature: Buffer, signer: Buffer, digest: string, salt: number | null): boolean {
  try {
    const key = new X509Certificate(signer).publicKey;
    return verify(digest, signed, salt === null ? key : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt }, signature);
  } catch {
    return false;
  }
}

/** The identifier of an algorithm that has no parameters, or NULL for them; with its spelling. */
function plain(bytes: Buffer, algorithm: Value | undefined, otherwise: string): [oid: string, parameters: string] {
  const [oid, parameters, ...more] = children(bytes, algorithm);
  const spelling = parameters === undefined ? '' : spelled(bytes, parameters).toString('hex');
  need((spelling === '' || spelling === NULL) && more.length === 0, otherwise);
  return [spelled(bytes, oid).toString('hex'), spelling];
}

/**
 * Length of the salt of RSASSA-PSS, whose parameters (RFC 4055) must name the digest twice and nothing but it and the salt; null for other signatures, which
 * have none. No signature covers them, and OpenSSL does not look at all of them.
 */
function saltOf(bytes: Buffer, algorithm: Value, digestOid: string): number | null {
  const [scheme, parameters, ...more] = children(bytes, algorithm);
  if (spelled(bytes, scheme).toString('hex') !== RSASSA_PSS) {
    plain(bytes, algorithm, 'the signature has parameters');
    return null;
  }
  const odd = 'the parameters of the signature are not those of RSASSA-PSS with the digest of the stamp';
  const [hash, mask, salt, ...others] = children(bytes, parameters);
  need(more.length + others.length === 0 && hash?.tag === 0xa0 && mask?.tag === 0xa1 && salt?.tag === 0xa2, odd);
  const [generator, maskDigest, ...rest] = children(bytes, children(bytes, mask)[0]);
  const [length, ...after] = children(bytes, salt);
  need(spelled(bytes, generator).toString('hex') === MGF1 && rest.length + after.length === 0, odd);
  for (const one of [children(bytes, hash)[0], maskDigest]) need(plain(bytes, one, odd)[0] === digestOid, odd);
  need(length?.tag === INTEGER && length.end - length.content === 1, odd);
  return bytes[length.content]!;
}

const DIGESTS: Readonly<Record<string, string>> = { '01': 'sha256', '02': 'sha384', '03': 'sha512' };

/** Of the SHA-2 family, which shares all but the last byte of its identifiers (RFC 5754). */
function digestName(hex: string): string {
  const name = hex.startsWith('0609608648016503040') ? DIGESTS[hex.slice(-2)] : undefined;
  need(name !== undefined, 'the signature is over a digest that is not SHA-2');
  return name;
}

/** Certificate ::= SEQUENCE { tbs SEQUENCE { [0] version OPTIONAL, serial, algorithm, issuer, … } … } */
function issuerOf(der: Buffer): Buffer {
  const [whole] = valuesIn(der, 0, der.length, 0);
  const [tbs] = children(der, whole);
  const fields = children(der, tbs);
  return spelled(der, fields[fields[0]?.tag === 0xa0 ? 3 : 2]);
}

function isInteger(bytes: Buffer, value: Value | undefined, wanted: number): boolean {
  return value?.tag === INTEGER && value.end - value.content === 1 && bytes[value.content] === wanted;
}

function spelled(bytes: Buffer, value: Value | undefined): Buffer {
  need(value !== undefined, 'the answer is malformed');
  return bytes.subarray(value.start, value.end);
}

function children(bytes: Buffer, parent: Value | undefined): Value[] {
  need(parent !== undefined && (parent.tag & 0x20) !== 0, 'the answer is malformed');
  return valuesIn(bytes, parent.content, parent.end, MAX_DEPTH);
}

/** Values that fill a range exactly, each with a length in its shortest form; everything inside too, while `depth` is below the bound. */
function valuesIn(bytes: Buffer, from: number, to: number, depth: number): Value[] {
  const values: Value[] = [];
  for (let start = from; start < to;) {
    const [tag, first] = [bytes[start]!, bytes[start + 1] ?? 0x80];
    const more = first < 0x80 ? 0 : first & 0x7f;
    need((tag & 0x1f) !== 0x1f && first !== 0x80 && more <= 3 && start + 2 + more <= to, 'the answer is not DER');
    const length = more === 0 ? first : bytes.readUIntBE(start + 2, more);
    need(more === 0 || length >= (more === 1 ? 0x80 : 0x100 ** (more - 1)), 'the answer is not DER');
    const content = start + 2 + more;
    const end = content + length;
    need(end <= to, 'the answer is not DER');
    if ((tag & 0x20) !== 0 && depth < MAX_DEPTH) valuesIn(bytes, content, end, depth + 1);
    need(tag !== SEQUENCE - 0x20 && tag !== SET - 0x20, 'the answer is not DER');
    values.push({ tag, start, content, end });
    start = end;
  }
  return values;
}
