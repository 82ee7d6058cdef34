// `docker compose --profile selftest up --build --exit-code-from selftest`: one exchange through the whole of distributed mode, and what only a
// ClickHouse server can show: replicated tables, users made by SQL, TLS. Ends with `N passed, N failed`; exit code 0 or 1.
import { readFileSync } from 'node:fs';
import { checkEngine } from './engine.mjs';
import { check, counts, until } from './report.mjs';

const secret = (name) => readFileSync(`/run/secrets/${name}`, 'utf8').trim();
const agent = secret('key_agent');
const auditor = secret('key_auditor');
const gateway = 'http://proxy:8480/c/selftest';
const consoleUrl = 'http://console:8481';
const startedAt = Date.now();

const ask = (key, text) =>
  fetch(`${gateway}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...(key === null ? {} : { 'x-api-key': key }) },
    body: JSON.stringify({ model: 'claude-simulated-1', max_tokens: 200, messages: [{ role: 'user', content: text }] }),
  });
const api = async (path, body) => {
  const response = await fetch(`${consoleUrl}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${auditor}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  return response;
};
const sql = async (query) => {
  const response = await fetch(`${consoleUrl}/sql?default_format=JSON`, {
    method: 'POST',
    headers: { authorization: `Bearer ${auditor}` },
    body: query,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${query}: ${text.slice(0, 300)}`);
  return JSON.parse(text).data;
};

try {
  check('no token, no call', (await ask(null, 'hello')).status === 401);
  const answer = await ask(agent, 'Show the customer record of 536-22-8471');
  const text = await answer.text();
  check(
    'a call passes, and the answer is masked',
    answer.status === 200 && !text.includes('536-22-8471'),
    `${answer.status} ${text.slice(0, 200)}`,
  );

  const rows = await until('the exchange is sealed', 120_000, async () => {
    const found = await sql("SELECT * FROM audit.exchanges WHERE connection = 'selftest' ORDER BY started_at");
    return found.some(({ response_leaf_index }) => response_leaf_index !== null) ? found : undefined;
  });
  check(
    'the exchange is in the ledger and names its principal',
    rows.at(-1)?.principal_subject === 'selftest-agent',
    JSON.stringify(rows.at(-1)),
  );
  const bodies = await sql('SELECT exchange_id, direction, body FROM audit.bodies');
  check('no raw value is in the trail', bodies.length > 0 && !JSON.stringify(bodies).includes('536-22-8471'), `${bodies.length} bodies`);

  const period = { from: new Date(startedAt - 60_000).toISOString(), to: new Date(Date.now() + 1_000).toISOString() };
  const { packet } = await (await api('/api/v1/packets', { framework: 'ffiec', ...period })).json();
  const made = await until('the packet is made', 180_000, async () => {
    const { packet: now } = await (await api(`/api/v1/packets/${packet.id}`)).json();
    if (now.state === 'failed' || now.state === 'refused') throw new Error(`the packet was not made: ${now.error ?? now.state}`);
    return now.state === 'done' ? now : undefined;
  });
  const file = Buffer.from(await (await api(`/api/v1/packets/${packet.id}/download`)).arrayBuffer());
  check('a packet is made and downloads as a PDF', file.subarray(0, 5).toString() === '%PDF-', `${file.length} bytes, ${made.state}`);

  await checkEngine({
    url: 'https://clickhouse:8443',
    ca: readFileSync('/run/secrets/ca.crt', 'utf8'),
    writer: { user: 'affiant_writer', password: secret('clickhouse_writer') },
    auditor: { user: 'affiant_auditor', password: secret('clickhouse_auditor') },
  });
} catch (error) {
  check('the self-test runs to its end', false, error.stack);
}
const { passed, failed } = counts();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
