import { SYSTEM_CONTEXT, type Body, type EventDraft } from '#events';

const EMPTY: Body = {
  segments: [],
  original_digest: null,
  original_length: 0,
  masked_length: 0,
  complete: true,
  masks: [],
  content_key: null,
  sealed_originals: null,
};

const bodyOf = (bytes: number): Body => ({
  ...EMPTY,
  segments: [{ sha256: Buffer.alloc(32, 1), bytes_length: bytes, media_type: 'application/json', inline: Buffer.alloc(bytes, 120) }],
  original_length: bytes,
  masked_length: bytes,
});

const contextOf = (exchange_id: string): EventDraft['context'] => ({
  session_id: 'session',
  exchange_id,
  connection: 'claude',
  principal: {
    issuer: 'https://idp.example',
    subject: 'alice',
    kind: 'user',
    groups: ['engineering'],
    actor: null,
    token_digest: 'ab',
    token_expires_at: null,
    authenticated_by: null,
  },
});

/** Drafts for tests: as small, or as large, as asked. */
export const requestDraft = (exchange_id: string, bytes = 10): EventDraft => ({
  type: 'request',
  context: contextOf(exchange_id),
  event: {
    protocol: 'anthropic',
    operation: 'messages',
    method: 'POST',
    path: '/v1/messages',
    model: 'claude',
    stream: true,
    tools: [],
    user_agent: null,
    client_address: '127.0.0.1',
    correlation: [],
    joins_exchange: null,
    body: bodyOf(bytes),
  },
});

export const responseDraft = (exchange_id: string, bytes = 10): EventDraft => ({
  type: 'response',
  context: contextOf(exchange_id),
  event: {
    outcome: 'completed',
    status: 200,
    upstream_status: 200,
    upstream_request_id: null,
    model: 'claude',
    stop_reason: 'end_turn',
    input_tokens: 1,
    output_tokens: 1,
    cache_read_tokens: null,
    cache_creation_tokens: null,
    tool_calls: [],
    first_byte_us: 1,
    duration_us: 2,
    timeline: [],
    body: bodyOf(bytes),
    error_code: null,
    error_message: null,
  },
});

export const segmentDraft = (exchange_id: string, direction: 'request' | 'response', bytes: number): EventDraft => ({
  type: 'segment',
  context: contextOf(exchange_id),
  event: { direction, segments: bodyOf(bytes).segments, content_key: null },
});

export const controlDraft = (kind: string, detail: string | null = null): EventDraft => ({
  type: 'control',
  context: SYSTEM_CONTEXT,
  event: { kind, outcome: 'success', subject: null, attributes: [], detail },
});
