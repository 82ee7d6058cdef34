// The demonstration's four calls over the public surfaces of a distributed installation, both packets, and the tree.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { checkTree } from '../crash/tree.mjs';
import { affiantAside as affiant, sql, until } from '../support/instance.mjs';

const MODEL = 'claude-simulated-1';
const ask = (text, extra = {}) => ({ model: MODEL, max_tokens: 200, messages: [{ role: 'user', content: text }], ...extra });

export async function scenario({ cluster, check, heard }) {
  const startedAt = Date.now();
  const [alice, auditor] = [await cluster.token('alice', 'engineering'), await cluster.token('olga', 'auditors')];
  const instance = { console: cluster.console };
  const clients = cluster.gateways.map((url) => new Anthropic({ baseURL: `${url}/c/claude`, apiKey: alice, maxRetries: 0 }));
  const [first, second] = [clients[0], clients.at(-1)];

  await calls({ cluster, check, heard, alice, first, second });
  await history({ cluster, check, heard, instance, auditor });
  await events({ cluster, check, auditor });
  await packets({ cluster, check, auditor, startedAt });
}

async function calls({ cluster, check, heard, alice, first, second }) {
  const allowed = await first.messages.create(ask('What is a ledger?'));
  check('a plain message passes', allowed.content[0]?.text?.startsWith('A ledger is'), JSON.stringify(allowed.content));

  const strict = new Anthropic({ baseURL: `${cluster.gateways[0]}/c/strict`, apiKey: alice, maxRetries: 0 });
  const replicated = await strict.messages.create(ask('What is a ledger?'));
  check('a call whose evidence must be replicated passes', replicated.content[0]?.text?.startsWith('A ledger is'));

  const masked = await Promise.all(
    [first, second].map((client) => client.messages.stream(ask('Show me the customer record.')).finalMessage()),
  ).then((messages) => messages.map(({ content }) => content[0]?.text ?? ''));
  check(
    'a stream is masked, every value',
    !/536-22-8471|0343 6|whitfield@/.test(masked.join()) && masked[0].includes('[US_SSN:'),
    masked[0],
  );
  check('both proxies give a value the same placeholder', masked[0] === masked[1], masked[1]);

  const before = heard.length;
  const refused = await first.messages
    .create(ask('Use the key AKIAQ3EGRZ7LP5WXN2TD and secret password = "hV9!tq2Lz7#mW4" to log in.'))
    .catch((error) => error);
  check(
    'a prompt with a credential is blocked before a byte left',
    refused.status === 403 && heard.length === before,
    String(refused.status),
  );

  const tools = [{ name: 'run_sql', input_schema: { type: 'object' } }];
  const held = second.messages.stream(ask('Please drop the old table', { tools })).finalMessage();
  let ended = null;
  held.then(
    (message) => (ended = JSON.stringify(message.content)),
    (error) => (ended = String(error)),
  );
  const state = cluster.state('console-1');
  const bob = await cluster.token('bob', 'data-owners');
  const pending = await until('the call is held', async () => {
    if (ended !== null) throw new Error(`the call was not held: ${ended}`);
    return JSON.parse(await affiant(state, ['approvals', 'list', '--json', '--token', bob])).find(({ state: now }) => now === 'pending');
  });
  await affiant(state, ['approvals', 'approve', pending.id, '--reason', 'I want this', '--token', alice], { expect: 1 });
  const decidedAt = performance.now();
  await affiant(state, ['approvals', 'approve', pending.id, '--reason', 'archived last week', '--token', bob]);
  const released = await held;
  check(
    'a call held by a proxy is released by another person through the console, once',
    released.content.some(({ type, input }) => type === 'tool_use' && input.query === 'DROP TABLE customers_2019;') &&
      heard.length === before + 1,
    `${Math.round(performance.now() - decidedAt)} ms with the CLI's own start`,
  );
}

async function history({ cluster, check, heard, instance, auditor }) {
  const left = await cluster.settled(180_000);
  check('everything in the journals is queryable, sealed and acknowledged', left === null, JSON.stringify(left));
  const exchanges = await sql(instance, auditor, 'SELECT * FROM audit.exchanges ORDER BY started_at');
  const completed = exchanges.filter(({ outcome }) => outcome === 'completed');
  check(
    'every exchange is in the ledger, over SQL',
    completed.length === heard.length && exchanges.length === heard.length + 1,
    `${exchanges.length}`,
  );
  check(
    'each names principal, decision and its place in the tree',
    exchanges.every(
      (row) => row.principal_subject !== '' && row.verdict !== '' && row.request_leaf_index !== null && row.response_leaf_index !== null,
    ),
  );
  const bodies = await sql(instance, auditor, 'SELECT body FROM audit.bodies');
  check(
    'no raw value is in the trail',
    !/536-22-8471|4539 1488 0343 6467|dana\.whitfield@|AKIAQ3EGRZ7LP5WXN2TD/.test(JSON.stringify(bodies)),
  );
  const sources = await sql(
    instance,
    auditor,
    'SELECT source_id, min(seq) AS first, max(seq) - count() AS missing, uniqExact(seq) - count() AS doubled FROM audit.events GROUP BY source_id ORDER BY source_id',
  );
  check(
    'every service is a source, dense and without a double',
    sources.length === cluster.services().length &&
      sources.every((row) => Number(row.first) === 1 && Number(row.missing) === 0 && Number(row.doubled) === 0),
    JSON.stringify(sources),
  );
  await until('the SQL reads of this are sealed', async () => (await cluster.status(auditor)).ledger.lag === 0, 180_000);
  const tree = await checkTree(instance, auditor, null, cluster.vkey);
  check('the tree recomputed from the raw events is the signed root', tree.ok && tree.leaves > 0, `${tree.leaves} leaves, ${tree.detail}`);
}

async function events({ cluster, check, auditor }) {
  const read = async (query) => {
    const answer = await fetch(`${cluster.console}/api/v1/events?${query}`, { headers: { authorization: `Bearer ${auditor}` } });
    return (await answer.text())
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  };
  const requests = await read('topic=affiant.request.v1');
  const more = await read(`topic=affiant.request.v1&from=${encodeURIComponent(requests[0]?.cursor ?? '')}`);
  check(
    'events are tailed from Kafka, and go on behind a cursor',
    requests.length > 3 && more.length === requests.length - 1,
    `${requests.length}, then ${more.length}`,
  );
}

async function packets({ cluster, check, auditor, startedAt }) {
  const state = cluster.state('console-1');
  const to = join(cluster.options.directory, 'packets');
  mkdirSync(to, { recursive: true });
  const period = ['--from', new Date(startedAt - 60_000).toISOString(), '--to', new Date(Date.now() + 1_000).toISOString()];
  for (const framework of ['ffiec', 'nist-800-53']) {
    const begun = performance.now();
    const record = JSON.parse(
      await affiant(state, ['packet', 'create', '--framework', framework, ...period, '--json', '--token', auditor]),
    );
    check(
      `${framework}: the packet is made`,
      record.state === 'done',
      `${((performance.now() - begun) / 1000).toFixed(1)} s, ${record.path}`,
    );
    const file = join(to, `${framework}.pdf`);
    await affiant(state, ['packet', 'download', record.id, '--out', file, '--token', auditor]);
    const report = JSON.parse(await affiant(null, ['verify', file, '--key', cluster.vkey, '--json']));
    check(
      `${framework}: it verifies offline with the log's key`,
      report.ok === true,
      `${report.checks?.length} checks, ${readFileSync(file).length} bytes`,
    );
  }
}
