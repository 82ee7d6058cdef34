import type { Body, BodySegment, Envelope, Request, Response } from '#events';
import { actorOf, agentOf, endpointOf } from './actor.js';
import { list, millis, text } from './bounds.js';
import { OTHER, SEVERITY } from './classes.js';
import type { Facts } from './facts.js';
import type { OcsfObject } from './ocsf-event.js';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);
const ROLES = { user: { ai_role_id: 1, ai_role: 'User' }, assistant: { ai_role_id: 2, ai_role: 'Assistant' } } as const;

export function requestFacts(event: Request): Facts {
  const { envelope, operation, method, path, model, body } = event;
  const ai = aiFields(envelope, model, 'user', {});
  return {
    ...exchange('request', 'Request'),
    status: 'success',
    message: `${who(envelope)} asked ${envelope.connection ?? 'the gateway'} for ${operation}`,
    profiles: ai.profiles,
    fields: {
      ...common(envelope, event.client_address, operation),
      ...ai.fields,
      http_request: {
        http_method: METHODS.has(method) ? method : undefined,
        url: { path: text(path) ?? '/' },
        user_agent: text(event.user_agent),
        body_length: body.original_length,
      },
    },
    unmapped: {
      protocol: event.protocol,
      method,
      stream: event.stream,
      tools: list(event.tools.map((name) => text(name, 128))),
      tools_count: event.tools.length,
      correlation: list(event.correlation.map(({ name, value }) => ({ name: text(name, 64), value: text(value, 256) }))),
      joins_exchange: text(event.joins_exchange),
      body: bodyFacts(body),
    },
  };
}

export function responseFacts(event: Response): Facts {
  const { envelope, outcome, status, body, input_tokens, output_tokens } = event;
  const completed = outcome === 'completed';
  const ai = aiFields(envelope, event.model, 'assistant', {
    prompt_tokens: input_tokens ?? undefined,
    completion_tokens: output_tokens ?? undefined,
    total_tokens: input_tokens === null && output_tokens === null ? undefined : (input_tokens ?? 0) + (output_tokens ?? 0),
  });
  return {
    ...exchange('response', 'Response'),
    severity: completed ? SEVERITY.informational : SEVERITY.low,
    status: completed ? 'success' : 'failure',
    statusCode: event.error_code ?? outcome,
    statusDetail: text(event.error_message),
    message: `the exchange of ${who(envelope)} over ${envelope.connection ?? 'the gateway'} ended: ${outcome}`,
    profiles: ai.profiles,
    fields: {
      ...common(envelope, null, 'response', {
        code: status === 0 ? undefined : status,
        message: outcome,
        error: text(event.error_code),
        error_message: text(event.error_message),
      }),
      ...ai.fields,
      http_response:
        status === 0
          ? undefined
          : {
              code: status,
              body_length: body.masked_length,
              latency: event.first_byte_us === null ? undefined : millis(event.first_byte_us),
            },
    },
    unmapped: {
      outcome,
      upstream_status: event.upstream_status ?? undefined,
      upstream_request_id: text(event.upstream_request_id),
      stop_reason: text(event.stop_reason),
      cache_read_tokens: event.cache_read_tokens ?? undefined,
      cache_creation_tokens: event.cache_creation_tokens ?? undefined,
      tool_calls: list(event.tool_calls.map((name) => text(name, 128))),
      tool_calls_count: event.tool_calls.length,
      first_byte_us: event.first_byte_us ?? undefined,
      duration_us: event.duration_us,
      body: bodyFacts(body),
    },
  };
}

/** A segment carries content ahead of the event that cites it; here it only keeps the sequence of the source whole. */
export function segmentFacts({ envelope, direction, segments }: BodySegment): Facts {
  return {
    ...exchange('segment', 'Body segment'),
    status: 'success',
    message: `${segments.length} body segments of a ${direction}`,
    fields: common(envelope, null, 'segment'),
    unmapped: {
      direction,
      segments_count: segments.length,
      bytes: segments.reduce((sum, { bytes_length }) => sum + bytes_length, 0),
    },
  };
}

const exchange = (
  eventCode: string,
  activityName: string,
): Pick<Facts, 'class' | 'activity' | 'activityName' | 'severity' | 'eventCode'> => ({
  class: 'api',
  activity: OTHER,
  activityName,
  severity: SEVERITY.informational,
  eventCode,
});

/** Attributes that every API Activity event has. */
export function common(envelope: Envelope, address: string | null, operation: string, response?: OcsfObject): OcsfObject {
  const service = { name: envelope.connection ?? 'affiant' };
  return {
    actor: actorOf(envelope),
    src_endpoint: endpointOf(address),
    dst_endpoint: { svc_name: service.name },
    api: { operation, service, request: { uid: envelope.exchange_id ?? envelope.event_id }, response },
  };
}

export const who = ({ principal }: Envelope): string => text(principal?.subject ?? null, 128) ?? 'somebody unknown';

/** The ai_operation profile; nothing when no model and no agent is in the event. An event does not name the vendor, so the connection stands for it. */
function aiFields(
  { connection, principal, session_id }: Envelope,
  model: string | null,
  role: keyof typeof ROLES,
  tokens: OcsfObject,
): { readonly profiles: readonly string[]; readonly fields: OcsfObject } {
  const provider = connection ?? 'unknown';
  const agent = agentOf(principal);
  const name = text(model, 256);
  if (name === undefined && agent === undefined) return { profiles: [], fields: {} };
  const ai_model = name === undefined ? undefined : { name, ai_provider: provider };
  return {
    profiles: ['ai_operation'],
    fields: {
      ...(agent === undefined ? { ai_model } : { ai_agent: { ...agent, ai_model } }),
      message_context: { uid: text(session_id), service: { name: provider }, ...ROLES[role], ...tokens },
    },
  };
}

/** Of a body only lengths, digests of it, and what was masked how often. Never its text. */
function bodyFacts({ segments, original_digest, original_length, masked_length, complete, masks }: Body): OcsfObject {
  return {
    original_length,
    masked_length,
    original_digest: text(original_digest),
    complete,
    segments_count: segments.length,
    masks: list(masks.map(({ entity, rule, policy, count }) => ({ entity, rule, policy, count }))),
  };
}
