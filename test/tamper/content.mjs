// The opened text of a real ledger, in its real engine: one value of one row after another is changed, rows are taken away, added, doubled, exchanged and
// brought back after their key was destroyed, and each must be found and named by `affiant ledger check-content`, and by nothing else.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { checkContent } from '../../dist/apps/ledger/src/index.js';
import { openCatalogue, TypeormKeyBook } from '../../dist/libs/catalogue/src/index.js';
import { LocalWrapper } from '../../dist/libs/content-keys/src/index.js';
import { EmbeddedEventLog } from '../../dist/libs/event-log/src/index.js';
import { EventCodec } from '../../dist/libs/events/src/index.js';
import { ClickHouseLedgerStore, startEmbeddedEngine } from '../../dist/libs/ledger-store/src/index.js';
import { createLogger } from '../../dist/libs/observability/src/index.js';
import { loadSecret } from '../../dist/libs/signing/src/index.js';
import { affiantAside } from '../support/instance.mjs';

/** One bit of a text, of the character `at` (from 1). */
const bit = (text, at) =>
  `concat(substring(${text}, 1, ${at} - 1), char(bitXor(reinterpretAsUInt8(substring(${text}, ${at}, 1)), 1)), substring(${text}, ${at} + 1))`;
const ofFirst = (column, changed) => `arrayMap((one, place) -> if(place = 1, ${changed}, one), ${column}, arrayEnumerate(${column}))`;

const SEQ_BITS = [0, 63, 3, 40];

/** Column -> the expression that has one bit of it changed; `salt` chooses where. */
const FLIPS = {
  source_id: (salt) => bit('toString(source_id)', 1 + (salt % 4)),
  seq: (one) => `bitXor(seq, bitShiftLeft(toUInt64(1), ${one}))`,
  occurred_at: (salt) => `fromUnixTimestamp64Micro(bitXor(toUnixTimestamp64Micro(occurred_at), bitShiftLeft(toInt64(1), ${salt % 20})))`,
  session_id: (salt) => bit('session_id', 1 + (salt % 8)),
  exchange_id: (salt) => bit('exchange_id', 1 + (salt % 36)),
  content_key: (salt) => bit('content_key', 1 + (salt % 36)),
  segment_sha256: (salt) => ofFirst('segment_sha256', `toFixedString(${bit('toString(one)', 1 + (salt % 32))}, 32)`),
  segment_content: (salt) => ofFirst('segment_content', bit('one', `(1 + ${salt} % length(one))`)),
};

export async function content(state, check, { quick }) {
  if (!quick) await affiantAside(state, ['ledger', 'check-content']);
  const ledger = await openLedger(state);
  try {
    const places = await ledger.rows(
      'SELECT source_id, toString(seq) AS seq, session_id, content_key FROM ledger.content ORDER BY source_id, seq',
    );
    const columns = (await ledger.rows("SELECT name FROM system.columns WHERE database = 'ledger' AND table = 'content'")).map(
      ({ name }) => name,
    );
    const clean = await ledger.check();
    check(
      `its opened text agrees with its events and keys (${clean.sealed_events} events, ${clean.segments} segments)`,
      clean.finding_count === 0 && clean.unchecked_count === 0 && clean.rows === places.length && clean.sealed_events === places.length,
      JSON.stringify(clean.findings),
    );

    const wrong = columns.filter((name) => FLIPS[name] === undefined).map((name) => `${name}: no flip of it is known here`);
    let flips = 0;
    for (let round = 0; round < (quick ? 1 : 8); round += 1) {
      // Each column at an event of its own. A seq must not land on another row: that would be two changes in one.
      const turned = places.map((_, nth) => places[(round * 5 + nth) % places.length]);
      const landsApart = ({ seq }, one) => !places.some((other) => BigInt(other.seq) === (BigInt(seq) ^ (1n << BigInt(one))));
      const seqBit = [...SEQ_BITS.slice(round % 4), 63].find((one) => turned.some((place) => landsApart(place, one)));
      const forSeq = turned.find((place) => landsApart(place, seqBit));
      const others = turned.filter((place) => place !== forSeq);
      const changes = Object.entries(FLIPS).map(([column, flip], index) => {
        const isSeq = column === 'seq';
        return { column, place: isSeq ? forSeq : others[index], change: `${flip(isSeq ? seqBit : round + index)} AS ${column}` };
      });
      const found = await ledger.altered(changes);
      flips += changes.length;
      for (const { column, place } of changes) if (!named(found, place, column)) wrong.push(`${column}: ${brief(found) || 'not found'}`);
      // One finding a column, and two where the row is at another place now: missing here, too many there.
      if (found.finding_count !== changes.length + 2) wrong.push(`${found.finding_count} findings: ${brief(found)}`);
    }
    check(
      `one bit flipped in each of ${columns.length} columns of ledger.content (${flips} flips): found and named`,
      wrong.length === 0,
      wrong.slice(0, 4).join(' | '),
    );
    await moved(ledger, places, check);
    const after = await ledger.check();
    check('put back as it was, nothing is found', after.finding_count === 0 && after.rows === places.length, brief(after));
    await returned(ledger, places, check);
  } finally {
    await ledger.close();
  }
  const said = JSON.parse(await affiantAside(state, ['ledger', 'check-content', '--json'], { expect: 1 }));
  check(
    'affiant ledger check-content says so too, with exit code 1',
    said.ok === false && said.findings.every(({ code, session_id, event_id }) => code === 'content_returned' && session_id !== undefined && event_id !== null), // prettier-ignore
    JSON.stringify(said).slice(0, 400),
  );
}

