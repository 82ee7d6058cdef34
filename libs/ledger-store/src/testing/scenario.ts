import type { EventRow } from '../port.js';
import { SAMPLE_TIME, sampleEvent, sampleSegments } from './sample-rows.js';

/** A short day at the gateway, one event per row, seqs from 1 on; the views' tests count on every detail of it. */
export class Scenario {
  readonly rows: EventRow[] = [];
  readonly #source: string;

  constructor(source = 'gateway') {
    this.#source = source;
  }

  #add(event_type: string, data: object, over: Parameters<typeof sampleEvent>[1] = {}): this {
    const seq = this.rows.length + 1;
    this.rows.push(sampleEvent(seq, { source_id: this.#source, topic: `affiant.${event_type}.v1`, event_type, ...over, data }));
    return this;
  }

  request(
    exchange: string,
    session: string,
    over: {
      readonly masks?: number;
      readonly segments?: Parameters<typeof sampleSegments>[0];
      readonly who?: string;
      readonly data?: object;
    } = {},
  ): this {
    const data = {
      protocol: 'anthropic',
      operation: 'messages',
      method: 'POST',
      path: '/v1/messages',
      model: 'claude-sonnet-4-5',
      stream: true,
      tools: ['Bash', 'Read'],
      user_agent: 'claude-cli/2',
      client_address: '127.0.0.1',
      correlation: [],
      joins_exchange: null,
      body: body(over.masks ?? 0, 120),
      ...over.data,
    };
    const who = over.who ?? 'alice@example.com';
    return this.#add('request', data, {
      exchange_id: exchange,
      session_id: session,
      principal_subject: who,
      ...sampleSegments(over.segments ?? []),
    });
  }

  segment(exchange: string, session: string, text: string): this {
    return this.#add('segment', { direction: 'request' }, { exchange_id: exchange, session_id: session, ...sampleSegments([{ text }]) });
  }

  verdict(
    exchange: string,
    session: string,
    verdict: string,
    over: { readonly phase?: string; readonly policies?: readonly string[] } = {},
  ): this {
    const rules = (over.policies ?? []).map((policy) => ({ policy, action: verdict, reason: `${policy} found something` }));
    return this.#add('decision', decision('verdict', verdict, over.phase ?? 'request', rules, null), {
      exchange_id: exchange,
      session_id: session,
    });
  }

  approval(
    exchange: string,
    session: string,
    kind: string,
    over: { readonly by?: string; readonly reason?: string; readonly granted?: number } = {},
  ): this {
    const approval = {
      approval_id: `approval-of-${exchange}`,
      approver_group: 'data-owners',
      quorum: 2,
      granted: over.granted ?? 0,
      expires_at: SAMPLE_TIME + 900_000_000,
      decided_by:
        over.by === undefined ? null : { issuer: 'https://idp.example.com', subject: over.by, kind: 'user', groups: [], actor: null },
      reason: over.reason ?? null,
    };
    const rules = [
      { policy: 'destructive-sql', action: 'hold', reason: 'drop table' },
      { policy: 'destructive-sql', action: 'hold', reason: 'drop database' },
    ];
    return this.#add('decision', decision(kind, 'hold', 'request', rules, approval), { exchange_id: exchange, session_id: session });
  }

  response(
    exchange: string,
    session: string,
    over: { readonly masks?: number; readonly data?: object; readonly segments?: Parameters<typeof sampleSegments>[0] } = {},
  ): this {
    const data = {
      outcome: 'completed',
      status: 200,
      upstream_status: 200,
      upstream_request_id: 'req_1',
      model: 'claude-sonnet-4-5',
      stop_reason: 'end_turn',
      input_tokens: 500,
      output_tokens: 40,
      cache_read_tokens: null,
      cache_creation_tokens: null,
      tool_calls: ['Bash'],
      first_byte_us: 300,
      duration_us: 900,
      timeline: [],
      body: body(over.masks ?? 0, 80),
      error_code: null,
      error_message: null,
      ...over.data,
    };
    return this.#add('response', data, { exchange_id: exchange, session_id: session, ...sampleSegments(over.segments ?? []) });
  }

  control(kind: string, attributes: readonly { name: string; value: string }[] = [], detail: string | null = null): this {
    return this.#add('control', { kind, outcome: 'success', subject: 'subject-1', attributes, detail }, { principal_kind: 'system' });
  }

  /** No leaf, as checkpoint events are none. */
  checkpoint(): this {
    return this.#add('checkpoint', { origin: 'log', round: 1, tree_size: 1 }, { leaf: Buffer.alloc(0) });
  }
}

const body = (masks: number, length: number): object => ({
  original_digest: 'cd'.repeat(32),
  original_length: length,
  masked_length: length - 2,
  complete: true,
  masks:
    masks === 0
      ? []
      : [
          { entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: masks },
          { entity: 'iban', rule: 'iban@1', policy: 'customer-data', count: 1 },
        ],
});

const decision = (kind: string, verdict: string, phase: string, rules: readonly object[], approval: object | null): object => ({
  kind,
  phase,
  verdict,
  rules,
  policy_version: '7',
  policy_digest: 'ef'.repeat(32),
  subject_digest: '12'.repeat(32),
  approval,
});
