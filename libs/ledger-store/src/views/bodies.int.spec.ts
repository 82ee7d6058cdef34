import { createHash, randomBytes } from 'node:crypto';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../engine/limits.js';
import { loadMigrations } from '../store/migrations.js';
import type { ContentRow, EventRow } from '../port.js';
import { openEmbedded, type OpenEmbedded } from '../testing/open-embedded.js';
import { sampleEvent, sampleLeaves } from '../testing/sample-rows.js';

const COLUMNS =
  'exchange_id, session_id, direction, occurred_at, body, resolved, complete, original_length, masked_length, original_digest, erased';
const TURNS = 400;
const TURN_BYTES = 10_000;
/** A quarter of what a reader's query may have, and what the old view did not fit four times over. */
const MEMORY = 200_000_000;

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

let under: OpenEmbedded;
let seq = 0;
const events: EventRow[] = [];
const content: ContentRow[] = [];
beforeAll(async () => void (under = await openEmbedded()), 300_000);
afterAll(() => under?.close());

interface Said {
  readonly type?: 'request' | 'response' | 'segment' | 'decision';
  /** Key that seals what it carries; its content is in the ledger unless it was erased. */
  readonly key?: string;
  readonly erased?: boolean;
  readonly cites?: readonly string[];
}

/** An event that carries texts and cites others, in this order. */
function say(
  session: string,
  exchange: string,
  carries: readonly string[],
  { type = 'request', key = '', erased, cites = [] }: Said = {},
): void {
  seq += 1;
  const texts = [...carries, ...cites];
  const isCarried = texts.map((_, index) => index < carries.length);
  const place = { session_id: session, exchange_id: exchange };
  const row = sampleEvent(seq, {
    ...place,
    event_type: type,
    content_key: key,
    data: { body: { complete: seq % 2 === 0, original_length: seq, masked_length: seq + 1, original_digest: `${seq}`, masks: [] } },
    segment_sha256: texts.map(sha256),
    segment_length: texts.map((text) => text.length),
    segment_inline: isCarried,
    segment_content: texts.map((text, index) => Buffer.from(isCarried[index] === true && key === '' ? text : '')),
  });
  events.push(row);
  if (key === '' || erased === true || carries.length === 0) return;
  const { source_id, occurred_at } = row;
  content.push({
    source_id,
    seq,
    occurred_at,
    ...place,
    content_key: key,
    segment_sha256: carries.map(sha256),
    segment_content: carries.map((text) => Buffer.from(text)),
  });
}

async function append(token: string): Promise<void> {
  const added = events.splice(0);
  await under.store.appendContent(token, content.splice(0));
  await under.store.appendEvents(token, added);
  await under.store.appendLeaves(`${token}/leaves`, sampleLeaves(added, seq - added.length));
}

/** The view as the migration before made it, and its twin, beside the present ones. */
async function makeBefore(): Promise<void> {
  const { url, headers } = under.engine.access;
  const { user: username, password } = under.engine.migrator;
  const migrator = createClient({ url, http_headers: { ...headers }, username, password });
  const before = loadMigrations()
    .find(({ id }) => id === 6)!
    .statements.filter((text) => text.startsWith('CREATE VIEW IF NOT EXISTS audit.bodies'));
  for (const statement of before) await migrator.command({ query: statement.replace('audit.bodies', 'audit.before') });
  await migrator.close();
}

