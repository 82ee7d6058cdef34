// Runs inside the namespace. Ends with `N passed, N failed`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { startSimulatedOpenaiProvider } from '../../dist/apps/standalone/src/demo/openai-provider.js';
import { startSimulatedProvider } from '../../dist/apps/standalone/src/demo/provider.js';
import { checkTree } from '../crash/tree.mjs';
import { affiant, sql, startInstance, token, until } from '../support/instance.mjs';
import { hostile } from './hostile.mjs';
import { openai } from './openai/agents.mjs';
import { packets } from './packets.mjs';
import { restored } from './restored.mjs';
import { checker } from '../support/checker.mjs';
import { agentOptions } from './agent-options.mjs';

const { check, finish } = checker();
const directory = mkdtempSync(join(tmpdir(), 'affiant-e2e-'));
const state = join(directory, 'var');
const keyFile = join(directory, 'provider.key');
const KEY = 'e2e-provider-key-that-no-client-knows';
writeFileSync(keyFile, KEY, { mode: 0o600 });

const heard = [];
const options = { host: '127.0.0.1', port: 0, apiKey: KEY, pace: 5, onRequest: (body) => heard.push(body) };
const provider = await startSimulatedProvider(options);
const openaiProvider = await startSimulatedOpenaiProvider(options);
const config = join(directory, 'affiant.yaml');
writeFileSync(
  config,
  `institution: End-to-end Bank
server: { gateway_port: 0, console_port: 0, issuer_port: 0 }
identity: { development_issuer: true, clock_tolerance: 100ms }
connections:
  - { name: claude, protocol: anthropic, upstream: '${provider.url}', credential: { file: '${keyFile}' }, allow: [ 'group:engineering' ] }
  - { name: gpt, protocol: openai, upstream: '${openaiProvider.url}', credential: { file: '${keyFile}' }, allow: [ 'group:engineering' ] }
  - { name: claude-restoring, protocol: anthropic, upstream: '${provider.url}', credential: { file: '${keyFile}' }, allow: [ 'group:engineering' ] }
  - { name: gpt-restoring, protocol: openai, upstream: '${openaiProvider.url}', credential: { file: '${keyFile}' }, allow: [ 'group:engineering' ] }
policies:
  - { name: customer-data, connections: [ claude, gpt ], detect: [ us_ssn, credit_card, email ], request: mask, response: mask }
  - { name: given-back, connections: [ claude-restoring, gpt-restoring ], detect: [ us_ssn ], request: mask, response: mask, restore: [ text, tool_input ] }
  - name: destructive-sql
    when: { tool_input: '(?i)\\bdrop\\s+(table|database)\\b' }
    action: hold
    approvers: { group: data-owners, quorum: 1, not: requester, expires: 15m }
ledger: { auditors: [ auditors ] }
`,
);
const startedAt = Date.now();
const instance = await startInstance({ state, config });
const alice = token(state, 'alice', 'engineering');
const auditor = token(state, 'olga', 'auditors');

await agentSdk();
await plainSdk();
await openai({ check, instance, state, alice, heard, modules: process.env.AFFIANT_E2E_OPENAI_MODULES ?? '' });
await restored({
  check,
  instance,
  state,
  auditor,
  alice,
  heard,
  directory,
  modules: process.env.AFFIANT_E2E_MODULES ?? '',
  openaiModules: process.env.AFFIANT_E2E_OPENAI_MODULES ?? '',
});
await hostile({ check, instance, state, alice, auditor, heard, config });
await ledger();
candidate();
await packets({
  check,
  instance,
  state,
  auditor,
  startedAt,
  keep: process.env.AFFIANT_E2E_PACKETS ?? join(directory, 'packets'),
  directory,
});

await instance.stop();
await provider.close();
await openaiProvider.close();
rmSync(directory, { recursive: true, force: true });
finish({ start_ms: instance.startMs, upstream_requests: heard.length });

