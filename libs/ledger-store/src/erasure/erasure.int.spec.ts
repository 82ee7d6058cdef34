import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContentRow } from '../port.js';
import { ClickHouseRetentionStore } from '../retention/clickhouse-retention-store.js';
import { openEmbedded, type OpenEmbedded } from '../testing/open-embedded.js';
import { sampleEvent } from '../testing/sample-rows.js';
import { ClickHouseErasureStore } from './clickhouse-erasure-store.js';

const JULY = Date.UTC(2026, 6, 1) * 1000;
const none = { from_us: null, to_us: null, session: null, principal: null, connection: null };
const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

let under: OpenEmbedded;
let seq = 0;
beforeAll(async () => void (under = await openEmbedded()), 300_000);
afterAll(() => under?.close());

function open(login = under.engine.eraser): ClickHouseErasureStore {
  const { url, headers } = under.engine.access;
  return new ClickHouseErasureStore({ url, headers, ...login });
}

/** A request event of the session, sealed under `key`, as the ingest appends it. Answers the digest of its segment. */
async function say(
  session: string,
  key: string,
  text: string,
  over: { at?: number; opened?: boolean; cites?: Buffer[] } = {},
): Promise<Buffer> {
  seq += 1;
  const place = { seq, session_id: session, exchange_id: `ex-${seq}`, occurred_at: (over.at ?? JULY) + seq };
  const sealed = sha256(`sealed ${text}`);
  const row = sampleEvent(seq, {
    ...place,
    event_type: 'request',
    content_key: key,
    data: { body: { complete: true, original_length: text.length, masked_length: text.length, original_digest: '', masks: [] } },
    segment_sha256: [...(over.cites ?? []), sealed],
    segment_length: [...(over.cites ?? []).map(() => 1), text.length],
    segment_inline: [...(over.cites ?? []).map(() => false), true],
    segment_content: [...(over.cites ?? []).map(() => Buffer.alloc(0)), key === '' ? Buffer.from(text) : Buffer.alloc(0)],
  });
  const content: ContentRow = {
    source_id: row.source_id,
    ...place,
    content_key: key,
    segment_sha256: [sealed],
    segment_content: [Buffer.from(text)],
  };
  if (key !== '' && over.opened !== false) await under.store.appendContent(`t${seq}`, [content]);
  await under.store.appendEvents(`t${seq}`, [row]);
  return sealed;
}

const bodies = (session: string): Promise<{ body: string; resolved: number; erased: number }[]> =>
  under.store.query('SELECT body, resolved, erased FROM audit.bodies WHERE session_id = {session:String} ORDER BY occurred_at', {
    session,
  });

/** Files below the engine's directory that hold the text; columns are compressed, and a short random text is in there as it is. */
function filesWith(text: string): string[] {
  const walk = (directory: string): string[] =>
    readdirSync(directory).flatMap((name) => {
      const path = join(directory, name);
      try {
        return statSync(path).isDirectory() ? walk(path) : readFileSync(path).includes(text) ? [path] : [];
      } catch {
        // Gone meanwhile.
        return [];
      }
    });
  return walk(join(under.directory, 'engine', 'data'));
}

