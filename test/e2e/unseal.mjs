// Originals that policy keeps sealed, in a running instance: nowhere in the clear, opened by two people, once, and told; erased with their session.
import '../support/prepare.mjs';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foundBank, speaker } from '../support/bank.mjs';
import { checker } from '../support/checker.mjs';
import { affiantAside, sql, startInstance, token, until } from '../support/instance.mjs';

const { check, finish } = checker();
const directory = mkdtempSync(join(tmpdir(), 'affiant-unseal-'));
const [ssn, mail, card] = ['219-09-9999', 'ann.jones@customers.example', '4111 1111 1111 1111'];
const { state, config, provider } = await foundBank({
  directory,
  institution: 'Unsealing Bank',
  policies: ['{ name: kept, detect: [ us_ssn, email ], request: mask, response: mask, keep_original: sealed }'],
  more: `erasure: { request: [ privacy ], approve: [ privacy ] }
unseal: { request: [ investigators ], approve: [ privacy ] }
`,
});
const instance = await startInstance({ state, config });
const auditor = token(state, 'olga', 'auditors');
try {
  const person = {
    ivy: token(state, 'ivy', 'investigators', 'auditors', 'privacy'),
    jon: token(state, 'jon', 'investigators'),
    ada: token(state, 'ada', 'privacy'),
    ben: token(state, 'ben', 'privacy'),
  };
  const as = (who, ...args) => affiantAside(state, [...args, '--token', person[who], '--json']).then(JSON.parse);
  const post = async (who, path, body = {}) => {
    const response = await fetch(`${instance.console}/api/v1/unsealings${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${person[who]}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, cache: response.headers.get('cache-control'), body: await response.json() };
  };
  const say = speaker(instance, token(state, 'eve', 'engineering'));
  await say('one', [`my SSN is ${ssn}, my card ${card}`]);
  await say('one', [`my SSN is ${ssn}, my card ${card}`, 'noted', `write to ${mail}`]);
  await say('other', ['nothing to hide']);
  const exchanges = await until(
    'the exchanges are queryable',
    async () => {
      const rows = await sql(
        instance,
        auditor,
        "SELECT exchange_id FROM audit.exchanges WHERE session_id = 'one' AND finished_at IS NOT NULL ORDER BY started_at",
      );
      return rows.length === 2 ? rows.map(({ exchange_id }) => exchange_id) : null;
    },
    120_000,
  );
  const kept = await sql(
    instance,
    auditor,
    "SELECT event_type, JSONExtractUInt(data, 'body', 'sealed_originals', 'values') AS kept FROM ledger.events WHERE session_id = 'one' AND event_type = 'request' ORDER BY occurred_at",
  );
  check('the events say how many values they keep', kept.length === 2 && kept.every((row) => Number(row.kept) >= 1), JSON.stringify(kept));

  // Two people, of the right groups.
  check('another group may not request it', (await post('ada', '', { session: 'one', reason: 'x' })).status === 403);
  check('a reason is needed', (await post('ivy', '', { session: 'one' })).status === 400);
  check('where nothing is kept there is nothing to open', (await post('ivy', '', { session: 'other', reason: 'x' })).status === 404);
  const asked = await as('ivy', 'unseal', 'request', '--exchange', exchanges[1], '--reason', 'complaint 17');
  check('it cannot be opened before it is approved', (await post('ivy', `/${asked.id}/open`)).status === 409);
  check('who requested it may not approve it', (await post('ivy', `/${asked.id}/approve`, { reason: 'me too' })).status === 403);
  check('nor may somebody of another group', (await post('jon', `/${asked.id}/approve`, { reason: 'yes' })).status === 403);
  await as('ben', 'unseal', 'approve', asked.id, '--reason', 'agreed');
  check('somebody else does not get the values', (await post('jon', `/${asked.id}/open`)).status === 403);
  const inPlace = await affiantAside(state, ['unseal', 'open', asked.id, '--in-place', '--token', person.ivy]);
  check('the exchange is shown with its values, those of its known part too', inPlace.includes(ssn) && inPlace.includes(mail));
  check('a value of a policy that keeps none is not there', !inPlace.includes(card));
  check('it opens once', (await post('ivy', `/${asked.id}/open`)).status === 409);
  const first = await as('ivy', 'unseal', 'request', '--exchange', exchanges[0], '--reason', 'complaint 17');
  await as('ben', 'unseal', 'approve', first.id, '--reason', 'agreed');
  const given = await post('ivy', `/${first.id}/open`);
  const values = given.body.opened.flatMap(({ values: some }) => some.map(({ value }) => value));
  check('an earlier exchange shows nothing of a later one', JSON.stringify(values) === JSON.stringify([ssn]), `${values.length} values`);
  check('no cache may keep them', given.cache === 'no-store');
  const denied = await as('ivy', 'unseal', 'request', '--session', 'one', '--reason', 'curious');
  await as('ben', 'unseal', 'deny', denied.id, '--reason', 'no');
  check('what was denied does not open', (await post('ivy', `/${denied.id}/open`)).status === 409);

  const told = await until(
    'it is told',
    async () => {
      const rows = await sql(
        instance,
        auditor,
        "SELECT kind, principal_subject AS who, attributes['reason'] AS why, attributes['approved_by'] AS also, attributes['values'] AS n, leaf_index FROM audit.control WHERE kind LIKE 'unseal.%' ORDER BY source_id, seq",
      );
      return rows.filter(({ kind, leaf_index }) => kind === 'unseal.opened' && leaf_index !== null).length === 2 ? rows : null;
    },
    60_000,
  );
  const opened = told.find(({ kind }) => kind === 'unseal.opened');
  check(
    'the ledger tells who opened what and why, and who agreed',
    opened.who === 'ivy' && opened.why === 'complaint 17' && opened.also.endsWith(' ben') && Number(opened.n) === 2,
    JSON.stringify(opened),
  );
  check('refusals are told too', told.filter(({ kind }) => kind === 'unseal.refused').length === 4, told.map(({ kind }) => kind).join(' '));
  check(
    'openings are accesses',
    (await sql(instance, auditor, "SELECT count() AS n FROM audit.access WHERE kind = 'unseal.opened'"))[0].n >= 2,
  );

  const replay = JSON.stringify(await as('ivy', 'sessions', 'replay', 'one'));
  check('a replay shows it masked', !replay.includes(ssn) && !replay.includes(mail));
  for (const value of [ssn, mail])
    check(`${value.slice(0, 3)}… is in no file and no row`, (await remains(value)).length === 0, (await remains(value)).join(' '));

  // A rotation of the key pair, while it runs: what was sealed before opens with the old private key alone, what is sealed then with the new one alone.
  const { before, name } = JSON.parse(await affiantAside(state, ['keys', 'rotate-originals', '--json']));
  const openedFrom = async (exchangeOrSession) => {
    const request = async () => {
      const answer = await post('ivy', '', { ...exchangeOrSession, reason: 'complaint 18' });
      return answer.status === 201 ? answer : null;
    };
    const { body } = await until('it is in the ledger', request, 120_000);
    await post('ben', `/${body.unsealing.id}/approve`, { reason: 'agreed' });
    return post('ivy', `/${body.unsealing.id}/open`);
  };
  const keyFile = join(state, 'keys', 'originals.key');
  renameSync(keyFile, join(directory, 'old.key'));
  const refused = await openedFrom({ exchange: exchanges[0] });
  check(
    'without the old private key what it opens does not, and the answer names the pair and the file',
    refused.status === 503 && refused.body.error.message.includes(before) && refused.body.error.remedy.includes('originals.key'),
    JSON.stringify(refused.body),
  );
  // Keys that were issued ahead are of the old pair: half of them are used before the gateway makes new ones.
  let later = 0;
  const sayLater = () => say(`later-${(later += 1)}`, [`my SSN is ${ssn}`]);
  const takenUp = () => readFileSync(join(state, 'log', 'affiant.log'), 'utf8').includes(name);
  for (let n = 0; n < 200 && !takenUp(); n += 1) await sayLater();
  const sealedAnew = async () => {
    await sayLater();
    const answer = await openedFrom({ session: `later-${later}` });
    return answer.status === 200 ? answer : null;
  };
  const fresh = await until('a session is sealed under the new pair', sealedAnew, 120_000);
  check('a running gateway seals under the new pair, and the new private key opens it', fresh.body.opened[0]?.values[0]?.value === ssn);
  renameSync(join(directory, 'old.key'), keyFile);
  const both = await openedFrom({ exchange: exchanges[0] });
  check('the old private key opens what was sealed before', both.status === 200 && both.body.opened[0]?.values[0]?.value === ssn);

  // Erasing the session takes them along.
  const { erasure } = await as('ada', 'erase', '--session', 'one', '--reason', 'the customer asked', '--basis', 'GDPR 17(1)(b)');
  await as('ben', 'erasures', 'approve', erasure.id, '--reason', 'agreed');
  await until(
    'it is erased',
    async () => (await as('ada', 'erasures', 'list')).find(({ id }) => id === erasure.id).state === 'erased',
    60_000,
  );
  const late = await post('ivy', '', { session: 'one', reason: 'complaint 17' });
  check(
    'after an erasure there is nothing to open',
    late.status === 409 && late.body.error.message.includes('erased'),
    JSON.stringify(late.body),
  );
} finally {
  await instance.stop().catch(() => undefined);
  await provider.close();
  rmSync(directory, { recursive: true, force: true });
}
finish({});

/** Files of the state directory that hold the text as it is, and rows of the ledger that do. */
async function remains(text) {
  const walk = (path) =>
    readdirSync(path).flatMap((name) => {
      const file = join(path, name);
      try {
        return statSync(file).isDirectory() ? walk(file) : readFileSync(file).includes(text) ? [file] : [];
      } catch {
        return [];
      }
    });
  const hex = Buffer.from(text).toString('hex');
  const columns = ['raw', 'data', "arrayStringConcat(segment_content, ' ')"];
  const where = columns.map((column) => `position(${column}, unhex('${hex}')) > 0`).join(' OR ');
  const [{ n }] = await sql(instance, auditor, `SELECT count() AS n FROM ledger.events WHERE ${where}`);
  const [{ m }] = await sql(
    instance,
    auditor,
    `SELECT count() AS m FROM ledger.content WHERE position(arrayStringConcat(segment_content, ' '), unhex('${hex}')) > 0`,
  );
  return [...walk(state), ...(Number(n) > 0 ? [`${n} events`] : []), ...(Number(m) > 0 ? [`${m} rows of content`] : [])];
}
