// A session is erased in a running instance: two people, a hold that stops it, then its text is nowhere in the state directory, and every proof holds.
import '../support/prepare.mjs';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foundBank, speaker } from '../support/bank.mjs';
import { checker } from '../support/checker.mjs';
import { affiantAside, sql, startInstance, token, until } from '../support/instance.mjs';

const { check, finish } = checker();
const directory = mkdtempSync(join(tmpdir(), 'affiant-erase-'));
const [gone, kept] = ['falcon', 'heron'].map((word) => `${word}-${randomBytes(12).toString('hex')}`);
const { state, config, provider } = await foundBank({
  directory,
  institution: 'Erasing Bank',
  more: `holds: { place: [ legal ], release: [ legal ] }
erasure: { request: [ privacy ], approve: [ privacy ] }
`,
});
const verify = async () => {
  const args = ['verify', join(state, 'tiles'), '--policy', join(state, 'keys/ledger.vkey'), '--events', 'instance', '--token', auditor];
  return JSON.parse(await affiantAside(state, [...args, '--json']));
};
let instance = await startInstance({ state, config, npm: true });
let auditor = token(state, 'olga', 'auditors');
try {
  const person = {
    ada: token(state, 'ada', 'privacy'),
    ben: token(state, 'ben', 'privacy'),
    lea: token(state, 'lea', 'legal'),
    leo: token(state, 'leo', 'legal'),
  };
  const as = (who, ...args) => affiantAside(state, [...args, '--token', person[who], '--json']).then(JSON.parse);
  const refused = async (who, ...args) => {
    const { status } = await fetch(`${instance.console}/api/v1/erasures${args[0]}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${person[who]}`, 'content-type': 'application/json' },
      body: JSON.stringify(args[1]),
    });
    return status;
  };
  const say = speaker(instance, token(state, 'eve', 'engineering'));
  const large = `${gone} ${'0123456789abcdef '.repeat(20_000)}`;
  await say('to-erase', [`remember ${gone}`]);
  await say('to-erase', [`remember ${gone}`, 'I do', `and ${gone} again`]);
  await say('to-erase', [large]);
  await say('to-keep', [`remember ${kept}`]);
  await say(null, [`on its own ${gone}`]);
  const texts = async (session) =>
    (await sql(
      instance,
      auditor,
      `SELECT body, erased, resolved FROM audit.bodies WHERE session_id = '${session}' ORDER BY occurred_at`,
    )) ?? [];
  const lone = async () => {
    const query = `SELECT session_id FROM audit.sessions WHERE principal_subject = 'eve' AND session_id LIKE 'day:%'`;
    const [session] = (await sql(instance, auditor, query)) ?? [];
    return session === undefined ? [] : (await texts(session.session_id)).map((row) => ({ ...row, ...session }));
  };
  await until(
    'all bodies are queryable',
    async () => (await texts('to-erase')).length === 6 && (await texts('to-keep')).length === 2 && (await lone()).length === 2,
    120_000,
  );
  check(
    'before: bodies are readable',
    (await texts('to-erase')).every(({ resolved, erased }) => resolved === 1 && erased === 0) &&
      JSON.stringify(await texts('to-erase')).includes(gone),
  );
  // Not as it is: the text of a query is recorded, and would be found below.
  const content = await sql(
    instance,
    auditor,
    `SELECT count() AS n, countIf(position(raw, unhex('${Buffer.from(gone).toString('hex')}')) > 0) AS plain FROM ledger.events`,
  );
  check('no event carries the text', Number(content[0].plain) === 0);
  const period = ['--from', new Date(Date.now() - 3_600_000).toISOString(), '--to', new Date(Date.now() + 60_000).toISOString()];
  const before = JSON.parse(await affiantAside(state, ['packet', 'create', '--framework', 'ffiec', ...period, '--json']));
  check('a packet from before is made', before.state === 'done', JSON.stringify(before.error));

  // Two people, of the right groups.
  check('somebody else may not request it', (await refused('lea', '', { session: 'to-erase', reason: 'x', basis: 'y' })) === 403);
  check('a session that is not there cannot be erased', (await refused('ada', '', { session: 'nobody', reason: 'x', basis: 'y' })) === 404);
  const request = () => as('ada', 'erase', '--session', 'to-erase', '--reason', 'the customer asked', '--basis', 'GDPR 17(1)(b)');
  const first = (await request()).erasure.id;
  check('who requested it may not approve it', (await refused('ada', `/${first}/approve`, { reason: 'me too' })) === 403);
  const { hold } = await as('lea', 'holds', 'place', '--session', 'to-erase', '--reason', 'a claim');
  await as('ben', 'erasures', 'approve', first, '--reason', 'agreed');
  const stateOf = async (id) => (await as('ada', 'erasures', 'list')).find((one) => one.id === id);
  const stopped = await until(
    'the hold has stopped it',
    async () => ((await stateOf(first)).state === 'abandoned' ? stateOf(first) : null),
    60_000,
  );
  check('a hold stops it, and nothing is erased', stopped.counts === null && (await texts('to-erase')).every(({ erased }) => erased === 0));
  await as('leo', 'holds', 'release', hold.id, '--reason', 'settled');
  const second = (await request()).erasure.id;
  await as('ben', 'erasures', 'approve', second, '--reason', 'agreed');
  const erased = await until('it is erased', async () => ((await stateOf(second)).state === 'erased' ? stateOf(second) : null), 60_000);
  check(
    'it says what it did',
    erased.counts.keys >= 1 && erased.counts.events >= 5 && erased.counts.unsealed === 0,
    JSON.stringify(erased.counts),
  );

  const after = await texts('to-erase');
  check(
    'bodies say that they are erased',
    after.length === 6 && after.every((row) => row.erased === 1 && row.body === '[erased]'),
    JSON.stringify(after[0]),
  );
  check('another session is as it was', JSON.stringify(await texts('to-keep')).includes(kept));
  const [{ session_id: day, body }] = await lone();
  check('a call that names no session is in one of its day, and still readable', body.includes(gone), day);
  const third = (await as('ada', 'erase', '--session', day, '--reason', 'the customer asked', '--basis', 'GDPR 17(1)(b)')).erasure.id;
  await as('ben', 'erasures', 'approve', third, '--reason', 'agreed');
  await until('that is erased too', async () => (await stateOf(third)).state === 'erased', 60_000);
  check(
    'and is erased with it',
    (await lone()).every((row) => row.erased === 1),
  );
  const left = await until('the text is gone from the disk', async () => ((await remains()).length === 0 ? [] : null), 120_000).catch(
    remains,
  );
  check('the text is in no live row, no replaced part and no other file', left.length === 0, left.join(' '));

  const events = `SELECT kind, attributes['session'] AS session, attributes['requested_by'] AS by, attributes['approved_by'] AS also, attributes['basis'] AS basis, leaf_index
    FROM audit.control WHERE kind LIKE 'erasure.%' ORDER BY source_id, seq`;
  const told = await until(
    'the erasure is sealed',
    async () => {
      const rows = await sql(instance, auditor, events);
      return rows.some(({ kind, leaf_index }) => kind === 'erasure.done' && leaf_index !== null) ? rows : null;
    },
    60_000,
  );
  const done = told.find(({ kind }) => kind === 'erasure.done');
  check(
    'the ledger tells who, why, and on what basis',
    done.by.endsWith(' ada') && done.also.endsWith(' ben') && done.basis === 'GDPR 17(1)(b)' && done.session === 'to-erase',
    told.map(({ kind }) => kind).join(' '),
  );
  check('refusals are told too', told.filter(({ kind }) => kind === 'erasure.refused').length === 2);
  const [leaf] = await sql(instance, auditor, `SELECT hex(leaf) AS leaf FROM audit.leaves WHERE leaf_index = ${done.leaf_index}`);
  check('its leaf is of the type of an erasure', leaf !== undefined);

  // A gateway gives up a destroyed key within ten seconds; what it seals with it until then is erased too.
  let calls = 0;
  await until(
    'a later call of the session is readable',
    async () => {
      calls += 1;
      await say('to-erase', [`after ${kept} ${calls}`]);
      const rows = await until(
        'it is queryable',
        async () => {
          const all = await texts('to-erase');
          return all.length === 6 + 2 * calls ? all : null;
        },
        60_000,
      );
      return rows.at(-1).erased === 0;
    },
    120_000,
  );
  const last = await texts('to-erase');
  const report = await verify();
  check('every proof and every row verifies', report.ok === true, JSON.stringify(report.findings?.[0] ?? report.statement).slice(0, 300));
  const packetOf = async (record) =>
    JSON.parse(await affiantAside(state, ['verify', record.path, '--key', join(state, 'keys/ledger.vkey'), '--json']));
  check('the packet from before verifies', (await packetOf(before)).ok === true);
  const later = JSON.parse(await affiantAside(state, ['packet', 'create', '--framework', 'ffiec', ...period, '--json']));
  check(
    'a packet from after is made and verifies',
    later.state === 'done' && (await packetOf(later)).ok === true,
    JSON.stringify(later.error),
  );

  await instance.stop();
  check('SIGTERM to npm alone ends the instance, before npm ends', !isRunning(instance.pid) && !existsSync(join(state, 'run.json')));
  rmSync(join(state, 'engine'), { recursive: true });
  const rebuilt = JSON.parse(await affiantAside(state, ['ledger', 'rebuild', '--json']));
  instance = await startInstance({ state, config, npm: true });
  auditor = token(state, 'olga', 'auditors');
  const again = await texts('to-erase');
  check(
    'a rebuild gives the same: what is erased stays erased, what is not is read again',
    JSON.stringify(again) === JSON.stringify(last) && JSON.stringify(await texts('to-keep')).includes(kept),
    `${rebuilt.events} events`,
  );
  check('and the text is nowhere', (await remains()).length === 0, (await remains()).join(' '));
  check('it verifies', (await verify()).ok === true);
  await instance.kill();
  await until('the instance has noticed that its npm was killed', () => !isRunning(instance.pid), 120_000);
  check('an instance whose npm is killed stops in order', !existsSync(join(state, 'run.json')));
} finally {
  if (isRunning(instance.pid)) process.kill(instance.pid, 'SIGKILL');
  await provider.close();
  rmSync(directory, { recursive: true, force: true });
}
finish({});

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * Where the text may still be: rows of any table that has it, parts of ledger.content on the disk that are not live any more (columns are compressed, so
 * their bytes cannot be searched), and other files.
 */
