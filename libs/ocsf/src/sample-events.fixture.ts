import type { Body, Control, DecodedEvent, Decision, Envelope, Principal, Request, Response } from '#events';

const HASH = Buffer.alloc(32, 7);
export const SECRET_TEXT = 'masked prompt text that must not reach the SIEM';

export const PRINCIPAL: Principal = {
  issuer: 'https://idp.example.com',
  subject: 'alice',
  kind: 'user',
  groups: ['engineering'],
  actor: 'agent-7',
  token_digest: 'ab'.repeat(32),
  token_expires_at: 1_790_000_000_000_000,
  authenticated_by: null,
};

export function envelope(seq: number, change: Partial<Envelope> = {}): Envelope {
  return {
    event_id: `0199b3c0-0000-7000-8000-${String(seq).padStart(12, '0')}`,
    source_id: 'gateway',
    boot_epoch: 1,
    seq,
    prev_hash: seq === 1 ? Buffer.alloc(32) : HASH,
    occurred_at: 1_789_000_000_123_456,
    clock_offset_us: 0,
    build: '0.1.0',
    session_id: 'session-1',
    exchange_id: '0199b3c0-1111-7000-8000-000000000001',
    principal: PRINCIPAL,
    connection: 'claude',
    ...change,
  };
}

const SYSTEM = { session_id: null, exchange_id: null, principal: null, connection: null };

const BODY: Body = {
  segments: [{ sha256: HASH, bytes_length: SECRET_TEXT.length, media_type: 'application/json', inline: Buffer.from(SECRET_TEXT) }],
  original_digest: 'cd'.repeat(32),
  original_length: 500,
  masked_length: 480,
  complete: true,
  masks: [{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 2 }],
  content_key: null,
  sealed_originals: null,
};

export const REQUEST: Request = {
  envelope: envelope(1),
  protocol: 'anthropic',
  operation: 'messages',
  method: 'POST',
  path: '/v1/messages',
  model: 'claude-opus',
  stream: true,
  tools: ['run_sql'],
  user_agent: 'claude-cli/2',
  client_address: '203.0.113.9',
  correlation: [{ name: 'x-session', value: 'abc' }],
  joins_exchange: null,
  body: BODY,
};

export const RESPONSE: Response = {
  envelope: envelope(3),
  outcome: 'completed',
  status: 200,
  upstream_status: 200,
  upstream_request_id: 'req_1',
  model: 'claude-opus',
  stop_reason: 'end_turn',
  input_tokens: 12,
  output_tokens: 30,
  cache_read_tokens: 4,
  cache_creation_tokens: null,
  tool_calls: ['run_sql'],
  first_byte_us: 81_250,
  duration_us: 250_000,
  timeline: [{ at_us: 81_250, bytes: 480 }],
  body: BODY,
  error_code: null,
  error_message: null,
};

export const DECISION: Decision = {
  envelope: envelope(2),
  kind: 'verdict',
  phase: 'request',
  verdict: 'mask',
  rules: [{ policy: 'customer-data', action: 'mask', reason: '2 us_ssn masked' }],
  policy_version: '3',
  policy_digest: 'ef'.repeat(32),
  subject_digest: null,
  approval: null,
};

const approval = (kind: string, by: string | null): Decision => ({
  ...DECISION,
  envelope: envelope(4),
  kind,
  verdict: 'hold',
  approval: {
    approval_id: '0199b3c0-2222-7000-8000-000000000001',
    approver_group: 'data-owners',
    quorum: 1,
    granted: by === null ? 0 : 1,
    expires_at: 1_789_000_900_000_000,
    decided_by: by === null ? null : { ...PRINCIPAL, subject: by, actor: null },
    reason: by === null ? null : 'archived last week',
  },
});

export const control = (kind: string, change: Partial<Control> = {}): Control => ({
  envelope: envelope(5, SYSTEM),
  kind,
  outcome: 'success',
  subject: null,
  attributes: [],
  detail: null,
  ...change,
});

const asAlice = { envelope: envelope(5, { ...SYSTEM, principal: PRINCIPAL }) };
const refused = {
  outcome: 'failure',
  attributes: [
    { name: 'code', value: 'token_invalid' },
    { name: 'reason', value: 'the token does not verify' },
    { name: 'remote', value: '203.0.113.5' },
    { name: 'count', value: '3' },
  ],
};

