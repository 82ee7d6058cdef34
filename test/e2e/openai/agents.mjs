// The unmodified `@openai/agents` and `openai` packages, once straight to a simulated provider and once through the gateway: the same but for masked values.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { startSimulatedOpenaiProvider } from '../../../dist/apps/standalone/src/demo/openai-provider.js';
import { affiant, token, until } from '../../support/instance.mjs';

const SSN = '536-22-8471';
const EMAIL = 'dana.whitfield@example.com';
const RAW = /536-22-8471|dana\.whitfield@/;
const MODEL = 'gpt-simulated-1';

/** The provider heard `heard`: bodies of calls that came through the gateway. `modules` is '' when the SDKs are not installed. */
export async function openai({ check, instance, state, alice, heard, modules }) {
  if (modules === '') return check('the OpenAI SDKs are there', process.env.CI !== 'true', 'not installed: this part did not run');
  // Tracing goes to a fixed address, past any gateway (docs/guide/put-an-openai-agent-behind-it.md).
  process.env.OPENAI_AGENTS_DISABLE_TRACING = '1';
  const agents = await import(pathToFileURL(join(modules, '@openai/agents/dist/index.mjs')).href);
  const { default: OpenAI } = await import(pathToFileURL(join(modules, 'openai/index.mjs')).href);
  const key = 'straight-to-the-provider';
  const straight = await startSimulatedOpenaiProvider({ host: '127.0.0.1', port: 0, apiKey: key, pace: 0 });
  const before = heard.length;
  for (const useResponses of [true, false]) {
    for (const stream of [false, true]) {
      const name = `@openai/agents, ${useResponses ? 'responses' : 'chat completions'}, ${stream ? 'streamed' : 'not streamed'}`;
      const direct = await runAgent(agents, { baseURL: `${straight.url}/v1`, apiKey: key, useResponses, stream });
      const through = await runAgent(agents, { baseURL: `${instance.gateway}/c/gpt/v1`, apiKey: alice, useResponses, stream });
      check(
        `${name}: the tool ran once, and the answer came`,
        through.calls.length === 1 && through.final.includes('All done.'),
        through.final,
      );
      check(
        `${name}: the answer is masked`,
        !RAW.test(through.final) && /\[US_SSN:\w+\].*\[EMAIL:\w+\]/.test(through.final),
        through.final,
      );
      check(
        `${name}: the transcript is the unproxied one but for masked values`,
        isDeepStrictEqual(withoutValues(through), withoutValues(direct)) && RAW.test(JSON.stringify(direct)),
        isDeepStrictEqual(withoutValues(through), withoutValues(direct))
          ? `${through.history.length} items`
          : `${JSON.stringify(withoutValues(through))}\n${JSON.stringify(withoutValues(direct))}`,
      );
      if (stream) check(`${name}: the deltas say what the answer says`, through.streamed.endsWith(through.final), through.streamed);
    }
  }
  const bodies = heard.slice(before);
  check('each run asked twice', bodies.length === 8, `${bodies.length} requests heard`);
  check(
    'what the tool answered reached the model masked',
    bodies.every((body) => !RAW.test(body)) && bodies.filter((body) => body.includes('[US_SSN:')).length === 4,
  );
  await plain({
    check,
    state,
    alice,
    heard,
    client: (apiKey) => new OpenAI({ baseURL: `${instance.gateway}/c/gpt/v1`, apiKey, maxRetries: 0 }),
  });
  await straight.close();
}

