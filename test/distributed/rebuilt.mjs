// The loss of ClickHouse: an empty one is filled again from Kafka's topics, the tiles and the sealed state, and gives the same answers.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startClickHouse } from '../support/engines/clickhouse.mjs';
import { affiantAside as affiant } from '../support/instance.mjs';

const VIEWS = ['events', 'exchanges', 'decisions', 'approvals', 'sessions', 'masks', 'access', 'control', 'bodies'];
/** The scenario leaves rows in these at least. */
const FILLED = ['events', 'exchanges', 'decisions', 'approvals', 'masks', 'access', 'control', 'bodies'];
/** Told by the clock of whoever inserted the row. */
const NOT_FROM_THE_LOG = 'ingested_at';

/** Ends all services: what they write while they end must not come between. */
export async function rebuilt({ cluster, check }) {
  const before = cluster.engines.clickhouse;
  const state = join(cluster.options.directory, 'rebuild');
  mkdirSync(join(state, 'keys'), { recursive: true });
  for (const key of ['ledger.vkey', 'content.key']) copyFileSync(join(dirname(cluster.vkey), key), join(state, 'keys', key));
  const checked = async (server) => {
    const config = cluster.operatorConfig('check.yaml', server);
    const { ok, sealed_events, rows } = JSON.parse(await affiant(state, ['ledger', 'check-content', '--config', config, '--json']));
    return { ok: ok && sealed_events > 0 && rows > 0, said: `${sealed_events} sealed events, ${rows} rows` };
  };
  const live = await checked(before);
  check('the opened text agrees with events and keys, while the services run', live.ok, live.said);
  const codes = await Promise.all(cluster.services().map((part) => part.stop()));
  const [{ size, root }] = await query(
    before,
    'SELECT tree_size AS size, root_hash AS root FROM ledger.checkpoints ORDER BY round DESC LIMIT 1',
  );
  const after = await startClickHouse();
  try {
    const config = cluster.operatorConfig('rebuild.yaml', after);
    await affiant(null, ['ledger', 'migrate', '--config', config]);
    const begun = performance.now();
    const told = JSON.parse(await affiant(state, ['ledger', 'rebuild', '--config', config, '--json']));
    check(
      'an empty ClickHouse is filled again from the topics alone, under the same root',
      told.size === Number(size) && told.root === root && told.missingEvents === 0 && codes.every((code) => code === 0),
      `${told.events} records, ${told.size} leaves, ${Math.round(performance.now() - begun)} ms; exit codes ${codes.join()}`,
    );
    const differing = [];
    for (const view of VIEWS) {
      const [was, is] = await Promise.all([before, after].map((server) => digestOf(server, view, size)));
      if (was.digest !== is.digest || (was.rows === 0 && FILLED.includes(view)))
        differing.push(`${view}: ${was.rows} rows, then ${is.rows}`);
    }
    check('every view gives the same rows at that tree size', differing.length === 0, differing.join('; '));
    const again = await checked(after);
    check('and so does the text that the rebuild opened', again.ok && again.said === live.said, `${again.said}; before: ${live.said}`);
  } finally {
    await after.stop();
  }
}

/** All rows, in an order of their own. */
async function digestOf(server, view, size) {
  const rows = await ask(
    server,
    `SELECT * EXCEPT (${NOT_FROM_THE_LOG}) FROM audit.${view}_at(tree_size = ${size}) FORMAT JSONCompactEachRow`,
  );
  const lines = rows.split('\n').filter((line) => line !== '');
  return { rows: lines.length, digest: createHash('sha256').update(lines.sort().join('\n')).digest('hex') };
}

const query = async (server, text) =>
  (await ask(server, `${text} FORMAT JSONEachRow`))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

async function ask(server, text) {
  const { user, password } = server.users.migrator;
  const answer = await fetch(server.url, {
    method: 'POST',
    headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password },
    body: text,
  });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${text}\n${body}`);
  return body;
}
