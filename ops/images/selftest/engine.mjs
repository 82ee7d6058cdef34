// What the embedded engine cannot show: docs/adr/0002-embedded-clickhouse.md names it.
import { request } from 'node:https';
import { connect } from 'node:net';
import { check } from './report.mjs';

/** Speaks to the server past the console, as nobody outside its network can. */
export async function checkEngine({ url, ca, writer, auditor }) {
  const ask = (login, query, trust = ca) => send(url, login, query, trust);
  check('the server speaks TLS with the certificate of our authority', (await ask(writer, 'SELECT 1')).status === 200);
  const untrusted = await ask(writer, 'SELECT 1', []).catch((error) => error.code ?? error.message);
  check(
    'a client that does not know the authority refuses it',
    typeof untrusted === 'string' && /SELF_SIGNED|UNABLE_TO|CERT/.test(untrusted),
    String(untrusted),
  );
  check('there is no port without TLS', await refuses(new URL(url).hostname, 8123));
  check('a wrong password is refused', [401, 403].includes((await ask({ ...writer, password: 'wrong' }, 'SELECT 1')).status));

  const { text } = await ask(
    writer,
    "SELECT name, engine FROM system.tables WHERE database = 'ledger' AND engine LIKE '%MergeTree' FORMAT JSONEachRow",
  );
  const tables = text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  check('every ledger table is replicated', tables.length > 0 && tables.every(({ engine }) => engine.startsWith('Replicated')), text);

  for (const query of [
    'ALTER TABLE ledger.events DELETE WHERE 1',
    'TRUNCATE TABLE ledger.events',
    'DROP TABLE ledger.events',
    'ALTER TABLE ledger.events UPDATE seq = 0 WHERE 1',
    'DELETE FROM ledger.events WHERE 1',
    'CREATE USER mallory',
  ])
    check(`the writer may not: ${query}`, await denied(ask(writer, query)));
  for (const query of [
    'INSERT INTO ledger.events (seq) VALUES (1)',
    'SELECT * FROM system.users',
    "SELECT * FROM url('http://proxy:8480/', RawBLOB)",
    'SELECT 1 SETTINGS max_execution_time = 0',
  ])
    check(`the auditor may not: ${query}`, await denied(ask(auditor, query)));
  const read = await ask(auditor, 'SELECT count() FROM audit.exchanges');
  check('the auditor reads the views', read.status === 200 && Number(read.text) > 0, `${read.status} ${read.text.slice(0, 200)}`);
}

/** ACCESS_DENIED (497), READONLY (164), a constraint (452) or a refused setting; never a syntax error, which would prove nothing. */
async function denied(answer) {
  const { status, text } = await answer;
  return status !== 200 && /Code: (497|164|452)\b/.test(text);
}

function send(url, { user, password }, query, ca) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', ca, headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    sent.on('error', reject);
    sent.end(query);
  });
}

function refuses(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3_000 });
    socket.on('connect', () => (socket.destroy(), resolve(false)));
    socket.on('timeout', () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(true));
  });
}
