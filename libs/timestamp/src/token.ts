import { type BaseBlock, fromBER, Sequence } from 'asn1js';
import { Certificate, ContentInfo, IssuerAndSerialNumber, SignedData, TimeStampResp, TSTInfo } from 'pkijs';
import { AffiantError } from '#errors';
import { need, reading } from './failure.js';
import { OID } from './oids.js';

/** An answer has a few kB; with long chains a few tens. */
const MAX_BYTES = 256 * 1024;
const MAX_CERTIFICATES = 16;
const STATUS = ['granted', 'granted with modifications', 'rejection', 'waiting', 'revocation warning', 'revocation notification'];

/** The parts of an answer, none of them verified. */
export interface StampToken {
  readonly signedData: SignedData;
  readonly info: TSTInfo;
  /** DER of every certificate it brings. */
  readonly certificates: readonly Buffer[];
  /** The one that the signature names. */
  readonly signer: { readonly der: Buffer; readonly certificate: Certificate };
}

/**
 * Takes a DER TimeStampResp apart.
 * @throws AffiantError timestamp_unavailable when the authority refused, timestamp_invalid when it is malformed
 */
export function readResponse(bytes: Uint8Array): StampToken {
  need(bytes.length <= MAX_BYTES, 'the answer is too large');
  const response = reading('the answer', () => {
    const { offset } = fromBER(bytes);
    need(offset === bytes.length, 'the answer is not one DER value');
    return TimeStampResp.fromBER(bytes);
  });
  const { status, statusStrings } = response.status;
  // 1, granted with modifications, is a grant of something else than what was asked for.
  if (Number(status) !== 0) {
    const said = (statusStrings ?? []).map((text) => printable(text.valueBlock.value)).join(', ');
    throw new AffiantError(
      'timestamp_unavailable',
      `the authority answered ${STATUS[Number(status)] ?? 'with an unknown status'}${said === '' ? '' : `: ${said}`}`,
    );
  }
  const token = response.timeStampToken;
  need(token !== undefined, 'the answer is granted but has no token');
  return reading('the token', () => readToken(token));
}

function readToken(token: ContentInfo): StampToken {
  need(token.contentType === OID.signedData, 'the token is not signed data');
  const content = token.content as BaseBlock;
  const signedData = new SignedData({ schema: content });
  const { encapContentInfo, signerInfos } = signedData;
  need(encapContentInfo.eContentType === OID.tstInfo && encapContentInfo.eContent !== undefined, 'the token holds no time stamp');
  need(signerInfos.length === 1, 'the token does not have exactly one signature');
  const info = TSTInfo.fromBER(encapContentInfo.eContent.getValue());
  need(info.version === 1, 'the time stamp is of an unknown version');
  need(Number.isFinite(info.genTime.getTime()), 'the time of the stamp is malformed');
  const certificates = certificatesOf(content);
  const sid = signerInfos[0]!.sid as unknown;
  need(sid instanceof IssuerAndSerialNumber, 'the signature does not name its certificate by issuer and serial number');
  for (const der of certificates) {
    const certificate = Certificate.fromBER(der);
    if (certificate.issuer.isEqual(sid.issuer) && certificate.serialNumber.isEqual(sid.serialNumber))
      return { signedData, info, certificates, signer: { der, certificate } };
  }
  throw new AffiantError('timestamp_invalid', 'the token does not bring its signing certificate');
}

/** The certificates as they came: what has a digest or a signature must not be encoded anew. */
function certificatesOf(content: BaseBlock): Buffer[] {
  need(content instanceof Sequence, 'the token is malformed');
  const set = content.valueBlock.value.find(({ idBlock }) => idBlock.tagClass === 3 && idBlock.tagNumber === 0);
  const members = ((set?.valueBlock as { value?: BaseBlock[] } | undefined)?.value ?? []).filter((member) => member instanceof Sequence);
  need(members.length <= MAX_CERTIFICATES, 'the token brings too many certificates');
  return members.map(({ valueBeforeDecodeView }) => Buffer.from(valueBeforeDecodeView));
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
