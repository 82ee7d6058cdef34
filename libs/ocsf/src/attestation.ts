import type { Envelope } from '#events';
import type { OcsfObject } from './ocsf-event.js';

const SERIALIZATION = 'Confluent-framed Avro of the source event';

/**
 * The record_integrity profile with what the ledger attests: the chain of one source. The fingerprint is taken over the exact Avro bytes of the
 * event, not over this JSON, and says so (serialization 99, Other).
 */
export function attestationOf(envelope: Envelope, payloadHash: Buffer, origin: string): OcsfObject {
  const { source_id, seq, prev_hash } = envelope;
  return {
    uid: placeOf(source_id, seq),
    authority_uid: origin,
    chain_uid: `${origin}#${source_id}`,
    fingerprint: fingerprint(payloadHash),
    prev_event: seq <= 1 ? undefined : { uid: placeOf(source_id, seq - 1), fingerprint: fingerprint(prev_hash) },
  };
}

/** Place of an event in its source. An event does not know the id of the one before it, so the chain is linked by place and digest. */
const placeOf = (source: string, seq: number): string => `${source}:${seq}`;

function fingerprint(digest: Buffer): OcsfObject {
  return {
    algorithm: 'SHA-256',
    algorithm_id: 3,
    encoding: 'Hex',
    encoding_id: 1,
    serialization: SERIALIZATION,
    serialization_id: 99,
    value: digest.toString('hex'),
  };
}