describe('audit.bodies', () => {
  it('gives what it gave before it joined, row for row, at every tree size', async () => {
    say('a', 'x1', ['one', 'ä two', 'one']);
    say('a', 'x1', ['answer'], { type: 'response' });
    say('a', 'x2', ['ahead'], { type: 'segment' });
    say('a', 'x2', ['new'], { cites: ['ahead', 'one', 'ä two', 'one'] });
    say('a', 'x2', [], { type: 'response' });
    say('a', 'x3', ['three'], { cites: ['never said', 'of b'] });
    say('b', 'x4', ['of b'], { key: 'k1' });
    say('b', 'x5', ['more of b'], { key: 'k1', cites: ['of b'] });
    say('b', 'x5', ['to be gone'], { type: 'segment', key: 'k2', erased: true });
    say('b', 'x5', ['seen'], { type: 'response', key: 'k1', cites: ['to be gone', 'of b'] });
    say('b', 'x6', ['kept twice'], { key: 'k2', erased: true });
    say('b', 'x7', ['kept twice'], { key: 'k3' });
    say('', 'x8', ['lone'], { key: 'k4' });
    say('', 'x9', ['other'], { cites: ['lone'] });
    say('', '', ['of no exchange']);
    say('c', 'x10', ['not a body'], { type: 'decision' });
    await append('short');
    await makeBefore();
    const rows = (from: string): Promise<unknown[]> => under.store.query(`SELECT ${COLUMNS} FROM ${from} ORDER BY original_length`);
    const now = await rows('audit.bodies');
    expect(now).toHaveLength(13);
    expect(now).toMatchObject([
      { body: 'oneä twoone', resolved: 1, erased: 0 },
      { body: 'answer', direction: 'response' },
      { body: 'newaheadoneä twoone', resolved: 1 },
      { body: '', direction: 'response', resolved: 1 },
      { body: 'three', resolved: 0, erased: 0 },
      { body: 'of b' },
      { body: 'more of bof b', resolved: 1 },
      { body: '[erased]', resolved: 0, erased: 1 },
      { body: 'kept twice', resolved: 1, erased: 0 },
      { body: 'kept twice' },
      { body: 'lone', resolved: 1 },
      { body: 'other', resolved: 0 },
      { body: 'of no exchange', resolved: 1 },
    ]);
    expect(now).toEqual(await rows('audit.before'));
    for (let size = 0; size <= 16; size += 1) {
      const at = `_at(tree_size = ${size})`;
      expect([size, await rows(`audit.bodies${at}`)]).toEqual([size, await rows(`audit.before${at}`)]);
    }
  });

  it('puts a session of hundreds of turns together in bounded memory, sealed or not', async () => {
    for (const [session, key] of [
      ['long', ''],
      ['long-sealed', 'k5'],
    ] as const) {
      const said: string[] = [];
      for (let turn = 0; turn < TURNS; turn += 1) {
        const text = `${session} ${turn} ${randomBytes(TURN_BYTES / 4).toString('hex')}`.padEnd(TURN_BYTES, '.');
        say(session, exchange(session, turn), [text], { key, cites: said });
        say(session, exchange(session, turn), [`${session} answer ${turn}`], { type: 'response', key });
        said.push(text);
      }
      await append(session);
      const within = `SETTINGS max_memory_usage = ${MEMORY}`;
      const sizes = (where: string): Promise<unknown[]> =>
        under.store.query(
          `SELECT count() AS n, sum(length(body)) AS bytes, min(resolved) AS whole FROM audit.bodies
           WHERE session_id = {session:String} AND direction = 'request' AND ${where} ${within}`,
          { session },
        );
      const last = TURNS - 1;
      expect(await sizes(`exchange_id = '${exchange(session, last)}'`)).toEqual([{ n: 1, bytes: TURNS * TURN_BYTES, whole: 1 }]);
      expect(await sizes(`exchange_id > '${exchange(session, last - 4)}'`)).toEqual([
        { n: 4, bytes: (4 * TURNS - 6) * TURN_BYTES, whole: 1 },
      ]);
      const [page] = await under.store.query<{ body: string }>(
        `SELECT body FROM audit.bodies WHERE session_id = {session:String} AND exchange_id = {last:String} AND direction = 'request' ${within}`,
        { session, last: exchange(session, last) },
      );
      expect(sha256(page!.body)).toEqual(sha256([said.at(-1), ...said.slice(0, -1)].join('')));
    }
    // All of them are eight hundred megabytes: put together a few at a time, and what is grouped goes to disk, as a reader's profile has it.
    const { queryMemoryBytes } = DEFAULT_LIMITS;
    expect(
      await under.store.query(
        `SELECT count() AS n, sum(length(body)) AS bytes FROM audit.bodies WHERE session_id = 'long-sealed' AND direction = 'request'
         SETTINGS max_memory_usage = ${queryMemoryBytes}, max_bytes_before_external_group_by = ${Math.floor(queryMemoryBytes / 3)}`,
      ),
    ).toEqual([{ n: TURNS, bytes: ((TURNS * (TURNS + 1)) / 2) * TURN_BYTES }]);
  });
});

const exchange = (session: string, turn: number): string => `0198c000-0000-7000-8000-${session}-${String(turn).padStart(5, '0')}`;
