// A real small ledger: a standalone instance with its engine takes calls, seals them and is asked for its rows; then one value after another is
// changed in the copy, and each change must be found and named by its column.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkRows } from '../../dist/apps/ledger/src/check/index.js';
import { foundBank } from '../support/bank.mjs';
import { formatVkey } from '../../dist/libs/signing/src/index.js';
import { cosign, parseNote } from '../../dist/libs/tlog/src/index.js';
import { DirectorySource, readPolicyFile } from '../../dist/libs/verify/src/index.js';
import { logSigner } from '../../dist/libs/verify/src/testing/make-log.js';
import { affiantAside, sql, startInstance, token, until } from '../support/instance.mjs';
import { checkBoth } from './both.mjs';
import { content } from './content.mjs';

/** Columns that nothing commits to: only their order is checked (docs/reference/verify.md). */
const UNCOMMITTED = new Set(['ingested_at', 'sealed_at']);

export async function ledger(directory, check, { quick }) {
  const { tiles, rows, policy, state } = await realLedger(directory);
  const source = new DirectorySource(tiles);
  const whole = await checkBoth({ directory: tiles, policy });
  check(`the log of a real ledger verifies by both (${whole.report.checkpoint?.size} leaves)`, whole.ok, whole.found.join('; '));
  const size = whole.report.checkpoint?.size ?? 0;
  const run = async (tables, trust = policy) => {
    const of = async function* (list) {
      yield list;
    };
    const report = await checkRows(source, size, readPolicyFile(trust), {
      events: of(tables.events),
      leaves: of(tables.leaves),
      checkpoints: of(tables.checkpoints),
      leaf_runs: of(tables.leaf_runs),
      anchors: of(tables.anchors),
    });
    return { report, found: report.findings.list.map(({ code, where }) => `${code} ${where}`) };
  };
  const clean = await run(rows);
  check(
    `its rows agree with it (${clean.report.events} events, ${clean.report.checkpoints} checkpoints)`,
    clean.found.length === 0,
    clean.found.slice(0, 4).join('; '),
  );
  const line = await affiantAside(null, [
    'verify',
    tiles,
    '--policy',
    join(state, 'keys/ledger.vkey'),
    '--events',
    join(directory, 'export'),
    '--json',
  ]);
  check('affiant verify says so too', JSON.parse(line).ok === true, line.slice(0, 400));

  const sealedBefore = Number(rows.checkpoints.filter((row) => Number(row.c_tree_size) <= size).at(-1)?.c_round ?? 0);
  for (const [table, list] of Object.entries(rows)) {
    // No witness is configured here: anchors are made below.
    if (table === 'anchors') continue;
    // Rows that came after the copy of the tiles are vouched for by no leaf of it yet.
    const inside = list.filter((row) => covered(table, row, size, sealedBefore));
    const columns = Object.keys(list[0]).map((key) => key.slice(2)).filter((name) => name !== 'fields_expected'); // prettier-ignore
    const wrong = [];
    let flips = 0;
    for (const column of columns) {
      if (UNCOMMITTED.has(column)) continue;
      for (const index of chosen(inside, `c_${column}`, quick ? 2 : 12)) {
        const at = list.indexOf(inside[index]);
        const changed = list.with(at, { ...list[at], [`c_${column}`]: flipped(list[at][`c_${column}`], index) });
        const sorted = table === 'events' ? changed.toSorted(byPlace) : changed;
        const { found } = await run({ ...rows, [table]: sorted });
        flips += 1;
        if (!found.some((one) => names(one, table, list[at], column)))
          wrong.push(`${table}.${column}: ${found.slice(0, 3).join('; ') || 'not found'}`);
      }
    }
    check(
      `one bit flipped in each of ${columns.length} columns of ledger.${table} (${flips} flips): found and named`,
      wrong.length === 0 && flips > columns.length / 2,
      wrong.slice(0, 3).join(' | '),
    );

    const middle = list.indexOf(inside[Math.floor(inside.length / 2)]);
    const gone = (await run({ ...rows, [table]: list.toSpliced(middle, 1) })).found;
    const twice = (await run({ ...rows, [table]: list.toSpliced(middle, 0, list[middle]) })).found;
    const swapped = (await run({ ...rows, [table]: list.with(middle, list[middle + 1]).with(middle + 1, list[middle]) })).found;
    const cases = { gone, twice, swapped };
    const unseen = Object.entries(cases).filter(([, found]) => !(found[0] ?? '').includes(`ledger.${table}`));
    check(
      `a row of ledger.${table} deleted, doubled, swapped with the next: found and named`,
      unseen.length === 0,
      JSON.stringify(unseen).slice(0, 400),
    );
  }
  await anchors(rows, policy, size, run, check);
  const cut = (await run({ ...rows, events: rows.events.slice(0, Math.floor(rows.events.length / 3)) })).found;
  check(
    'ledger.events cut short: the first missing event is named',
    (cut.find((one) => one.startsWith('event_missing')) ?? '').includes('ledger.events'),
    cut.slice(0, 2).join('; '),
  );
  await content(state, check, { quick });
}

