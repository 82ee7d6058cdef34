import { createHash } from 'node:crypto';
import { ObjectIdentifier, OctetString, Sequence, type BaseBlock } from 'asn1js';
import { ExtKeyUsage, type Attribute, type Certificate, type SignerInfo } from 'pkijs';
import { need } from './failure.js';
import { HASHES, OID } from './oids.js';

/**
 * What a time stamp's signature must cover beside the stamp (RFC 3161 §2.4.2, RFC 5816): its content type, its digest, and the digest of the
 * signing certificate, so that another certificate over the same key cannot be put in its place.
 */
export function checkSignedAttributes({ signedAttrs, digestAlgorithm }: SignerInfo, signer: Buffer): void {
  need(HASHES[digestAlgorithm.algorithmId] !== undefined, 'the signature is over a digest that is not SHA-2');
  need(signedAttrs !== undefined, 'the signature covers no attributes');
  const { attributes } = signedAttrs;
  const type = single(attributes, OID.contentType);
  need(type instanceof ObjectIdentifier && type.valueBlock.toString() === OID.tstInfo, 'the signature is over another type of content');
  single(attributes, OID.messageDigest);
  const second = attributes.some((attribute) => attribute.type === OID.signingCertificateV2);
  const cited = single(attributes, second ? OID.signingCertificateV2 : OID.signingCertificate);
  const { algorithm, digest } = firstCertificateId(cited, second ? 'sha256' : 'sha1');
  need(createHash(algorithm).update(signer).digest().equals(digest), 'the signature names another signing certificate');
}

/** The certificate may do nothing but time stamps, and says so critically (RFC 3161 §2.3). */
export function checkSigningCertificate({ extensions = [] }: Certificate): void {
  const usages = extensions.filter(({ extnID }) => extnID === OID.extendedKeyUsage);
  const [usage] = usages;
  need(usages.length === 1 && usage !== undefined, 'the signing certificate is not for time stamps');
  need(usage.critical, "the signing certificate's extended key usage is not critical");
  const purposes = usage.parsedValue instanceof ExtKeyUsage ? usage.parsedValue.keyPurposes : [];
  need(purposes.length === 1 && purposes[0] === OID.timeStamping, 'the signing certificate is not for time stamps alone');
}

/** SigningCertificate(V2): SEQUENCE { certs SEQUENCE OF ESSCertID(v2), … }; the first id is the signing certificate's. */
function firstCertificateId(value: BaseBlock, algorithm: string): { readonly algorithm: string; readonly digest: Buffer } {
  const first = childrenOf(childrenOf(childrenOf(value)[0])[0]);
  const [head, next] = first;
  if (head instanceof OctetString) return { algorithm, digest: Buffer.from(head.valueBlock.valueHexView) };
  const [oid] = childrenOf(head);
  const named = oid instanceof ObjectIdentifier ? HASHES[oid.valueBlock.toString()] : undefined;
  need(named !== undefined && next instanceof OctetString, 'the reference to the signing certificate is malformed');
  return { algorithm: named, digest: Buffer.from(next.valueBlock.valueHexView) };
}

function childrenOf(block: BaseBlock | undefined): BaseBlock[] {
  need(block instanceof Sequence, 'the reference to the signing certificate is malformed');
  return block.valueBlock.value;
}

/** The one value of an attribute that must be there once. */
function single(attributes: readonly Attribute[], type: string): BaseBlock {
  const found = attributes.filter((attribute) => attribute.type === type);
  const [value] = found[0]?.values ?? [];
  need(
    found.length === 1 && found[0]!.values.length === 1 && value !== undefined,
    `the signed attribute ${type} is not there exactly once`,
  );
  return value as BaseBlock;
}
