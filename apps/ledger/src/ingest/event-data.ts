import type { Body, DecodedEvent, Response, Segment } from '#events';

/** Column `data` and the segments of a row. */
export interface EventData {
  /** Fields of the event beside the envelope, in the names of its schema; bodies as a summary, bytes as lower hex. */
  readonly data: object;
  readonly segments: readonly Segment[];
}

const NONE: readonly Segment[] = [];

/**
 * Splits an event into what queries read as fields and what is body content.
 * Fields are listed one by one: several times as fast as copying the rest of an object, and the order in the text stays put.
 */
export function eventData(decoded: DecodedEvent): EventData {
  switch (decoded.type) {
    case 'request': {
      const { protocol, operation, method, path, model, stream, tools, user_agent, client_address, correlation, joins_exchange, body } =
        decoded.event;
      const data = { protocol, operation, method, path, model, stream, tools, user_agent, client_address, correlation, joins_exchange };
      return { data: { ...data, body: summary(body) }, segments: body.segments };
    }
    case 'response':
      return { data: responseData(decoded.event), segments: decoded.event.body.segments };
    case 'segment':
      return { data: { direction: decoded.event.direction }, segments: decoded.event.segments };
    case 'decision':
    case 'control': {
      const { envelope: _, ...fields } = decoded.event;
      return { data: fields, segments: NONE };
    }
    case 'checkpoint': {
      const { envelope: _, root_hash, ...fields } = decoded.event;
      return { data: { ...fields, root_hash: root_hash.toString('hex') }, segments: NONE };
    }
    case 'dead_letter': {
      // The payload stays in the raw bytes: it may be anything, and it may be large.
      const { envelope: _, payload, ...fields } = decoded.event;
      return { data: { ...fields, payload_length: payload.length }, segments: NONE };
    }
  }
}

function responseData(event: Response): object {
  return {
    outcome: event.outcome,
    status: event.status,
    upstream_status: event.upstream_status,
    upstream_request_id: event.upstream_request_id,
    model: event.model,
    stop_reason: event.stop_reason,
    input_tokens: event.input_tokens,
    output_tokens: event.output_tokens,
    cache_read_tokens: event.cache_read_tokens,
    cache_creation_tokens: event.cache_creation_tokens,
    tool_calls: event.tool_calls,
    first_byte_us: event.first_byte_us,
    duration_us: event.duration_us,
    timeline: event.timeline,
    error_code: event.error_code,
    error_message: event.error_message,
    body: summary(event.body),
  };
}

function summary({ original_digest, original_length, masked_length, complete, masks, sealed_originals }: Body): object {
  const of = { original_digest, original_length, masked_length, complete, masks };
  // The sealed bytes stay in the raw ones.
  return sealed_originals === null ? of : { ...of, sealed_originals: { key_id: sealed_originals.key_id, values: sealed_originals.values } };
}
