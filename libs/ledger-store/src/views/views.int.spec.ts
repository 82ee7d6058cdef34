import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedded, type OpenEmbedded } from '../testing/open-embedded.js';
import { sampleEvent, sampleLeaves } from '../testing/sample-rows.js';
import { Scenario } from '../testing/scenario.js';

describe('audit views', () => {
  let under: OpenEmbedded;
  const day = new Scenario()
    .control('gateway.started') // 1
    .request('ex-1', 's-1', { masks: 2, segments: [{ text: '{"a":"ä",' }, { text: '"b":1}' }] }) // 2
    .verdict('ex-1', 's-1', 'allow', { phase: 'identity' })
    .verdict('ex-1', 's-1', 'mask', { policies: ['customer-data', 'customer-data'] })
    .verdict('ex-1', 's-1', 'block', { phase: 'response', policies: ['other'] })
    .response('ex-1', 's-1', { masks: 3, segments: [{ text: 'answer' }] }) // 6
    .segment('ex-2', 's-1', '"c":2}')
    .request('ex-2', 's-1', {
      segments: [
        { text: '{"a":"ä",', inline: false },
        { text: '"c":2}', inline: false },
      ],
    }) // 8
    .verdict('ex-2', 's-1', 'hold', { policies: ['destructive-sql'] })
    .approval('ex-2', 's-1', 'approval_requested') // 10
    .approval('ex-2', 's-1', 'approval_granted', { by: 'olga', reason: 'known job', granted: 1 })
    .approval('ex-2', 's-1', 'approval_granted', { by: 'omar', reason: 'agreed', granted: 2 }) // 12
    .approval('ex-2', 's-1', 'approval_released')
    .response('ex-2', 's-1', { data: { tool_calls: [], input_tokens: null } }) // 14
    .request('ex-3', '', { who: 'bob@example.com', segments: [{ text: 'lone' }, { text: 'never seen', inline: false }] }) // 15: open
    .request('ex-4', 's-1', { who: 'mallory@example.com', data: { model: null } })
    .verdict('ex-4', 's-1', 'block', { policies: ['forbidden'] })
    .response('ex-4', 's-1', {
      data: {
        outcome: 'refused',
        status: 403,
        upstream_status: null,
        input_tokens: null,
        output_tokens: null,
        first_byte_us: null,
        error_code: 'policy_blocked',
      },
    }) // 18
    .request('ex-5', 's-5')
    .verdict('ex-5', 's-5', 'hold')
    .approval('ex-5', 's-5', 'approval_requested')
    .approval('ex-5', 's-5', 'approval_denied', { by: 'olga', reason: 'no ticket' })
    .control(
      'ledger.queried',
      [
        { name: 'rows', value: '3' },
        { name: 'status', value: 'done' },
      ],
      'SELECT 1',
    )
    .control('policy.published', [], 'policies: []'); // 24
  const sealed = new Scenario('ledger').control('key.created').checkpoint().control('drill.run').checkpoint();

  beforeAll(async () => {
    under = await openEmbedded();
    const leaves = [...day.rows.slice(0, 15), ...sealed.rows.slice(0, 1), ...day.rows.slice(15), ...sealed.rows.slice(2, 3)];
    await under.store.appendEvents('day', day.rows);
    await under.store.appendEvents('sealed', sealed.rows);
    await under.store.appendLeaves('r1', sampleLeaves(leaves.slice(0, 16), 0, 1));
    await under.store.appendCheckpoint({
      round: 1,
      tree_size: 16,
      root_hash: 'aa',
      note: 'n',
      sealed_at: 1,
      frontier_sources: ['gateway', 'ledger'],
      frontier_seqs: [15, 2],
    });
    await under.store.appendLeaves('r2', sampleLeaves(leaves.slice(16), 16, 2));
  });
  afterAll(() => under.close());
  const rows = <T = Record<string, unknown>>(sql: string): Promise<T[]> => under.store.query<T>(sql);

  it('shows an exchange with its final request-phase verdict, its response and its places in the tree', async () => {
    expect(await rows("SELECT * EXCEPT (started_at, finished_at) FROM audit.exchanges WHERE exchange_id = 'ex-1'")).toEqual([
      {
        exchange_id: 'ex-1',
        session_id: 's-1',
        connection: 'claude',
        protocol: 'anthropic',
        operation: 'messages',
        method: 'POST',
        path: '/v1/messages',
        model: 'claude-sonnet-4-5',
        stream: 1,
        tools: ['Bash', 'Read'],
        user_agent: 'claude-cli/2',
        principal_issuer: 'https://idp.example.com',
        principal_subject: 'alice@example.com',
        principal_kind: 'user',
        principal_groups: ['engineering'],
        principal_actor: '',
        token_digest: 'ab'.repeat(32),
        verdict: 'mask',
        policies: ['customer-data'],
        policy_version: '7',
        policy_digest: 'ef'.repeat(32),
        outcome: 'completed',
        status: 200,
        upstream_status: 200,
        stop_reason: 'end_turn',
        tool_calls: ['Bash'],
        input_tokens: 500,
        output_tokens: 40,
        first_byte_us: 300,
        duration_us: 900,
        request_masks: 3,
        response_masks: 4,
        request_length: 120,
        response_length: 80,
        error_code: '',
        joins_exchange: '',
        source_id: 'gateway',
        request_seq: 2,
        request_leaf_index: 1,
        response_leaf_index: 5,
      },
    ]);
  });

  it('shows an open exchange as open, and a refused one with what is not known as NULL', async () => {
    const columns =
      'exchange_id, verdict, outcome, status, upstream_status, finished_at, duration_us, input_tokens, model, error_code, response_leaf_index';
    expect(await rows(`SELECT ${columns} FROM audit.exchanges WHERE exchange_id IN ('ex-3', 'ex-4') ORDER BY exchange_id`)).toEqual([
      {
        exchange_id: 'ex-3',
        verdict: '',
        outcome: '',
        status: 0,
        upstream_status: null,
        finished_at: null,
        duration_us: null,
        input_tokens: null,
        model: 'claude-sonnet-4-5',
        error_code: '',
        response_leaf_index: null,
      },
      {
        exchange_id: 'ex-4',
        verdict: 'block',
        outcome: 'refused',
        status: 403,
        upstream_status: null,
        finished_at: '2026-07-01T00:00:00.018000Z',
        duration_us: 900,
        input_tokens: null,
        model: '',
        error_code: 'policy_blocked',
        response_leaf_index: 18,
      },
    ]);
    expect(await rows('SELECT count() AS n FROM audit.exchanges')).toEqual([{ n: 5 }]);
  });

  it('shows each approval once, with who decided and how long it waited', async () => {
    expect(await rows('SELECT * EXCEPT (subject_digest, requested_at) FROM audit.approvals ORDER BY approval_id')).toMatchObject([
      {
        approval_id: 'approval-of-ex-2',
        exchange_id: 'ex-2',
        requester_subject: 'alice@example.com',
        quorum: 2,
        policies: ['destructive-sql'],
        state: 'released',
        deciders: ['olga', 'omar'],
        decision_reasons: ['known job', 'agreed'],
        wait_us: 2000,
        released_digest: '12'.repeat(32),
        decided_at: '2026-07-01T00:00:00.012000Z',
      },
      {
        approval_id: 'approval-of-ex-5',
        state: 'denied',
        deciders: ['olga'],
        decision_reasons: ['no ticket'],
        released_at: null,
        released_digest: '',
      },
    ]);
    expect(await rows('SELECT state FROM audit.approvals_at(tree_size = 10)')).toEqual([{ state: 'pending' }]);
    expect(await rows('SELECT state, deciders, wait_us FROM audit.approvals_at(tree_size = 11)')).toEqual([
      { state: 'pending', deciders: ['olga'], wait_us: null },
    ]);
    expect(await rows('SELECT state FROM audit.approvals_at(tree_size = 12)')).toEqual([{ state: 'granted' }]);
  });

  it('shows decisions, masks, sessions, control and access', async () => {
    expect(
      await rows(
        'SELECT kind, policies, actions, reasons, decided_by_subject, approval_expires_at, leaf_index FROM audit.decisions WHERE seq IN (4, 12) ORDER BY seq',
      ),
    ).toEqual([
      {
        kind: 'verdict',
        policies: ['customer-data', 'customer-data'],
        actions: ['mask', 'mask'],
        reasons: ['customer-data found something', 'customer-data found something'],
        decided_by_subject: '',
        approval_expires_at: null,
        leaf_index: 3,
      },
      {
        kind: 'approval_granted',
        policies: ['destructive-sql', 'destructive-sql'],
        actions: ['hold', 'hold'],
        reasons: ['drop table', 'drop database'],
        decided_by_subject: 'omar',
        approval_expires_at: '2026-07-01T00:15:00.000000Z',
        leaf_index: 11,
      },
    ]);
    expect(await rows('SELECT direction, entity, rule, policy, count FROM audit.masks ORDER BY seq, entity')).toEqual([
      { direction: 'request', entity: 'iban', rule: 'iban@1', policy: 'customer-data', count: 1 },
      { direction: 'request', entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 2 },
      { direction: 'response', entity: 'iban', rule: 'iban@1', policy: 'customer-data', count: 1 },
      { direction: 'response', entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 3 },
    ]);
    expect(
      await rows(
        'SELECT session_id, principal_subject, exchanges, blocked, held, masked_values, input_tokens, output_tokens FROM audit.sessions ORDER BY ALL',
      ),
    ).toEqual([
      {
        session_id: 's-1',
        principal_subject: 'alice@example.com',
        exchanges: 2,
        blocked: 0,
        held: 1,
        masked_values: 7,
        input_tokens: 500,
        output_tokens: 80,
      },
      {
        session_id: 's-1',
        principal_subject: 'mallory@example.com',
        exchanges: 1,
        blocked: 1,
        held: 0,
        masked_values: 0,
        input_tokens: 0,
        output_tokens: 0,
      },
      {
        session_id: 's-5',
        principal_subject: 'alice@example.com',
        exchanges: 1,
        blocked: 0,
        held: 1,
        masked_values: 0,
        input_tokens: 0,
        output_tokens: 0,
      },
    ]);
    expect(await rows('SELECT kind, attributes, detail, subject, leaf_index FROM audit.access')).toEqual([
      { kind: 'ledger.queried', attributes: { rows: '3', status: 'done' }, detail: 'SELECT 1', subject: 'subject-1', leaf_index: 23 },
    ]);
    expect(
      await rows("SELECT groupArray(kind) AS kinds FROM (SELECT kind FROM audit.control WHERE source_id = 'gateway' ORDER BY seq)"),
    ).toEqual([{ kinds: ['gateway.started', 'ledger.queried', 'policy.published'] }]);
  });

  it('puts bodies together from segments of earlier events of the session', async () => {
    expect(
      await rows(
        'SELECT exchange_id, direction, body, resolved, complete, original_length FROM audit.bodies WHERE original_length != 0 ORDER BY exchange_id, direction',
      ),
    ).toMatchObject([
      { exchange_id: 'ex-1', direction: 'request', body: '{"a":"ä","b":1}', resolved: 1, complete: 1, original_length: 120 },
      { exchange_id: 'ex-1', direction: 'response', body: 'answer', resolved: 1 },
      { exchange_id: 'ex-2', direction: 'request', body: '{"a":"ä","c":2}', resolved: 1 },
      { exchange_id: 'ex-2', direction: 'response', body: '', resolved: 1 },
      { exchange_id: 'ex-3', direction: 'request', body: 'lone', resolved: 0 },
      { exchange_id: 'ex-4', direction: 'request' },
      { exchange_id: 'ex-4', direction: 'response' },
      { exchange_id: 'ex-5', direction: 'request' },
    ]);
  });

  it('sees at a tree size exactly the leaves below it, and the checkpoint events behind its frontier', async () => {
    const all = await rows<{ leaf_index: number | null; source_id: string; seq: number }>(
      'SELECT leaf_index, source_id, seq FROM audit.events ORDER BY leaf_index NULLS LAST, seq',
    );
    expect(all.map((row) => row.leaf_index)).toEqual([...Array(26).keys(), null, null]);
    for (let size = 0; size <= 27; size++) {
      const seen = await rows<{ leaf_index: number | null }>(
        `SELECT leaf_index FROM audit.events_at(tree_size = ${size}) ORDER BY leaf_index NULLS LAST`,
      );
      const leaves = [...Array(Math.min(size, 26)).keys()];
      // ledger/2 is behind the frontier of the checkpoint of size 16; ledger/4 is behind none yet.
      expect([size, seen.map((row) => row.leaf_index)]).toEqual([size, size >= 16 ? [...leaves, null] : leaves]);
    }
    expect(await rows("SELECT count() AS n, countIf(outcome = '') AS open FROM audit.exchanges_at(tree_size = 5)")).toEqual([
      { n: 1, open: 1 },
    ]);
    expect(await rows('SELECT count() AS n FROM audit.sessions_at(tree_size = 16)')).toEqual([{ n: 1 }]);
    expect(await rows('SELECT count() AS n FROM audit.masks_at(tree_size = 5)')).toEqual([{ n: 2 }]);
    expect(await rows('SELECT count() AS n FROM audit.control_at(tree_size = 16)')).toEqual([{ n: 2 }]);
    expect(await rows('SELECT count() AS n FROM audit.access_at(tree_size = 16)')).toEqual([{ n: 0 }]);
    expect(await rows("SELECT body FROM audit.bodies_at(tree_size = 8) WHERE session_id = 's-1' AND exchange_id = 'ex-2'")).toEqual([
      { body: '{"a":"ä","c":2}' },
    ]);
    expect(await rows('SELECT leaf_index FROM audit.leaves_at(tree_size = 16) ORDER BY leaf_index')).toEqual(
      [...Array(16).keys()].map((leaf_index) => ({ leaf_index })),
    );
    expect(await rows('SELECT count() AS n FROM audit.decisions_at(tree_size = 4)')).toEqual([{ n: 2 }]);
  });

  it('shows the leaves with the exact bytes they commit to, as they were appended', async () => {
    const held = await rows<{ leaf_index: number; source_id: string; seq: number }>(
      `SELECT l.leaf_index AS leaf_index, l.source_id AS source_id, l.seq AS seq FROM audit.leaves AS l
       INNER JOIN ledger.leaves AS t ON t.leaf_index = l.leaf_index AND t.seq = l.seq AND t.source_id = l.source_id
       WHERE lower(hex(t.leaf_hash)) = l.leaf_hash AND t.leaf = l.leaf AND lower(hex(SHA256(l.raw))) = l.payload_hash ORDER BY leaf_index`,
    );
    expect(held).toHaveLength(26);
    expect(held[15]).toEqual({ leaf_index: 15, source_id: 'ledger', seq: 1 });
  });

  it('keeps an undecodable event and shows it among the events only', async () => {
    await under.store.appendEvents('odd', [
      sampleEvent(1, { source_id: 'odd', event_type: 'undecodable', occurred_at: 0, raw: Buffer.from([0, 0xff, 0, 1]), data: {} }),
    ]);
    expect(await rows("SELECT event_type, occurred_at, leaf_index FROM audit.events WHERE source_id = 'odd'")).toEqual([
      { event_type: 'undecodable', occurred_at: '1970-01-01T00:00:00.000000Z', leaf_index: null },
    ]);
  });
});
