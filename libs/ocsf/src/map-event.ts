import { TOPICS, type DecodedEvent, type Envelope, type Topic } from '#events';
import { attestationOf } from './attestation.js';
import { millis, text } from './bounds.js';
import { CLASSES, OTHER, SEVERITY_CAPTIONS, type OcsfClass } from './classes.js';
import { controlFacts } from './control.js';
import { decisionFacts } from './decision.js';
import { requestFacts, responseFacts, segmentFacts } from './exchange.js';
import type { Facts, Status } from './facts.js';
import { checkpointFacts, deadLetterFacts } from './ledger.js';
import type { OcsfEvent, OcsfObject } from './ocsf-event.js';
import { OCSF_VERSION } from './version.js';

export interface OcsfInput {
  readonly decoded: DecodedEvent;
  /** SHA-256 over the exact framed bytes. */
  readonly payloadHash: Buffer;
  /** Name of the log that the ledger keeps; constant for its life. */
  readonly origin: string;
}

/**
 * The OCSF 1.9.0 event of an event. A pure function of the event's bytes and the origin: no clock, no place in a log. So a record that is sent
 * twice is the same to the byte, and `metadata.uid` tells a reader that it has it already.
 */
export function toOcsf({ decoded, payloadHash, origin }: OcsfInput): OcsfEvent {
  const { envelope } = decoded.event;
  const facts = factsOf(decoded);
  const { uid, name, category, activities }: OcsfClass = CLASSES[facts.class];
  const activity = activities[facts.activity] ?? 'Other';
  return {
    class_uid: uid,
    class_name: name,
    category_uid: category.uid,
    category_name: category.name,
    activity_id: facts.activity,
    activity_name: facts.activity === OTHER ? (facts.activityName ?? 'Other') : activity,
    type_uid: uid * 100 + facts.activity,
    type_name: `${name}: ${activity}`,
    severity_id: facts.severity,
    severity: SEVERITY_CAPTIONS[facts.severity],
    ...statusOf(facts.status),
    status_code: text(facts.statusCode ?? null, 128),
    status_detail: facts.statusDetail,
    time: millis(envelope.occurred_at),
    message: text(facts.message, 512),
    metadata: {
      uid: envelope.event_id,
      version: OCSF_VERSION,
      product: { name: 'Affiant', vendor_name: 'Affiant', version: envelope.build },
      profiles: [...(facts.profiles ?? []), 'record_integrity'],
      event_code: text(facts.eventCode, 128),
      sequence: envelope.seq,
      log_name: topicOf(decoded),
      log_provider: 'affiant',
      log_source: envelope.source_id,
      correlation_uid: text(envelope.exchange_id),
    },
    ...facts.fields,
    observables: observables(facts.fields),
    attestation_list: [attestationOf(envelope, payloadHash, origin)],
    unmapped: { affiant: { ...ledgerFacts(envelope, payloadHash, origin), ...facts.unmapped } },
  };
}

function factsOf({ type, event }: DecodedEvent): Facts {
  switch (type) {
    case 'request':
      return requestFacts(event);
    case 'response':
      return responseFacts(event);
    case 'segment':
      return segmentFacts(event);
    case 'decision':
      return decisionFacts(event);
    case 'control':
      return controlFacts(event);
    case 'checkpoint':
      return checkpointFacts(event);
    case 'dead_letter':
      return deadLetterFacts(event);
  }
}

function topicOf({ type, event }: DecodedEvent): Topic {
  if (type === 'segment') return event.direction === 'request' ? TOPICS.request : TOPICS.response;
  return type === 'dead_letter' ? TOPICS.deadLetter : TOPICS[type];
}

/** What the ledger commits to, under its own names: the OCSF attestation has no place for all of it. */
function ledgerFacts(envelope: Envelope, payloadHash: Buffer, origin: string): OcsfObject {
  const { source_id, boot_epoch, seq, prev_hash, occurred_at, clock_offset_us, session_id, exchange_id, connection } = envelope;
  return {
    ledger: {
      origin,
      source_id,
      boot_epoch,
      seq,
      payload_sha256: payloadHash.toString('hex'),
      prev_sha256: prev_hash.toString('hex'),
    },
    occurred_at_us: occurred_at,
    clock_offset_us,
    session_id: text(session_id),
    exchange_id: text(exchange_id),
    connection: text(connection),
  };
}

function statusOf(status: Status): OcsfObject {
  if (status === 'success') return { status_id: 1, status: 'Success' };
  return status === 'failure' ? { status_id: 2, status: 'Failure' } : { status_id: OTHER, status: status.other };
}

/** What an analyst pivots on. */
function observables(fields: OcsfObject): readonly OcsfObject[] | undefined {
  const found: OcsfObject[] = [];
  const actor = fields['actor'] as { user?: { name?: string }; session?: { uid?: string } } | undefined;
  const source = fields['src_endpoint'] as { ip?: string } | undefined;
  if (actor?.user?.name !== undefined) found.push({ name: 'actor.user.name', type_id: 4, type: 'User Name', value: actor.user.name });
  if (source?.ip !== undefined) found.push({ name: 'src_endpoint.ip', type_id: 2, type: 'IP Address', value: source.ip });
  if (actor?.session?.uid !== undefined)
    found.push({ name: 'actor.session.uid', type_id: 10, type: 'Resource UID', value: actor.session.uid });
  return found.length === 0 ? undefined : found;
}
