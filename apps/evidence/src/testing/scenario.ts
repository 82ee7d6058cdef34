import { createHash } from 'node:crypto';
import type { EventContext, EventDraft, Principal } from '#events';
import type { LedgerWorld } from './ledger-world.js';
import { person } from './ledger-world.js';

export const SCENARIO = { from: '2026-10-01T00:00:00.000000Z', to: '2026-10-04T00:00:00.000000Z' } as const;

const DAY = 86_400_000_000;
const START = Date.parse(SCENARIO.from) * 1000;
const POLICY = 'ab'.repeat(32);

export interface ScenarioOptions {
  readonly exchanges?: number;
  /** Adds one exception of this kind. */
  readonly fault?: 'self-approval' | 'raw-ssn' | 'unregistered-connection' | 'blocked-but-sent';
  /** Tells of an earlier FFIEC packet about this many leaves. */
  readonly earlierPacket?: number;
}

/** Three days of a small gateway: allowed, masked, held-and-approved and blocked exchanges; policies, heartbeats, refusals, reads. */
export function playScenario(world: LedgerWorld, { exchanges = 24, fault, earlierPacket }: ScenarioOptions = {}): void {
  let at = START + 1_000_000;
  const tick = (us = 40_000): number => (at += us);
  const control = (
    kind: string,
    subject: string | null,
    attributes: Record<string, string> = {},
    who: Principal | null = null,
    detail: string | null = null,
  ): void =>
    void world.add(
      {
        type: 'control',
        context: { ...NOBODY, principal: who },
        event: {
          kind,
          outcome: kind.endsWith('.refused') ? 'failure' : 'success',
          subject,
          attributes: Object.entries(attributes).map(([name, value]) => ({ name, value })),
          detail,
        },
      },
      tick(),
    );
  control('gateway.started', null);
  control('key.created', 'ledger');
  control('connection.registered', 'claude', { protocol: 'anthropic' });
  control('policy.published', POLICY, { version: '1' }, null, '{"policies":[]}');
  for (let number = 0; number < exchanges; number++) {
    at = START + 2_000_000 + Math.floor((number * 3 * DAY) / (exchanges + 1));
    const kind = (['allow', 'mask', 'allow', 'hold', 'block', 'mask'] as const)[number % 6] ?? 'allow';
    exchange(world, tick, number, kind, fault);
  }
  control('identity.refused', null, { code: 'token_expired', remote: '127.0.0.1' });
  control('path.refused', '/v1/files', { connection: 'claude' });
  control('ledger.queried', 'q1', { status: 'started' }, person('auditor'));
  control('ledger.queried', 'q1', { status: 'done', rows: '3' }, person('auditor'), 'SELECT 1');
  if (earlierPacket !== undefined) {
    const facts = {
      status: 'done',
      framework: 'ffiec',
      packet_id: 'ffiec-earlier',
      tree_size: String(earlierPacket),
      sha256: 'ab'.repeat(32),
    };
    control('packet.created', 'p1', facts, person('auditor'));
  }
  at = START + 3 * DAY + 1_000_000;
  control('gateway.heartbeat', null);
  world.add(
    {
      type: 'control',
      context: NOBODY,
      event: { kind: 'journal.recovered', outcome: 'success', subject: null, attributes: [], detail: null },
    },
    START + 500_000,
    'ledger',
  );
}

const NOBODY: EventContext = { session_id: null, exchange_id: null, principal: null, connection: null };

