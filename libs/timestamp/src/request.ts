import { hash, randomBytes } from 'node:crypto';
import { Integer, Null, OctetString } from 'asn1js';
import { AlgorithmIdentifier, MessageImprint, TimeStampReq } from 'pkijs';
import { oidOf } from './oids.js';
import type { StampHash } from './port.js';

export interface StampRequest {
  /** DER TimeStampReq. */
  readonly der: Buffer;
  /** What the answer must repeat: 16 bytes, a positive number in its shortest form. */
  readonly nonce: Buffer;
}

/** A request for a stamp over `data`, which is not sent, only its digest. The answer must bring the signing certificate. */
export function stampRequest(data: Uint8Array, algorithm: StampHash = 'sha256'): StampRequest {
  const nonce = randomBytes(16);
  // Shortest form of a positive number: the first byte is neither 0 nor 0x80 and above.
  nonce[0] = (nonce[0]! & 0x7f) | 0x40;
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: oidOf(algorithm), algorithmParams: new Null() }),
      hashedMessage: new OctetString({ valueHex: arrayBuffer(hash(algorithm, data, 'buffer')) }),
    }),
    nonce: new Integer({ valueHex: arrayBuffer(nonce) }),
    certReq: true,
  });
  return { der: Buffer.from(request.toSchema().toBER()), nonce };
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
