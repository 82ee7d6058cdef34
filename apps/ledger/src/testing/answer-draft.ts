import type { EventDraft } from '#events';

/** A masked answer of about 1 kB, the mean of the research's figures. */
export function answerDraft(): EventDraft {
  const inline = Buffer.from(JSON.stringify({ role: 'assistant', content: [{ type: 'text', text: 'A masked answer. '.repeat(40) }] }));
  const segment = { sha256: Buffer.alloc(32, 7), bytes_length: inline.length, media_type: 'application/json', inline };
  const masks = [{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 2 }];
  const body = {
    segments: [segment],
    original_digest: 'ab'.repeat(32),
    original_length: 800,
    masked_length: 790,
    complete: true,
    masks,
    content_key: null,
    sealed_originals: null,
  };
  const principal = {
    issuer: 'https://idp.example.com',
    subject: 'developer@example.com',
    kind: 'user',
    groups: ['engineering'],
    actor: null,
    token_digest: 'cd'.repeat(32),
    token_expires_at: 1_790_000_000_000_000,
    authenticated_by: 'mfa',
  };
  const context = { session_id: 'session-1', exchange_id: '01990000-0000-7000-8000-000000000000', connection: 'claude', principal };
  const counts = {
    input_tokens: 100,
    output_tokens: 200,
    cache_read_tokens: 0,
    cache_creation_tokens: 0,
    first_byte_us: 1,
    duration_us: 2,
  };
  const names = {
    upstream_request_id: 'req_1',
    model: 'claude-sonnet-4-5',
    stop_reason: 'end_turn',
    error_code: null,
    error_message: null,
  };
  const event = { outcome: 'completed', status: 200, upstream_status: 200, tool_calls: [], timeline: [], body, ...counts, ...names };
  return { context, type: 'response', event };
}