function exchange(
  world: LedgerWorld,
  tick: (us?: number) => number,
  number: number,
  kind: 'allow' | 'mask' | 'hold' | 'block',
  fault: ScenarioOptions['fault'],
): void {
  const who = person(['maria', 'li.wei', 'omar'][number % 3] ?? 'maria', number % 5 === 4 ? { kind: 'workload', actor: 'agent-7' } : {});
  const context: EventContext = {
    session_id: `session-${number % 4}`,
    exchange_id: world.id(),
    principal: who,
    connection: fault === 'unregistered-connection' && number === 0 ? 'shadow' : 'claude',
  };
  const add = (draft: Omit<EventDraft, 'context'>): void => void world.add({ ...draft, context } as EventDraft, tick());
  const text =
    fault === 'raw-ssn' && number === 0 ? 'the number is 521-44-9821.' : `question ${number}: what is the balance of [US_SSN_1]?`;
  add({
    type: 'request',
    event: {
      protocol: 'anthropic',
      operation: 'messages',
      method: 'POST',
      path: '/v1/messages',
      model: 'claude-sonnet-4-5',
      stream: true,
      tools: ['run_sql'],
      user_agent: 'sdk',
      client_address: '127.0.0.1',
      correlation: [],
      joins_exchange: null,
      body: body(text, kind === 'mask' ? 2 : 0),
    },
  });
  const verdict = {
    kind: 'verdict',
    phase: 'request',
    verdict: kind,
    rules: kind === 'allow' ? [] : [{ policy: kind === 'mask' ? 'customer-data' : 'destructive-sql', action: kind, reason: 'a rule hit' }],
    policy_version: '1',
    policy_digest: POLICY,
    subject_digest: null,
    approval: null,
  } as const;
  add({ type: 'decision', event: verdict });
  if (kind === 'hold') {
    const approval_id = world.id();
    const step = (name: string, granted: number, by: Principal | null): void =>
      add({
        type: 'decision',
        event: {
          ...verdict,
          kind: name,
          subject_digest: 'cd'.repeat(32),
          approval: {
            approval_id,
            approver_group: 'data-owners',
            quorum: 1,
            granted,
            expires_at: START + 9 * DAY,
            decided_by: by,
            reason: by === null ? null : 'The table is archived.',
          },
        },
      });
    step('approval_requested', 0, null);
    tick(30_000_000);
    step('approval_granted', 1, fault === 'self-approval' && number === 3 ? who : person('bob'));
    step('approval_released', 1, null);
  }
  const sent = kind !== 'block' || (fault === 'blocked-but-sent' && number === 4);
  add({
    type: 'response',
    event: {
      outcome: kind === 'block' ? 'refused' : 'completed',
      status: kind === 'block' ? 403 : 200,
      upstream_status: sent ? 200 : null,
      upstream_request_id: null,
      model: 'claude-sonnet-4-5',
      stop_reason: 'end_turn',
      input_tokens: 120,
      output_tokens: 45,
      cache_read_tokens: null,
      cache_creation_tokens: null,
      tool_calls: number % 3 === 0 ? ['run_sql'] : [],
      first_byte_us: 5_000,
      duration_us: 80_000,
      timeline: [],
      body: body(`answer ${number}`, kind === 'mask' ? 1 : 0),
      error_code: kind === 'block' ? 'policy_blocked' : null,
      error_message: null,
    },
  });
}

function body(
  text: string,
  masks: number,
): {
  segments: { sha256: Buffer; bytes_length: number; media_type: string; inline: Buffer }[];
  original_digest: string;
  original_length: number;
  masked_length: number;
  complete: boolean;
  masks: { entity: string; rule: string; policy: string; count: number }[];
  content_key: null;
  sealed_originals: null;
} {
  const inline = Buffer.from(text);
  return {
    segments: [
      { sha256: createHash('sha256').update(inline).digest(), bytes_length: inline.length, media_type: 'application/json', inline },
    ],
    original_digest: createHash('sha256').update(`key${text}`).digest('hex'),
    original_length: inline.length + masks,
    masked_length: inline.length,
    complete: true,
    masks: masks === 0 ? [] : [{ entity: masks === 2 ? 'us_ssn' : 'credit_card', rule: 'us_ssn@1', policy: 'customer-data', count: masks }],
    content_key: null,
    sealed_originals: null,
  };
}