/** A row of ledger.anchors over a real checkpoint, cosigned by a witness of ours, each of its columns changed. */
async function anchors(rows, policy, size, run, check) {
  const witness = logSigner('witness.test/a');
  const trust = `log ${policy.trim()}\nwitness a ${formatVkey(witness.name, witness.publicKey, 'cosignature')}\nquorum a\n`;
  const sealed = rows.checkpoints.findLast((row) => Number(row.c_tree_size) <= size);
  const note = sealed.c_note + (await cosign(parseNote(sealed.c_note).text, witness, 1_790_000_000));
  const good = {
    c_tree_size: sealed.c_tree_size,
    c_root_hash: sealed.c_root_hash,
    c_note: note,
    c_witness_names: ['a'],
    c_witness_times: [1_790_000_000],
  };
  const found = async (row) => (await run({ ...rows, anchors: [row] }, trust)).found;
  const clean = await found(good);
  const where = `ledger.anchors size ${good.c_tree_size}`;
  const unseen = [];
  for (const column of ['tree_size', 'root_hash', 'note']) {
    const [first] = await found({ ...good, [`c_${column}`]: flipped(good[`c_${column}`], column === 'note' ? note.length - 20 : 3) });
    if (!(first ?? '').includes('ledger.anchors size ') || (column === 'root_hash' && first !== `column_altered ${where} column root_hash`))
      unseen.push(`${column}: ${first}`);
  }
  check(
    'a row of ledger.anchors agrees with the tree and its witness; each column changed: found and named',
    clean.length === 0 && unseen.length === 0,
    [...clean, ...unseen].join('; '),
  );
}

function covered(table, row, size, sealedBefore) {
  if (table === 'leaves') return Number(row.c_leaf_index) < size;
  if (table === 'leaf_runs') return Number(row.c_index_from) < size;
  if (table === 'checkpoints') return Number(row.c_round) < sealedBefore;
  return row.c_event_type !== 'checkpoint';
}

const byPlace = (a, b) => (a.c_source_id === b.c_source_id ? Number(a.c_seq) - Number(b.c_seq) : a.c_source_id < b.c_source_id ? -1 : 1);

/** Rows whose value is not empty first: a flip of nothing changes nothing. */
function chosen(rows, key, count) {
  const filled = rows.flatMap((row, index) => (String(row[key]) === '' ? [] : [index]));
  const picked = new Set();
  for (let step = 0; step < count && filled.length > 0; step += 1) picked.add(filled[Math.floor((step * filled.length) / count)]);
  return [...picked];
}

/** The value with one bit of it changed, in its own type. */
function flipped(value, salt) {
  if (Array.isArray(value)) return value.length === 0 ? ['x'] : value.with(0, flipped(value[0], salt));
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value % 2 === 0 ? value + 1 : value - 1;
  const text = String(value);
  if (/^-?\d+$/.test(text)) return String(BigInt(text) ^ 1n);
  const at = salt % text.length;
  // Bit 0 of an ASCII character gives another printable one, save for those that would end the text.
  return `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ 1)}${text.slice(at + 1)}`;
}