async function agentSdk() {
  const modules = process.env.AFFIANT_E2E_MODULES ?? '';
  if (modules === '') return check('the Claude Agent SDK is there', process.env.CI !== 'true', 'not installed: this part did not run');
  const { query } = await import(pathToFileURL(join(modules, '@anthropic-ai/claude-agent-sdk/sdk.mjs')).href);
  const home = join(directory, 'home');
  const work = join(directory, 'work');
  mkdirSync(home);
  mkdirSync(work);
  const messages = [];
  const stderr = [];
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), 120_000);
  const run = query({
    prompt: 'Please run echo affiant-e2e and finish. My SSN is 536-22-8471.',
    options: agentOptions({ limit, work, home, stderr, gateway: instance.gateway, connection: 'claude', bearer: alice }),
  });
  try {
    for await (const message of run) messages.push(message);
  } catch (error) {
    stderr.push(String(error));
  }
  clearTimeout(timer);
  const result = messages.find(({ type }) => type === 'result');
  check(
    'query() ends with success',
    result?.subtype === 'success',
    `${JSON.stringify(result)?.slice(0, 300)} ${stderr.join('').slice(-400)}`,
  );
  const toolResult = JSON.stringify(messages.filter(({ type }) => type === 'user'));
  check('the tool call ran and its result went back', toolResult.includes('affiant-e2e'));
  check(
    'the model got the prompt masked',
    heard.every((body) => !body.includes('536-22-8471')) && heard.some((body) => body.includes('[US_SSN:')),
    `${heard.length} requests heard`,
  );
}

async function plainSdk() {
  const client = new Anthropic({ baseURL: `${instance.gateway}/c/claude`, apiKey: alice, maxRetries: 0 });
  const ask = (text, extra = {}) => ({
    model: 'claude-simulated-1',
    max_tokens: 256,
    messages: [{ role: 'user', content: text }],
    ...extra,
  });

  const allowed = await client.messages.create(ask('What is a ledger?'));
  check(
    'a plain message passes',
    allowed.content[0]?.text === 'A ledger is a book of entries that is only ever added to.',
    JSON.stringify(allowed.content),
  );

  const streamed = await client.messages.stream(ask('Show the customer record')).finalMessage();
  const text = streamed.content[0]?.text ?? '';
  check(
    'a streamed response is masked, every value',
    !/536-22-8471|4539|dana\.whitfield/.test(text) && /\[US_SSN:\w+\].*\[CREDIT_CARD:\w+\].*\[EMAIL:\w+\]/.test(text),
    text,
  );

  const counted = await client.messages.countTokens({ model: 'claude-simulated-1', messages: [{ role: 'user', content: 'hello' }] });
  check('count_tokens passes', counted.input_tokens > 0);
  const models = await client.models.list();
  check('models passes', models.data[0]?.id === 'claude-simulated-1');
  const denied = await client.messages.batches.list().catch((error) => error);
  check('every other path is denied', denied.status === 403, String(denied.status));
  const stranger = new Anthropic({ baseURL: `${instance.gateway}/c/claude`, apiKey: token(state, 'mallory', 'visitors'), maxRetries: 0 });
  check(
    'a group the connection does not name is refused',
    (await stranger.messages.create(ask('hello')).catch((error) => error)).status === 403,
  );
  const nobody = new Anthropic({ baseURL: `${instance.gateway}/c/claude`, apiKey: 'sk-not-a-token', maxRetries: 0 });
  check('no token, no call', (await nobody.messages.create(ask('hello')).catch((error) => error)).status === 401);

  const before = heard.length;
  const held = client.messages
    .stream(ask('Please drop the old table', { tools: [{ name: 'run_sql', input_schema: { type: 'object' } }] }))
    .finalMessage();
  const pending = await until('the call is held', () =>
    JSON.parse(affiant(state, ['approvals', 'list', '--json'])).find(({ state: now }) => now === 'pending'),
  );
  affiant(state, ['approvals', 'approve', pending.id, '--reason', 'I want this', '--token', alice], { expect: 1 });
  affiant(state, ['approvals', 'approve', pending.id, '--reason', 'archived last week', '--token', token(state, 'bob', 'data-owners')]);
  const released = await held;
  check(
    'a held tool call is released by another person, once',
    released.content.some(({ type, input }) => type === 'tool_use' && input.query === 'DROP TABLE customers_2019;'),
    JSON.stringify(released.content),
  );
  check('one approval is one forward', heard.length === before + 1, `${heard.length - before} forwarded`);
}