export const CONTROLS: readonly Control[] = [
  control('gateway.started', { attributes: [{ name: 'address', value: 'http://127.0.0.1:8480' }] }),
  control('gateway.stopped'),
  control('gateway.heartbeat', { attributes: [{ name: 'served', value: '7' }] }),
  control('journal.recovered'),
  control('something.new'),
  control('policy.published', { subject: 'ef'.repeat(32), detail: SECRET_TEXT }),
  control('connection.registered', { subject: 'claude' }),
  control('key.created', { subject: 'affiant.local/ledger' }),
  control('key.rotated', { subject: 'affiant.local/ledger+00000002' }),
  control('key.retired', { subject: 'affiant.local/ledger+00000001' }),
  control('hold.placed', { ...asAlice, subject: 'hold' }),
  control('hold.released', { ...asAlice, subject: 'hold' }),
  control('erasure.done', { subject: 'erasure' }),
  control('retention.dropped', { subject: '202501/content/1' }),
  control('config.rejected', { outcome: 'failure' }),
  control('mode.changed', { subject: 'best_effort' }),
  control('epoch.opened', { subject: 'gateway', attributes: [{ name: 'epoch', value: '2' }] }),
  control('epoch.closed', { outcome: 'failure', subject: 'gateway', attributes: [{ name: 'ended', value: 'unannounced' }] }),
  control('exchange.aborted', { outcome: 'failure', subject: '01990000-0000-7000-8000-000000000000' }),
  control('checkpoint.halted', { outcome: 'failure', subject: 'ledger' }),
  control('identity.refused', refused),
  control('path.refused', { ...asAlice, ...refused }),
  control('value.leaked', { ...asAlice, outcome: 'failure', subject: 'us_ssn' }),
  control('value.restored', { ...asAlice, subject: 'us_ssn' }),
  control('approval.refused', { ...asAlice, outcome: 'failure', subject: 'approval' }),
  control('approval.viewed', { ...asAlice, subject: 'approval' }),
  control('session.replayed', { ...asAlice, subject: 'session-1' }),
  control('events.tailed', { ...asAlice, subject: 'affiant.ocsf.v1' }),
  control('packet.created', { ...asAlice, subject: 'packet' }),
  control('packet.downloaded', { ...asAlice, subject: 'packet' }),
  control('ledger.queried', { ...asAlice, subject: 'query', detail: 'SELECT 1', attributes: [{ name: 'bytes', value: '2' }] }),
];

/** One event of each type, verdict, step of an approval and kind of control event. */
export const SAMPLES: readonly DecodedEvent[] = [
  { type: 'request', event: REQUEST },
  { type: 'request', event: { ...REQUEST, envelope: envelope(1, SYSTEM), model: null, client_address: null, method: 'STARTUP' } },
  { type: 'segment', event: { envelope: envelope(2), direction: 'response', segments: BODY.segments, content_key: null } },
  ...['allow', 'mask', 'hold', 'block'].map((verdict) => ({ type: 'decision', event: { ...DECISION, verdict } }) as const),
  ...['requested', 'granted', 'denied', 'expired', 'released', 'orphaned'].map(
    (step) => ({ type: 'decision', event: approval(`approval_${step}`, /granted|denied/.test(step) ? 'bob' : null) }) as const,
  ),
  { type: 'response', event: RESPONSE },
  { type: 'response', event: { ...RESPONSE, outcome: 'denied', status: 0, error_code: 'policy_blocked', error_message: 'blocked' } },
  ...CONTROLS.map((event) => ({ type: 'control', event }) as const),
  {
    type: 'checkpoint',
    event: {
      envelope: envelope(6, { ...SYSTEM, source_id: 'ledger' }),
      origin: 'affiant.local/ledger',
      round: 2,
      tree_size: 9,
      root_hash: HASH,
      note: 'affiant.local/ledger\n9\nroot\n\n— sig\n',
      frontiers: [{ source_id: 'gateway', seq: 9 }],
    },
  },
  {
    type: 'dead_letter',
    event: {
      envelope: envelope(7, { ...SYSTEM, source_id: 'ledger' }),
      topic: 'affiant.request.v1',
      partition: 'gateway',
      offset: 3,
      code: 'event_invalid',
      reason: 'not in Confluent wire framing',
      payload: Buffer.from(SECRET_TEXT),
    },
  },
];
