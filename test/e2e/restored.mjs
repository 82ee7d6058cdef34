// Values given back (`restore`), through the unmodified agent SDKs of both vendors: the model has placeholders, the tools and the person have the value, and
// neither trail nor ledger ever does.
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { startSimulatedOpenaiProvider } from '../../dist/apps/standalone/src/demo/openai-provider.js';
import { sql, until } from '../support/instance.mjs';
import { agentOptions } from './agent-options.mjs';

/** Said nowhere else in these tests: whoever holds it has it from here. */
const SSN = '219-09-9999';
const ASKED = [`My SSN is ${SSN}. Please file it.`, 'Please say it again.'];
const MODEL = 'gpt-simulated-1';

/** The providers heard `heard`: bodies of calls that came through the gateway. A `modules` that is '' means its SDK is not installed. */
export async function restored({ check, instance, state, auditor, alice, heard, directory, modules, openaiModules }) {
  const before = heard.length;
  if (modules === '') check('given back: the Claude Agent SDK is there', process.env.CI !== 'true', 'not installed: this part did not run');
  else await agentSdk({ check, instance, alice, directory, modules });
  const between = heard.length;
  if (openaiModules === '')
    check('given back: the OpenAI SDKs are there', process.env.CI !== 'true', 'not installed: this part did not run');
  else await openaiAgents({ check, instance, alice, modules: openaiModules });
  const bodies = heard.slice(before);
  if (bodies.length === 0) return;
  const connections = [...(modules === '' ? [] : ['claude-restoring']), ...(openaiModules === '' ? [] : ['gpt-restoring'])];
  check(
    'given back: the model was shown placeholders only, in every turn',
    bodies.every((body) => !body.includes(SSN) && !body.includes(SSN.replaceAll('-', ''))) &&
      bodies.filter((body) => /SSN is \[US_SSN:\w{8}\]/.test(body)).length >= 2,
    `${between - before} and ${bodies.length - (between - before)} requests heard`,
  );
  await trail({ check, instance, state, auditor, masked: bodies.join('\n').match(/\[US_SSN:\w{8}\]/)[0], connections });
}

/** One person says two things to one agent; the first needs a tool. */
async function agentSdk({ check, instance, alice, directory, modules }) {
  const { query } = await import(pathToFileURL(join(modules, '@anthropic-ai/claude-agent-sdk/sdk.mjs')).href);
  const home = join(directory, 'restored-home');
  const work = join(directory, 'restored-work');
  mkdirSync(home);
  mkdirSync(work);
  const messages = [];
  const stderr = [];
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), 120_000);
  let answered = () => undefined;
  const said = async function* () {
    for (const content of ASKED) {
      const turn = new Promise((resolve) => (answered = resolve));
      yield { type: 'user', message: { role: 'user', content }, parent_tool_use_id: null, session_id: '' };
      await turn;
    }
  };
  try {
    const options = agentOptions({ limit, work, home, stderr, gateway: instance.gateway, connection: 'claude-restoring', bearer: alice });
    for await (const message of query({ prompt: said(), options })) {
      messages.push(message);
      if (message.type === 'result') answered();
    }
  } catch (error) {
    stderr.push(String(error));
  }
  clearTimeout(timer);
  const results = messages.filter(({ type }) => type === 'result');
  const detail = () => `${JSON.stringify(results.map(({ subtype, result }) => [subtype, result]))} ${stderr.join('').slice(-400)}`;
  const received = readdirSync(work).includes('received.txt') ? readFileSync(join(work, 'received.txt'), 'utf8') : 'nothing';
  check('given back: the tool of the Claude Agent SDK got the value', received === `filed ${SSN}`, received);
  check(
    'given back: its answer shows the value',
    results[0]?.subtype === 'success' && results[0].result === `Filed: ${SSN}. All done.`,
    detail(),
  );
  check('given back: so does its second turn', results[1]?.subtype === 'success' && results[1].result === `It is ${SSN}.`, detail());
}