/** Rows deleted, doubled, exchanged for another, added where no event is. */
async function moved(ledger, places, check) {
  const [gone, twice, swapped, other] = places;
  const added = { source_id: gone.source_id, seq: '1000000007' };
  const found = await ledger.altered([
    { place: gone, change: null },
    { place: twice, change: '', rows: 2 },
    { place: swapped, from: other, change: `'${swapped.source_id}' AS source_id, toUInt64(${swapped.seq}) AS seq` },
    { place: added, from: gone, change: `toUInt64(${added.seq}) AS seq` },
  ]);
  const unseen = [
    [gone, 'row_missing'],
    [twice, 'row_unexpected'],
    [swapped, 'column_altered'],
    [added, 'row_unexpected'],
  ].filter(([place, code]) => !found.findings.some((finding) => finding.code === code && at(finding, place)));
  const placesNamed = new Set(found.findings.map(({ seq }) => seq));
  check(
    'a row of ledger.content deleted, doubled, exchanged for another, added: found and named, and nothing else',
    unseen.length === 0 && placesNamed.size === 4,
    `${JSON.stringify(unseen)} ${brief(found)}`,
  );
}

/** A key is destroyed and its text deleted, as an erasure does: no finding. Then the text comes back. */
async function returned(ledger, places, check) {
  const place = places[Math.floor(places.length / 2)];
  const erased = places.filter(({ content_key }) => content_key === place.content_key);
  const bytes = await ledger.native(place);
  await ledger.book.destroy([place.content_key], '01980000-0000-7000-8000-000000000001', Date.now());
  await ledger.remove(erased);
  const quiet = await ledger.check();
  check(
    `text of a destroyed key that is not there is no finding (${quiet.erased_events} events)`,
    quiet.finding_count === 0 && quiet.erased_events === erased.length,
    brief(quiet),
  );
  await ledger.insert(bytes);
  const found = await ledger.check();
  check(
    'erased text that came back: found and named',
    found.finding_count === 1 && found.findings[0].code === 'content_returned' && at(found.findings[0], place),
    brief(found),
  );
}

const at = (finding, { source_id, seq }) => finding.source_id === source_id && finding.seq === String(seq);
const brief = ({ findings }) => findings.slice(0, 3).map(({ code, where }) => `${code} ${where}`).join('; '); // prettier-ignore

