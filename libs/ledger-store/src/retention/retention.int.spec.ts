import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEmbedded, type OpenEmbedded } from '../testing/open-embedded.js';
import { sampleEvent } from '../testing/sample-rows.js';
import { ClickHouseRetentionStore } from './clickhouse-retention-store.js';

const TYPES = ['request', 'segment', 'response', 'dead_letter'];
const month = (number: number, second = 0): number => Date.UTC(2025, number - 1, 1, 0, 0, second) * 1000;
const ALL = { gateway: 1_000_000 };

let under: OpenEmbedded;
let seq = 0;
beforeAll(async () => void (under = await openEmbedded()), 300_000);
afterAll(async () => {
  // `close` knows the first engine only.
  await under?.engine.stop();
  await under?.close();
});

function open(step?: (name: string) => Promise<void>): ClickHouseRetentionStore {
  const { url, headers } = under.engine.access;
  return new ClickHouseRetentionStore({ url, headers, ...under.engine.retention, ...(step === undefined ? {} : { step }) });
}

async function fill(number: number, kinds: readonly string[], over: object = {}): Promise<void> {
  const rows = kinds.map((event_type, index) => {
    seq += 1;
    return sampleEvent(seq, { event_type, occurred_at: month(number, index), session_id: `s-${number}`, ...over });
  });
  await under.store.appendEvents(`fill/${seq}`, rows);
}

/** kill -9 of the engine; what it acknowledged must be there again. */
async function killEngine(): Promise<void> {
  process.kill(under.engine.pid, 'SIGKILL');
  await under.engine.exited;
  under = { ...under, engine: await under.engine.restart() };
}

const held = async (number: number): Promise<Record<string, number>> => {
  const rows = await under.store.query<{ type: string; n: number }>(
    `SELECT toString(event_type) AS type, count() AS n FROM ledger.events WHERE toYYYYMM(occurred_at) = {m:UInt32} GROUP BY type ORDER BY type`,
    { m: 202500 + number },
  );
  return Object.fromEntries(rows.map(({ type, n }) => [type, n]));
};
const exists = async (): Promise<number> =>
  (await under.store.query<{ n: number }>("SELECT count() AS n FROM system.tables WHERE database = 'ledger' AND name = 'kept'"))[0]!.n;

const EVENTS = ['request', 'decision', 'response', 'control', 'checkpoint', 'segment', 'undecodable', 'dead_letter'];
const STAYS = { checkpoint: 1, control: 1, decision: 1, undecodable: 1 };

describe('dropping a month of content', () => {
  it('keeps everything else, byte for byte, and other months', async () => {
    await fill(1, EVENTS);
    await fill(2, EVENTS);
    const identity = `SELECT source_id, seq, lower(hex(SHA256(raw))) AS raw, lower(hex(leaf)) AS leaf, data, toString(occurred_at) AS at, toString(ingested_at) AS taken
      FROM ledger.events WHERE toYYYYMM(occurred_at) = 202501 AND event_type NOT IN ('request','segment','response','dead_letter') ORDER BY seq`;
    const before = await under.store.query(identity);
    const store = open();
    await store.drop(202501, TYPES, ALL);
    expect(await held(1)).toEqual(STAYS);
    expect(await under.store.query(identity)).toEqual(before);
    expect(Object.keys(await held(2))).toHaveLength(8);
    expect(await exists()).toBe(0);
    await store.drop(202501, TYPES, ALL);
    expect(await held(1)).toEqual(STAYS);
    await store.close();
  });

  it('tells what there is, what is not sealed, and what a hold covers', async () => {
    const store = open();
    const from = seq + 1;
    await fill(3, ['request', 'response', 'control']);
    const parts = (await store.parts({ gateway: from })).filter(({ partition }) => partition === 202503);
    expect(parts.map(({ event_type, rows, unsealed }) => [event_type, rows, unsealed])).toEqual([
      ['control', 1, 1],
      ['request', 1, 0],
      ['response', 1, 1],
    ]);
    expect(parts[1]).toMatchObject({ first: month(3), last: month(3) });
    expect(await store.frontiers()).toEqual({});
    const none = { from_us: null, to_us: null, session: null, principal: null, connection: null };
    expect(await store.covered(202503, none)).toBe(3);
    expect(await store.covered(202503, { ...none, session: 's-3' })).toBe(3);
    expect(await store.covered(202503, { ...none, session: 'other' })).toBe(0);
    expect(await store.covered(202503, { ...none, principal: 'alice@example.com', connection: 'claude' })).toBe(3);
    expect(await store.covered(202503, { ...none, principal: 'bob' })).toBe(0);
    expect(await store.covered(202503, { ...none, from_us: month(4), to_us: month(5) })).toBe(0);
    // A session that goes on into the time of the hold: its earlier part carries bodies the later part refers to.
    await fill(4, ['request'], { session_id: 's-3' });
    expect(await store.covered(202503, { ...none, from_us: month(4), to_us: month(5) })).toBe(3);
    await store.close();
  });

  it('leaves alone what is not sealed and what arrives while it drops', async () => {
    await fill(5, EVENTS);
    const frontiers = { gateway: seq };
    await fill(5, ['request']);
    let late = 0;
    const store = open(async () => {
      if (late === 2) return;
      late += 1;
      await fill(5, ['response', 'decision']);
    });
    await store.drop(202505, TYPES, frontiers);
    await store.close();
    expect(await held(5)).toEqual({ ...STAYS, decision: 3, request: 1, response: 2 });
  });

  it('refuses everybody else', async () => {
    const { url, headers } = under.engine.access;
    await fill(6, ['request']);
    for (const login of [under.engine.writer, under.engine.migrator]) {
      const store = new ClickHouseRetentionStore({ url, headers, ...login });
      await expect(store.drop(202506, TYPES, ALL)).rejects.toMatchObject({ code: 'engine_failed' });
      await store.close();
    }
    expect(await held(6)).toEqual({ request: 1 });
  });
});

describe('a process that dies at any step, and the engine with it', () => {
  beforeEach(() => fill(7, [...EVENTS, ...EVENTS]));

  it.each(['copied', 'dropped a part', 'copied back'])('after "%s": the same call completes it', async (name) => {
    // Several parts, so that it can die between two.
    await fill(7, ['control', 'request']);
    const before = await held(7);
    const dying = open(async (step) => {
      if (step === name) throw new Error('killed');
    });
    await expect(dying.drop(202507, TYPES, ALL)).rejects.toThrow('killed');
    await dying.close();
    await killEngine();
    const store = open();
    await expect(store.drop(202502, TYPES, ALL)).rejects.toMatchObject({ code: 'conflict' });
    await store.drop(202507, TYPES, ALL);
    await store.close();
    const kept = Object.fromEntries(Object.entries(before).filter(([type]) => !TYPES.includes(type)));
    expect(await held(7)).toEqual(kept);
    expect(await exists()).toBe(0);
  });
});
