import { hash } from 'node:crypto';
import { AffiantError } from '#errors';
import { checkSignedAttributes, checkSigningCertificate } from './attributes.js';
import { chainToRoot, describeCertificate } from './chain.js';
import { checkEncoding } from './encoding.js';
import { need, reading } from './failure.js';
import { HASHES } from './oids.js';
import type { VerifiedStamp } from './port.js';
import { readResponse, type StampToken } from './token.js';

export interface StampToVerify {
  /** DER TimeStampResp, as the authority sent it. */
  readonly response: Uint8Array;
  /** The bytes that were stamped. */
  readonly data: Uint8Array;
  /** DER of the certificates that are trusted; a chain that ends elsewhere is refused, whatever the answer brings along. */
  readonly roots: readonly Buffer[];
  /** Of the request, where the answer to it is judged; a stored stamp is judged without. */
  readonly nonce?: Buffer;
}

/**
 * Checks a time stamp in full (RFC 3161, RFC 5816): granted; imprint of `data` by SHA-2; nonce; exactly one signature, over the stamp and its signing
 * certificate; one spelling of what no signature covers; a certificate for time stamps only; a chain to a pinned root, all valid when it was stamped. The time itself is the authority's word.
 * @throws AffiantError timestamp_invalid; timestamp_unavailable when the answer is a refusal
 */
export async function verifyStamp({ response, data, roots, nonce }: StampToVerify): Promise<VerifiedStamp> {
  const token = readResponse(response);
  const { info, signer, certificates } = token;
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  const algorithm = HASHES[hashAlgorithm.algorithmId];
  need(algorithm !== undefined, 'the imprint is not SHA-2');
  need(hash(algorithm, data, 'buffer').equals(hashedMessage.valueBlock.valueHexView), 'the stamp is over other bytes');
  if (nonce !== undefined)
    need(info.nonce !== undefined && nonce.equals(info.nonce.valueBlock.valueHexView), 'the answer is not to this request (nonce)');
  reading('the signature', () => {
    checkSignedAttributes(token.signedData.signerInfos[0]!, signer.der);
    checkSigningCertificate(signer.certificate);
  });
  need(await isSigned(token, data), 'the signature does not verify');
  checkEncoding(response, signer.der);
  const chain = await chainOf(signer.der, certificates, roots, info.genTime);
  const { subject, expiresAt } = describeCertificate(signer.der);
  return {
    genTime: info.genTime.getTime(),
    serial: Buffer.from(info.serialNumber.valueBlock.valueHexView).toString('hex'),
    policy: info.policy,
    hash: algorithm,
    authority: subject,
    expiresAt,
    chain,
  };
}

/** By the certificate we have picked, and no other that the token may bring. */
async function isSigned({ signedData, signer }: StampToken, data: Uint8Array): Promise<boolean> {
  signedData.certificates = [signer.certificate];
  try {
    return await signedData.verify({ signer: 0, data: new Uint8Array(data).buffer });
  } catch (cause) {
    throw new AffiantError('timestamp_invalid', 'the signature does not verify', { cause });
  }
}

async function chainOf(signer: Buffer, others: readonly Buffer[], roots: readonly Buffer[], at: Date): Promise<Buffer[]> {
  try {
    return await chainToRoot(signer, others, roots, at);
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    throw new AffiantError('timestamp_invalid', 'the certificate chain does not verify', { cause });
  }
}