async function remains() {
  const found = filesWith(gone);
  const hex = Buffer.from(gone).toString('hex');
  for (const [table, columns] of [
    ['ledger.content', ["arrayStringConcat(segment_content, ' ')"]],
    ['ledger.events', ['raw', 'data', "arrayStringConcat(segment_content, ' ')"]],
  ]) {
    const where = columns.map((column) => `position(${column}, unhex('${hex}')) > 0`).join(' OR ');
    const [{ n }] = await sql(instance, auditor, `SELECT count() AS n FROM ${table} WHERE ${where}`);
    if (Number(n) > 0) found.push(`${n} rows of ${table}`);
  }
  const live = new Set((await sql(instance, auditor, 'SELECT DISTINCT _part AS part FROM ledger.content')).map(({ part }) => part));
  const content = join(state, 'engine/data/data/ledger/content');
  for (const name of readdirSync(content)) {
    const rows = join(content, name, 'count.txt');
    if (!/^\d{6}_/.test(name) || live.has(name) || !existsSync(rows) || readFileSync(rows, 'utf8') === '0') continue;
    found.push(join(content, name));
  }
  return found;
}

/** Files of the state directory that hold the text as it is. */
function filesWith(text) {
  const walk = (path) =>
    readdirSync(path).flatMap((name) => {
      const file = join(path, name);
      try {
        return statSync(file).isDirectory() ? walk(file) : readFileSync(file).includes(text) ? [file] : [];
      } catch {
        return [];
      }
    });
  return walk(state);
}
