import type { Control } from '#events';
import { actorOf, endpointOf, principalFacts, userOf } from './actor.js';
import { list, text } from './bounds.js';
import { OTHER, SEVERITY, type ClassName, type Severity } from './classes.js';
import { common, who } from './exchange.js';
import type { Facts } from './facts.js';
import type { OcsfObject } from './ocsf-event.js';

const MAX_QUERY = 4_096;

interface Kind {
  readonly class: ClassName;
  readonly activity: number;
  readonly severity?: Severity;
  /** When its outcome is a failure. */
  readonly failed?: Severity;
  /** Entity type, for the entity class. */
  readonly entity?: string;
  readonly profiles?: readonly string[];
  readonly fields?: OcsfObject;
}

const DENIED: OcsfObject = { action_id: 2, action: 'Denied', disposition_id: 26, disposition: 'Unauthorized', is_alert: false };

/** Kinds with a class, an activity or a severity of their own; every other kind is an Application Lifecycle event with the kind as activity. */
const KINDS: Readonly<Record<string, Kind>> = {
  'ledger.queried': { class: 'datastore', activity: 4 },
  'events.tailed': { class: 'datastore', activity: 1 },
  'session.replayed': { class: 'api', activity: 2 },
  'unseal.opened': { class: 'api', activity: 2, severity: SEVERITY.medium },
  'unseal.refused': { class: 'api', activity: 2, severity: SEVERITY.medium, profiles: ['security_control'], fields: DENIED },
  'approval.viewed': { class: 'api', activity: 2 },
  'packet.created': { class: 'api', activity: 1 },
  'packet.downloaded': { class: 'api', activity: 2 },
  'approval.refused': { class: 'api', activity: 3, severity: SEVERITY.medium, profiles: ['security_control'], fields: DENIED },
  'path.refused': { class: 'api', activity: OTHER, severity: SEVERITY.low, profiles: ['security_control'], fields: DENIED },
  'value.leaked': { class: 'api', activity: OTHER, severity: SEVERITY.high },
  'value.restored': { class: 'api', activity: 2, severity: SEVERITY.low },
  'identity.refused': { class: 'authentication', activity: 1, severity: SEVERITY.low },
  'policy.published': { class: 'entity', activity: 3, severity: SEVERITY.low, entity: 'Policy' },
  'connection.registered': { class: 'entity', activity: 10, entity: 'Connection' },
  'key.created': { class: 'entity', activity: 1, severity: SEVERITY.low, entity: 'Key' },
  'key.rotated': { class: 'entity', activity: 1, severity: SEVERITY.medium, entity: 'Key' },
  'key.retired': { class: 'entity', activity: 11, severity: SEVERITY.medium, entity: 'Key' },
  'hold.placed': { class: 'entity', activity: 1, severity: SEVERITY.low, entity: 'Hold' },
  'hold.released': { class: 'entity', activity: 11, severity: SEVERITY.medium, entity: 'Hold' },
  'erasure.done': { class: 'entity', activity: 4, severity: SEVERITY.medium, entity: 'Content' },
  'retention.dropped': { class: 'entity', activity: 4, severity: SEVERITY.medium, entity: 'Records' },
  'config.rejected': { class: 'entity', activity: 3, severity: SEVERITY.medium, entity: 'Configuration' },
  'mode.changed': { class: 'entity', activity: 3, severity: SEVERITY.medium, entity: 'Mode' },
  'epoch.opened': { class: 'lifecycle', activity: 3 },
  'epoch.closed': { class: 'lifecycle', activity: 4, failed: SEVERITY.medium },
  'exchange.aborted': { class: 'lifecycle', activity: OTHER, failed: SEVERITY.medium },
  'checkpoint.halted': { class: 'error', activity: 1, severity: SEVERITY.critical },
};

export function controlFacts(event: Control): Facts {
  const { envelope, kind, outcome, subject } = event;
  const chosen: Kind = KINDS[kind] ?? { class: 'lifecycle', activity: lifecycleActivity(kind) };
  const attributes = new Map(event.attributes.map(({ name, value }) => [name, value]));
  return {
    class: chosen.class,
    activity: chosen.activity,
    activityName: chosen.activity === OTHER ? kind : undefined,
    severity: (outcome === 'success' ? undefined : chosen.failed) ?? chosen.severity ?? SEVERITY.informational,
    status: outcome === 'success' ? 'success' : 'failure',
    statusCode: attributes.get('code') ?? attributes.get('status'),
    statusDetail: text(attributes.get('reason') ?? null),
    message: envelope.principal === null ? `${kind}: ${outcome}` : `${kind} by ${who(envelope)}: ${outcome}`,
    eventCode: `control.${kind}`,
    profiles: chosen.profiles,
    fields: { ...classFields(chosen, event, attributes), ...chosen.fields },
    unmapped: {
      kind,
      subject: text(subject),
      attributes: list(event.attributes.map(({ name, value }) => ({ name: text(name, 128), value: text(value, 512) }))),
      detail_length: event.detail?.length,
      principal: principalFacts(envelope.principal),
    },
  };
}

function classFields(chosen: Kind, event: Control, attributes: ReadonlyMap<string, string>): OcsfObject {
  const { envelope, kind, subject } = event;
  const remote = attributes.get('remote');
  switch (chosen.class) {
    case 'api':
      return {
        ...common(envelope, remote ?? null, kind),
        resources: subject === null ? undefined : [{ uid: text(subject) ?? 'unknown', type: kind.slice(0, kind.indexOf('.')) }],
      };
    case 'datastore':
      return {
        actor: actorOf(envelope),
        src_endpoint: endpointOf(remote),
        database: { name: kind === 'ledger.queried' ? 'ledger' : 'event log', type_id: 99, type: 'Affiant' },
        query_info: queryOf(event, attributes),
      };
    case 'entity':
      return { actor: actorOf(envelope), entity: entityOf(chosen.entity ?? 'Other', event, attributes) };
    case 'authentication':
      return {
        user: envelope.principal === null ? { name: 'unverified' } : userOf(envelope.principal),
        src_endpoint: endpointOf(remote),
        service: { name: 'affiant' },
      };
    case 'lifecycle':
      return { app: { name: 'affiant', uid: envelope.source_id, version: envelope.build } };
    default:
      return {};
  }
}

/** The query as the trail has it: masked. */
function queryOf({ envelope, subject, detail }: Control, attributes: ReadonlyMap<string, string>): OcsfObject | undefined {
  const query_string = text(detail, MAX_QUERY);
  if (query_string === undefined) return undefined;
  return { uid: text(subject) ?? envelope.event_id, query_string, bytes: wholeNumber(attributes.get('bytes')) };
}

function entityOf(type: string, { subject, kind }: Control, attributes: ReadonlyMap<string, string>): OcsfObject {
  const name = text(attributes.get('name') ?? null, 256) ?? text(subject, 256) ?? (kind === '' ? 'unknown' : kind);
  return {
    ...(type === 'Policy' ? { type_id: 5 } : { type_id: 99 }),
    type,
    name,
    uid: text(subject, 256),
    version: text(attributes.get('version') ?? null, 128),
  };
}

function lifecycleActivity(kind: string): number {
  if (kind.endsWith('.started')) return 3;
  return kind.endsWith('.stopped') ? 4 : OTHER;
}

function wholeNumber(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}