/** One question, one tool call, one answer. */
async function runAgent(agents, { baseURL, apiKey, useResponses, stream }) {
  const calls = [];
  const lookup = agents.tool({
    name: 'lookup_customer',
    description: 'Finds a customer',
    parameters: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false },
    strict: true,
    execute: (input) => {
      calls.push(input);
      return `Dana Whitfield, SSN ${SSN}, e-mail ${EMAIL}`;
    },
  });
  const agent = new agents.Agent({
    name: 'Clerk',
    instructions: 'Look things up.',
    model: MODEL,
    tools: [lookup],
    modelSettings: { store: false },
  });
  const runner = new agents.Runner({ modelProvider: new agents.OpenAIProvider({ apiKey, baseURL, useResponses }), tracingDisabled: true });
  const result = await runner.run(agent, 'Please look up Dana Whitfield.', { stream, maxTurns: 4, signal: AbortSignal.timeout(120_000) });
  let streamed = '';
  if (stream) {
    for await (const event of result)
      if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') streamed += event.data.delta;
    await result.completed;
  }
  return { final: result.finalOutput, history: JSON.parse(JSON.stringify(result.history)), calls, streamed };
}

/** A transcript with every value, masked or not, replaced by its kind. Deltas may be cut elsewhere; their sum is compared. */
function withoutValues(transcript) {
  const text = JSON.stringify(transcript)
    .replaceAll(SSN, '<ssn>')
    .replaceAll(EMAIL, '<email>')
    .replace(/\[US_SSN:\w+\]/g, '<ssn>')
    .replace(/\[EMAIL:\w+\]/g, '<email>');
  return JSON.parse(text);
}

async function plain({ check, state, alice, heard, client }) {
  const sdk = client(alice);
  const models = await sdk.models.list();
  check('openai: models passes', models.data[0]?.id === MODEL);
  const whole = await sdk.responses.create({ model: MODEL, input: 'Show the customer record', store: false });
  const final = await sdk.responses.stream({ model: MODEL, input: 'Show the customer record', store: false }).finalResponse();
  check(
    'openai: a streamed response is the whole one, masked',
    final.output_text === whole.output_text && !RAW.test(whole.output_text),
    final.output_text,
  );
  const chat = await sdk.chat.completions.stream({
    model: MODEL,
    messages: [{ role: 'user', content: 'Show the customer record' }],
    stream_options: { include_usage: true },
  });
  const completion = await chat.finalChatCompletion();
  check(
    'openai: so are streamed chat completions, usage and all',
    completion.choices[0].message.content === whole.output_text && completion.usage.total_tokens > 0,
  );

  const status = (call) => call.catch((error) => error).then((error) => `${error?.constructor?.name} ${error?.status} ${error?.code}`);
  const counted = heard.length;
  const refused = 'PermissionDeniedError 403 policy_blocked';
  check(
    'openai: an answer that the provider would keep is refused',
    (await status(sdk.responses.create({ model: MODEL, input: 'hi' }))) === refused,
  );
  check(
    'openai: so is an answer to one that it keeps',
    (await status(sdk.responses.create({ model: MODEL, input: 'hi', store: false, previous_response_id: 'resp_1' }))) === refused,
  );
  check('openai: retrieval is denied', (await status(sdk.responses.retrieve('resp_1'))) === 'PermissionDeniedError 403 path_denied');
  check('openai: files are denied', (await status(sdk.files.list())) === 'PermissionDeniedError 403 path_denied');
  check('openai: no token, no call', (await status(client('sk-not-a-token').models.list())).startsWith('AuthenticationError 401'));
  check('openai: none of these went upstream', heard.length === counted);

  const tools = [{ type: 'function', name: 'run_sql', parameters: { type: 'object', properties: {} }, strict: false }];
  const held = sdk.responses.stream({ model: MODEL, input: 'Please clean up', tools, store: false }).finalResponse();
  const pending = await until('the OpenAI call is held', () =>
    JSON.parse(affiant(state, ['approvals', 'list', '--json'])).find(
      ({ state: now, connection }) => now === 'pending' && connection === 'gpt',
    ),
  );
  affiant(state, ['approvals', 'approve', pending.id, '--reason', 'archived last week', '--token', token(state, 'bob', 'data-owners')]);
  const released = await held;
  check(
    'openai: a held tool call is released by another person, once',
    released.output.some(
      ({ type, arguments: input }) => type === 'function_call' && JSON.parse(input).query === 'DROP TABLE customers_2019;',
    ) && heard.length === counted + 1,
    JSON.stringify(released.output),
  );
}