describe('erasing opened content', () => {
  it('deletes what the keys sealed, from the disk too; bodies say so, and others stay as they are', async () => {
    const secret = randomUUID();
    const first = await say('s-1', 'k-1', secret);
    await say('s-1', 'k-2', ' and more', { cites: [first] });
    await say('s-2', 'k-3', 'another session');
    expect(await bodies('s-1')).toEqual([
      { body: secret, resolved: 1, erased: 0 },
      { body: `${secret} and more`, resolved: 1, erased: 0 },
    ]);
    expect(filesWith(secret)).not.toEqual([]);
    const raw = 'SELECT seq, lower(hex(raw)) AS raw, lower(hex(leaf)) AS leaf, data FROM ledger.events ORDER BY seq';
    const before = await under.store.query(raw);

    const store = open();
    expect(await store.deleteContent(['k-1', 'unknown'])).toBe(1);
    expect(await store.deleteContent(['k-1'])).toBe(0);
    expect(await bodies('s-1')).toEqual([
      { body: '[erased]', resolved: 0, erased: 1 },
      { body: '[erased]', resolved: 0, erased: 1 },
    ]);
    expect(await bodies('s-2')).toEqual([{ body: 'another session', resolved: 1, erased: 0 }]);
    expect(await store.deleteContent(['k-2'])).toBe(1);
    expect(await under.store.query(raw)).toEqual(before);
    await store.close();
    for (const end = Date.now() + 120_000; filesWith(secret).length > 0 && Date.now() < end;) await delay(250);
    expect(filesWith(secret)).toEqual([]);
  });

  it('tells what of a session there is, and what a hold covers', async () => {
    const store = open();
    await say('s-5', 'k-5', 'sealed');
    await say('s-5', 'k-6', 'sealed');
    await say('s-5', '', 'from before');
    expect(await store.contentOf('s-5')).toEqual({ keys: ['k-5', 'k-6'], events: 2, unsealed: 1 });
    expect(await store.contentOf('nobody')).toEqual({ keys: [], events: 0, unsealed: 0 });
    expect(await store.contentOf('')).toEqual({ keys: [], events: 0, unsealed: 0 });
    expect(await store.coveredOf('s-5', none)).toBe(3);
    expect(await store.coveredOf('s-5', { ...none, session: 's-5' })).toBe(3);
    expect(await store.coveredOf('s-5', { ...none, session: 's-2' })).toBe(0);
    expect(await store.coveredOf('s-5', { ...none, principal: 'alice@example.com', connection: 'claude' })).toBe(3);
    expect(await store.coveredOf('s-5', { ...none, to_us: JULY })).toBe(0);
    expect([await store.holdEvents(), await store.erasureEvents()]).toEqual([[], []]);
    await store.close();
  });

  it('is a right of that login alone, and its only one', async () => {
    await say('s-6', 'k-7', 'kept');
    for (const login of [under.engine.writer, under.engine.migrator]) {
      const store = open(login);
      await expect(store.deleteContent(['k-7'])).rejects.toMatchObject({ code: 'engine_failed' });
      await store.close();
    }
    expect(await bodies('s-6')).toEqual([{ body: 'kept', resolved: 1, erased: 0 }]);
    const { url, headers } = under.engine.access;
    const login = new URLSearchParams({ ...under.engine.eraser });
    for (const query of [
      'ALTER TABLE ledger.events DELETE WHERE 1',
      'ALTER TABLE ledger.events UPDATE session_id = 1 WHERE 1',
      'DROP TABLE ledger.content',
      'TRUNCATE TABLE ledger.content',
      "INSERT INTO ledger.content (session_id) VALUES ('x')",
    ]) {
      const answer = await fetch(`${url}/?${login.toString()}`, { method: 'POST', headers: { ...headers }, body: query });
      expect([query, answer.ok, (await answer.text()).includes('ACCESS_DENIED')]).toEqual([query, false, true]);
    }
  });

  it('content goes with the events that retention drops', async () => {
    const may = Date.UTC(2026, 4, 1) * 1000;
    await say('s-8', 'k-8', 'old', { at: may });
    const unsealed = seq + 1;
    await say('s-8', 'k-8', 'not sealed yet', { at: may });
    const { url, headers } = under.engine.access;
    const retention = new ClickHouseRetentionStore({ url, headers, ...under.engine.retention });
    for (let time = 0; time < 2; time += 1) await retention.drop(202605, ['request', 'segment', 'response'], { gateway: unsealed - 1 });
    await retention.close();
    expect(await under.store.query("SELECT seq FROM ledger.content WHERE session_id = 's-8'")).toEqual([{ seq: unsealed }]);
    expect(await bodies('s-8')).toMatchObject([{ body: 'not sealed yet' }]);
  });
});