/** The same of `@openai/agents`, where the transcript must be that of an agent without a gateway to the letter. */
async function openaiAgents({ check, instance, alice, modules }) {
  process.env.OPENAI_AGENTS_DISABLE_TRACING = '1';
  const agents = await import(pathToFileURL(join(modules, '@openai/agents/dist/index.mjs')).href);
  const key = 'straight-to-the-provider';
  const straight = await startSimulatedOpenaiProvider({ host: '127.0.0.1', port: 0, apiKey: key, pace: 0 });
  for (const useResponses of [true, false]) {
    for (const stream of [false, true]) {
      const name = `given back: @openai/agents, ${useResponses ? 'responses' : 'chat completions'}, ${stream ? 'streamed' : 'not streamed'}`;
      const direct = await runAgent(agents, { baseURL: `${straight.url}/v1`, apiKey: key, useResponses, stream });
      const through = await runAgent(agents, { baseURL: `${instance.gateway}/c/gpt-restoring/v1`, apiKey: alice, useResponses, stream });
      check(
        `${name}: the tool got the value, both answers show it`,
        isDeepStrictEqual(through.calls, [{ number: SSN }]) &&
          isDeepStrictEqual(through.finals, [`Filed: ${SSN}. All done.`, `It is ${SSN}.`]),
        JSON.stringify([through.calls, through.finals]),
      );
      const isSame = isDeepStrictEqual(through.history, direct.history) && through.streamed === direct.streamed;
      check(
        `${name}: the transcript of both turns is the unproxied one`,
        isSame,
        isSame ? `${through.history.length} items` : `${JSON.stringify(through)}\n${JSON.stringify(direct)}`,
      );
    }
  }
  await straight.close();
}

async function runAgent(agents, { baseURL, apiKey, useResponses, stream }) {
  const calls = [];
  const file = agents.tool({
    name: 'file_number',
    description: 'Files a number',
    parameters: { type: 'object', properties: { number: { type: 'string' } }, required: ['number'], additionalProperties: false },
    strict: true,
    execute: (input) => {
      calls.push(input);
      return `filed ${input.number}`;
    },
  });
  const agent = new agents.Agent({
    name: 'Clerk',
    instructions: 'File things.',
    model: MODEL,
    tools: [file],
    modelSettings: { store: false },
  });
  const runner = new agents.Runner({ modelProvider: new agents.OpenAIProvider({ apiKey, baseURL, useResponses }), tracingDisabled: true });
  const finals = [];
  let history = [];
  let streamed = '';
  for (const content of ASKED) {
    const asked = [...history, { role: 'user', content }];
    const result = await runner.run(agent, asked, { stream, maxTurns: 4, signal: AbortSignal.timeout(120_000) });
    if (stream) {
      for await (const event of result)
        if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') streamed += event.data.delta;
      await result.completed;
    }
    finals.push(result.finalOutput);
    history = result.history;
  }
  return { finals, calls, streamed, history: JSON.parse(JSON.stringify(history)) };
}

/** Placeholders in the ledger, and that values were given back; the value in no row and no file. */
async function trail({ check, instance, state, auditor, masked, connections }) {
  const where = `connection IN (${connections.map((name) => `'${name}'`).join(', ')})`;
  const bodies = await until(
    'what was given back is in the ledger',
    async () => {
      const open = await sql(instance, auditor, `SELECT count() AS n FROM audit.exchanges WHERE ${where} AND finished_at IS NULL`);
      const rows = await sql(
        instance,
        auditor,
        `SELECT direction, body FROM audit.bodies WHERE exchange_id IN (SELECT exchange_id FROM audit.exchanges WHERE ${where})`,
      );
      return Number(open[0].n) === 0 && rows.filter(({ direction }) => direction === 'response').length >= 3 ? rows : null;
    },
    120_000,
  );
  check(
    'given back: the trail has what the model wrote, both ways',
    bodies.every(({ body }) => !body.includes(SSN)) &&
      ['request', 'response'].every((one) => bodies.some(({ direction, body }) => direction === one && body.includes(masked))),
    `${bodies.length} bodies`,
  );
  const given = await sql(
    instance,
    auditor,
    `SELECT DISTINCT connection, attributes['place'] AS place FROM audit.control WHERE kind = 'value.restored' ORDER BY connection, place`,
  );
  const expected = connections.flatMap((connection) => ['text', 'tool_input'].map((place) => ({ connection, place })));
  check('given back: the ledger says so, by connection and place', isDeepStrictEqual(given, expected), JSON.stringify(given));
  const hex = Buffer.from(SSN).toString('hex');
  const held = (column) => `position(${column}, unhex('${hex}')) > 0`;
  const [{ n }] = await sql(
    instance,
    auditor,
    `SELECT count() AS n FROM ledger.events WHERE ${held('raw')} OR ${held('data')} OR ${held("arrayStringConcat(segment_content, ' ')")}`,
  );
  const [{ m }] = await sql(
    instance,
    auditor,
    `SELECT count() AS m FROM ledger.content WHERE ${held("arrayStringConcat(segment_content, ' ')")}`,
  );
  const files = filesWith(state);
  check(
    'given back: the value is in no row and in no file',
    Number(n) + Number(m) + files.length === 0,
    `${n} events, ${m} rows of content, ${files.join(' ')}`,
  );
}

function filesWith(path) {
  return readdirSync(path).flatMap((name) => {
    const file = join(path, name);
    try {
      return statSync(file).isDirectory() ? filesWith(file) : readFileSync(file).includes(SSN) ? [file] : [];
    } catch {
      return [];
    }
  });
}
