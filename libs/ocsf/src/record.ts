import { payloadHash, type DecodedEvent } from '#events';
import { toOcsf } from './map-event.js';
import type { OcsfEvent } from './ocsf-event.js';

export { OCSF_VERSION } from './version.js';

/** Topic of the OCSF records; not one of the Avro topics, and no leaf of the ledger: its facts are. */
export const OCSF_TOPIC = 'affiant.ocsf.v1';

/** An OCSF event ready to be sent. */
export interface OcsfRecord {
  /** `metadata.uid`: the event id, the same however often the record is sent. */
  readonly uid: string;
  readonly sourceId: string;
  readonly seq: number;
  readonly event: OcsfEvent;
  /** One line of ASCII: what is not ASCII is escaped, so that no transport needs to know an encoding. */
  readonly json: string;
}

export function ocsfRecord(decoded: DecodedEvent, framed: Uint8Array, origin: string): OcsfRecord {
  const event = toOcsf({ decoded, payloadHash: payloadHash(framed), origin });
  const { event_id, source_id, seq } = decoded.event.envelope;
  return { uid: event_id, sourceId: source_id, seq, event, json: asciiJson(event) };
}

function asciiJson(value: object): string {
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