/** Whether the change of that column is named: by the column, or, of a place, by the row that is missing there and the one that is too many elsewhere. */
function named({ findings }, place, column) {
  if (column === 'source_id' || column === 'seq')
    return findings.some((one) => one.code === 'row_missing' && at(one, place)) && findings.some((one) => one.code === 'row_unexpected');
  const one = findings.find((finding) => at(finding, place));
  const isText = column === 'segment_content' || column === 'segment_sha256';
  return (
    one?.code === 'column_altered' &&
    one.column === column &&
    one.event_id !== '' &&
    one.session_id === place.session_id &&
    (isText ? one.segment === 0 && /^[0-9a-f]{64}$/.test(one.segment_sha256) : one.segment === null)
  );
}

async function openLedger(state) {
  const engine = await startEmbeddedEngine({ stateDirectory: state, logger: createLogger('tamper', { level: 'error' }) });
  const { url, headers } = engine.access;
  const store = new ClickHouseLedgerStore({ url, headers, ...engine.writer, migrator: engine.migrator });
  const catalogue = await openCatalogue({ directory: join(state, 'catalogue') });
  const eventLog = new EmbeddedEventLog({
    journalDirectory: join(state, 'journal'),
    groupsDirectory: join(state, 'groups'),
    key: await loadSecret(join(state, 'keys/journal.key')),
  });
  const book = new TypeormKeyBook(catalogue);
  const wrapper = new LocalWrapper(await loadSecret(join(state, 'keys/content.key')));
  const work = { erasing: async () => false, dropping: async () => false };
  const ask = async ({ user, password }, query, body = query) => {
    const answer = await fetch(body === query ? url : `${url}/?query=${encodeURIComponent(query)}`, {
      method: 'POST',
      headers: { ...headers, 'x-clickhouse-user': user, 'x-clickhouse-key': password },
      body,
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) throw new Error(`${bytes}\n${query}`);
    return bytes;
  };
  const one = ({ source_id, seq }) => `SELECT * FROM ledger.content WHERE source_id = '${source_id}' AND seq = ${seq}`;
  const places = await store.query(
    'SELECT source_id, toString(seq) AS seq, session_id, content_key FROM ledger.content ORDER BY source_id, seq',
  );
  const ledger = {
    book,
    places,
    rows: (query) => store.query(query),
    check: () => checkContent({ store, book, wrapper, work, eventLog, codec: new EventCodec() }),
    native: (place, change = '') => ask(engine.writer, `SELECT * ${change} FROM (${one(place)}) FORMAT Native`),
    // A token of its own: the engine passes over rows that it was given before.
    insert: (bytes) =>
      ask(engine.writer, `INSERT INTO ledger.content SETTINGS insert_deduplication_token = '${randomUUID()}' FORMAT Native`, bytes),
    remove: async (gone) => {
      const these = gone.map(({ source_id, seq }) => `('${source_id}', ${seq})`).join();
      await ask(engine.eraser, `ALTER TABLE ledger.content DELETE WHERE (source_id, seq) IN (${these}) SETTINGS mutations_sync = 2`);
    },
    /**
     * What a check finds while rows are others: each `place` without its row, and with what `change` makes of the row of `from` (default: of the place
     * itself). Afterwards all is as before.
     */
    altered: async (changes) => {
      const good = [];
      const bad = [];
      const there = [];
      for (const { place, change, from = place, rows = 1 } of changes) {
        if (places.some((known) => at(known, place))) good.push({ place, bytes: await ledger.native(place) });
        if (change === null) continue;
        const replaced = change === '' ? '' : `REPLACE (${change})`;
        const bytes = await ledger.native(from, replaced);
        for (let copy = 0; copy < rows; copy += 1) bad.push(bytes);
        there.push(...(await store.query(`SELECT source_id, toString(seq) AS seq FROM (SELECT * ${replaced} FROM (${one(from)}))`)));
      }
      await ledger.remove(good.map(({ place }) => place));
      for (const bytes of bad) await ledger.insert(bytes);
      const found = await ledger.check();
      await ledger.remove(there);
      for (const { bytes } of good) await ledger.insert(bytes);
      return found;
    },
    close: async () => {
      await eventLog.close();
      await catalogue.destroy();
      await store.close();
      await engine.stop();
    },
  };
  return ledger;
}