/** A candidate on what has just happened: a text nobody looked for so far, a tool that was held, a value that was masked. */
function candidate() {
  const file = join(directory, 'candidate.yaml');
  writeFileSync(
    file,
    `policies:
  - { name: numbers, detect: [ us_ssn ], request: block, response: mask }
  - name: no-ledgers
    when: { request_text: '(?i)what is a ledger' }
    action: block
  - name: no-drops
    when: { tool_input: '(?i)drop' }
    action: hold
    approvers: { group: data-owners }
  - { name: nothing, when: { request_text: 'qqqq' }, action: block }
`,
  );
  // A fifth of so few exchanges is more than what is called broad: the exit code says so.
  const report = JSON.parse(affiant(state, ['policy', 'test', file, '--token', auditor, '--json'], { expect: [0, 1] }));
  const rule = (policy, action) => report.rules.find((one) => one.policy === policy && one.action === action);
  check(
    'a candidate policy is tried on the past: texts, held tools and values that were masked then',
    rule('no-ledgers', 'block')?.exchanges > 0 && rule('no-drops', 'hold')?.exchanges > 0 && rule('numbers', 'block')?.exchanges > 0,
    JSON.stringify(report.rules.map(({ policy, action, exchanges, values }) => [policy, action, exchanges, values])),
  );
  check(
    'it names what nothing hit, and shows no raw value',
    report.unused.join() === 'nothing' && !/536-22-8471/.test(JSON.stringify(report)),
  );
  check(
    'and says how verdicts would change',
    report.changes.some(({ recorded, candidate: now }) => recorded !== 'block' && now === 'block') &&
      report.changes.reduce((sum, { exchanges }) => sum + exchanges, 0) === report.exchanges,
    JSON.stringify(report.changes),
  );
}

async function ledger() {
  await until('everything is sealed', () => JSON.parse(affiant(state, ['status', '--json'])).ledger.lag === 0);
  const exchanges = await sql(instance, auditor, 'SELECT * FROM audit.exchanges ORDER BY started_at');
  const forwarded = exchanges.filter(({ outcome }) => outcome === 'completed');
  check(
    'every exchange is in the ledger',
    forwarded.length === heard.length,
    `${forwarded.length} completed exchanges, ${heard.length} heard upstream, ${exchanges.length} in all`,
  );
  check(
    'each names its principal',
    exchanges.every(({ principal_subject, principal_issuer }) => principal_subject !== '' && principal_issuer !== ''),
  );
  check(
    'each names its decision',
    exchanges.every(({ verdict, policy_digest }) => verdict !== '' && policy_digest.length === 64),
    JSON.stringify(exchanges.map(({ verdict }) => verdict)),
  );
  check(
    'each has its place in the tree',
    exchanges.every(({ request_leaf_index, response_leaf_index }) => request_leaf_index !== null && response_leaf_index !== null),
  );
  const bodies = await sql(instance, auditor, 'SELECT exchange_id, direction, body FROM audit.bodies');
  const messages = forwarded.filter(({ operation }) => operation === 'messages');
  const has = (id, direction) => bodies.some((row) => row.exchange_id === id && row.direction === direction && row.body.length > 0);
  check(
    'each has both bodies',
    messages.every(({ exchange_id: id }) => has(id, 'request') && has(id, 'response')),
  );
  check('no raw value is in the trail', !/536-22-8471|4539 1488 0343 6467|dana\.whitfield@/.test(JSON.stringify(bodies)));
  const recorded = new Set(bodies.filter(({ direction }) => direction === 'request').map(({ body }) => body));
  check(
    'what the upstream heard is what is recorded, byte for byte',
    heard.filter((body) => body !== '').every((body) => recorded.has(body)),
  );
  const metrics = await (await fetch(`${instance.console}/metrics`)).text();
  const counted = Number(/^affiant_exchanges_total\{outcome="completed",service="standalone"\} (\d+)$/m.exec(metrics)?.[1]);
  check('the metrics count what the ledger holds', counted === forwarded.length, `${counted} counted, ${forwarded.length} in the ledger`);
  const tree = await checkTree(instance, auditor, state);
  check('the tree recomputed from the raw events is the signed root', tree.ok, `${tree.leaves} leaves, ${tree.detail}`);
  check('loopback was the only network', process.env.AFFIANT_E2E_ISOLATED === 'yes' || process.env.CI !== 'true');
}
