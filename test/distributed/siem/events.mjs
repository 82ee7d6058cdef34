// What sources journal: exchanges with their decisions, people's access, the system's own events; encoded as the recorder does.
import { EventCodec, payloadHash } from '#events';

const codec = new EventCodec();

/** Now: Kafka deletes by the time of a record, and what occurred long ago would be gone before it is read. Microseconds. */
const STARTED = Date.now() * 1_000;

/** `exchanges` of one source as framed events in order of seq: `{type, topic, seq, eventId, value, event}`. */
export function sourceEvents(sourceId, exchanges) {
  const events = [];
  let previous = Buffer.alloc(32);
  const add = (type, event, context) => {
    const seq = events.length + 1;
    const eventId = uuid(sourceId, seq);
    const whole = {
      envelope: {
        event_id: eventId,
        source_id: sourceId,
        boot_epoch: 1,
        seq,
        prev_hash: previous,
        occurred_at: STARTED + seq * 1_000,
        clock_offset_us: -3,
        build: '0.1.0',
        session_id: null,
        exchange_id: null,
        principal: null,
        connection: null,
        ...context,
      },
      ...event,
    };
    const value = codec.encode(type, whole);
    previous = payloadHash(value);
    events.push({ type, topic: codec.topicOf(type, whole), seq, eventId, value, event: codec.decode(value).event });
  };
  add('control', control('gateway.started'), {});
  for (let n = 1; n <= exchanges; n += 1) {
    const context = {
      session_id: `session-${n % 7}`,
      exchange_id: uuid(`exchange-${sourceId}`, n),
      principal: principal(n),
      connection: 'claude',
    };
    const verdict = ['allow', 'mask', 'block', 'allow', 'hold'][n % 5];
    add('request', request(n), context);
    if (n % 11 === 0) add('segment', { direction: 'request', segments: body(n).segments, content_key: null }, context);
    add('decision', decision('verdict', verdict), context);
    if (verdict === 'hold') {
      add('decision', decision('approval_requested', 'hold'), context);
      add('decision', decision('approval_granted', 'hold', principal(n + 1)), context);
    }
    add('response', response(n, verdict), context);
    if (n % 10 === 0)
      add(
        'control',
        control('ledger.queried', { subject: `query-${n}`, detail: `SELECT ${n} AS "größe"`, attributes: [{ name: 'bytes', value: '9' }] }),
        { principal: principal(n) },
      );
  }
  add(
    'checkpoint',
    {
      origin: 'siem.test/ledger',
      round: 1,
      tree_size: events.length,
      root_hash: previous,
      note: `siem.test/ledger\n${events.length}\n`,
      frontiers: [{ source_id: sourceId, seq: events.length }],
    },
    {},
  );
  add(
    'dead_letter',
    { topic: 'affiant.request.v1', partition: 'x', offset: 4, code: 'event_invalid', reason: 'broken', payload: Buffer.from([0, 255]) },
    {},
  );
  return events;
}

const hex = (n, digits) => n.toString(16).padStart(digits, '0');

function uuid(name, n) {
  const hash = payloadHash(Buffer.from(name)).toString('hex');
  return `0199b3c0-${hash.slice(0, 4)}-7000-8000-${hex(n, 12)}`;
}

const principal = (n) => ({
  issuer: 'https://idp.example.com',
  subject: `user-${n % 13}`,
  kind: n % 4 === 0 ? 'workload' : 'user',
  groups: ['engineering', 'größe'],
  actor: n % 3 === 0 ? 'agent-1' : null,
  token_digest: 'ab'.repeat(32),
  token_expires_at: 1_790_000_000_000_000,
  authenticated_by: null,
});

const body = (n) => {
  const text = Buffer.from(`{"masked":"[US_SSN:${n}] übrig"}`);
  return {
    segments: [{ sha256: payloadHash(text), bytes_length: text.length, media_type: 'application/json', inline: n % 2 === 0 ? text : null }],
    original_digest: 'cd'.repeat(32),
    original_length: text.length + 3,
    masked_length: text.length,
    complete: true,
    masks: [{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: n }],
    content_key: null,
    sealed_originals: null,
  };
};

const request = (n) => ({
  protocol: 'anthropic',
  operation: 'messages',
  method: 'POST',
  path: '/v1/messages',
  model: 'claude-opus',
  stream: n % 2 === 0,
  tools: ['run_sql'],
  user_agent: 'claude-cli/2',
  client_address: n % 2 === 0 ? '203.0.113.7' : '2001:db8::7',
  correlation: [{ name: 'x-session', value: `s${n}` }],
  joins_exchange: null,
  body: body(n),
});

const response = (n, verdict) => ({
  outcome: verdict === 'block' ? 'refused' : 'completed',
  status: verdict === 'block' ? 403 : 200,
  upstream_status: verdict === 'block' ? null : 200,
  upstream_request_id: null,
  model: 'claude-opus',
  stop_reason: 'end_turn',
  input_tokens: n,
  output_tokens: 2 * n,
  cache_read_tokens: null,
  cache_creation_tokens: 0,
  tool_calls: [],
  first_byte_us: 80_000 + n,
  duration_us: 90_000 + n,
  timeline: [{ at_us: 80_000, bytes: 10 }],
  body: body(n),
  error_code: verdict === 'block' ? 'policy_blocked' : null,
  error_message: null,
});

const decision = (kind, verdict, by = null) => ({
  kind,
  phase: 'request',
  verdict,
  rules: [{ policy: 'customer-data', action: verdict, reason: 'a value was found' }],
  policy_version: '3',
  policy_digest: 'ef'.repeat(32),
  subject_digest: null,
  approval:
    kind === 'verdict'
      ? null
      : {
          approval_id: uuid('approval', 1),
          approver_group: 'data-owners',
          quorum: 1,
          granted: by === null ? 0 : 1,
          expires_at: 1_789_000_900_000_000,
          decided_by: by,
          reason: by === null ? null : 'archived',
        },
});

const control = (kind, change = {}) => ({ kind, outcome: 'success', subject: null, attributes: [], detail: null, ...change });