/** Whether a finding names the row and the column, or what the column's change means: other bytes, another place, another signature. */
function names(found, table, row, column) {
  if (table === 'events') {
    if (column === 'raw') return found.includes(`ledger.events ${row.c_source_id} seq ${row.c_seq}`);
    if (column === 'source_id') return found.startsWith('event_missing ledger.events ') || found.includes('column source_id');
    if (column === 'seq') return found.includes(`ledger.events ${row.c_source_id} seq`);
    return found === `column_altered ledger.events ${row.c_source_id} seq ${row.c_seq} column ${column}`;
  }
  if (table === 'leaves')
    return column === 'leaf_index'
      ? found.includes(`ledger.leaves leaf ${row.c_leaf_index}`)
      : found === `column_altered ledger.leaves leaf ${row.c_leaf_index} column ${column}`;
  if (table === 'leaf_runs') return found.includes('ledger.leaf_runs leaf ');
  return found.includes('ledger.checkpoints round ') && found.endsWith(`column ${column}`);
}

/** Takes calls, waits until they are sealed, copies the tiles, then exports the rows: rows may be ahead of the copy, never behind. */
async function realLedger(directory) {
  const { state, config, provider } = await foundBank({ directory, institution: 'Tamper Bank' });
  const instance = await startInstance({ state, config });
  try {
    const caller = token(state, 'ada', 'engineering');
    const auditor = token(state, 'olga', 'auditors');
    for (let call = 0; call < 12; call += 1) {
      const response = await fetch(`${instance.gateway}/c/demo/v1/messages`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${caller}`,
          'content-type': 'application/json',
          'anthropic-version': '2023-06-01',
          // A key for each session, so that one can be destroyed; and calls without any.
          ...(call % 3 === 0 ? {} : { 'x-claude-code-session-id': `tamper-session-${call % 3}` }),
        },
        body: JSON.stringify({
          model: 'claude-sonnet-4-5',
          max_tokens: 50,
          stream: call % 2 === 0,
          messages: [{ role: 'user', content: `call ${call}, my card is 4111 1111 1111 1111` }],
        }),
      });
      await response.text();
      if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
    }
    // Leaf rows are there before the checkpoint that seals them is published.
    const sealed = async () => {
      const [row] = await sql(
        instance,
        auditor,
        `SELECT count() AS n, max(l.leaf_index) AS last FROM ledger.events AS e INNER JOIN ledger.leaves AS l ON e.source_id = l.source_id AND e.seq = l.seq WHERE e.event_type = 'response'`,
      );
      const note = join(state, 'tiles/checkpoint');
      return Number(row.n) >= 12 && existsSync(note) && Number(readFileSync(note, 'utf8').split('\n')[1]) > Number(row.last);
    };
    await until('every response is sealed', sealed, 120_000);
    const tiles = join(directory, 'tiles');
    // The checkpoint first: tiles are there before the checkpoint that needs them, and never change.
    mkdirSync(tiles, { recursive: true });
    const checkpoint = readFileSync(join(state, 'tiles/checkpoint'));
    cpSync(join(state, 'tiles'), tiles, { recursive: true });
    writeFileSync(join(tiles, 'checkpoint'), checkpoint);
    await affiantAside(state, ['ledger', 'export', '--to', join(directory, 'export'), '--token', auditor]);
    const rows = Object.fromEntries(
      ['events', 'leaves', 'leaf_runs', 'checkpoints', 'anchors'].map((table) => [
        table,
        readFileSync(join(directory, 'export', `${table}.ndjson`), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)),
      ]),
    ); // prettier-ignore
    return { state, tiles, rows, policy: readFileSync(join(state, 'keys/ledger.vkey'), 'utf8') };
  } finally {
    await instance.stop();
    await provider.close();
  }
}
