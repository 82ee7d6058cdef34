import { createHash } from 'node:crypto';
import type { EventRow } from '#ledger-store';

const HASH = Buffer.alloc(32, 0xab);

function row(seq: number, event_type: string, data: object, change: Partial<EventRow> = {}): EventRow {
  const raw = Buffer.from(`event ${seq}`);
  return {
    source_id: 'gateway',
    boot_epoch: 1,
    seq,
    topic: `affiant.${event_type}.v1`,
    log_partition: 'gateway',
    log_offset: seq,
    event_type,
    event_id: `event-${seq}`,
    occurred_at: Date.UTC(2026, 8, 1) * 1000 + seq,
    ingested_at: Date.UTC(2026, 8, 1) * 1000 + seq,
    clock_offset_us: 0,
    build: '0',
    session_id: 'session-1',
    exchange_id: 'exchange-1',
    connection: 'claude',
    principal_issuer: 'https://idp.example.com',
    principal_subject: 'alice',
    principal_kind: 'user',
    principal_groups: ['engineering'],
    principal_actor: '',
    token_digest: '',
    data: JSON.stringify(data),
    segment_sha256: [],
    segment_length: [],
    segment_inline: [],
    segment_content: [],
    content_key: '',
    raw,
    payload_hash: createHash('sha256').update(raw).digest(),
    prev_hash: HASH,
    schema_sha256: HASH,
    leaf: Buffer.alloc(0),
    ...change,
  };
}

function body(text: string, fill: number): Partial<EventRow> {
  return {
    segment_sha256: [Buffer.alloc(32, fill)],
    segment_length: [text.length],
    segment_inline: [true],
    segment_content: [Buffer.from(text)],
  };
}

/** One exchange with its verdict, as the ingest writes it. */
export function exchangeRows(): readonly EventRow[] {
  const lengths = { original_digest: 'ab', original_length: 20, masked_length: 15, complete: true };
  const masks = [{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 2 }];
  return [
    row(
      1,
      'request',
      {
        protocol: 'anthropic',
        operation: 'messages',
        method: 'POST',
        path: '/v1/messages',
        model: 'm',
        stream: true,
        tools: ['Bash'],
        body: { ...lengths, masks },
      },
      body('question [us_ssn]', 0xc1),
    ),
    row(2, 'decision', {
      kind: 'verdict',
      phase: 'request',
      verdict: 'mask',
      rules: [{ policy: 'customer-data', action: 'mask', reason: 'found us_ssn' }],
      policy_version: '3',
      policy_digest: 'd',
    }),
    row(
      3,
      'response',
      {
        outcome: 'completed',
        status: 200,
        duration_us: 1200,
        tool_calls: [],
        timeline: [
          { at_us: 500, bytes: 10 },
          { at_us: 900, bytes: 5 },
        ],
        body: { ...lengths, masks: [] },
      },
      body('an answer', 0xc2),
    ),
  ];
}

/** A session that resends its whole conversation each turn: turn n cites the texts of the turns before it. Seqs from `from` on. */
export function longSession(session: string, turns: number, turnBytes: number, from: number): readonly EventRow[] {
  const rows: EventRow[] = [];
  const said: Buffer[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const place = { session_id: session, exchange_id: `${session}-${String(turn).padStart(5, '0')}` };
    const text = Buffer.from(`turn ${turn} `.padEnd(turnBytes, '.'));
    const digest = createHash('sha256').update(text).digest();
    const length = (turn + 1) * turnBytes;
    const lengths = { original_digest: '', original_length: length, masked_length: length, complete: true, masks: [] };
    rows.push(
      row(
        from + rows.length,
        'request',
        { protocol: 'anthropic', operation: 'messages', body: lengths },
        {
          ...place,
          segment_sha256: [...said, digest],
          segment_length: [...said.map(() => turnBytes), turnBytes],
          segment_inline: [...said.map(() => false), true],
          segment_content: [...said.map(() => Buffer.alloc(0)), text],
        },
      ),
    );
    said.push(digest);
  }
  return rows;
}
