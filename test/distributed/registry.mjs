// The schema registry: what `affiant schemas apply` put there, and that nothing stops when it is away.
import Anthropic from '@anthropic-ai/sdk';
import { affiantAside as affiant, sql } from '../support/instance.mjs';

export async function registry({ cluster, check, heard }) {
  const { url } = cluster.config.schema_registry;
  const { schemas } = JSON.parse(await affiant(null, ['schemas', 'check', '--config', cluster.sharedConfig, '--json']));
  const request = await fetch(`${url}/schemas/ids/1`).then((answer) => answer.json());
  check(
    'every schema is in the registry, under the id of the framing',
    schemas.length >= 7 && schemas.every(({ state }) => state === 'ok') && JSON.parse(request.schema).name === 'Request',
    schemas.map(({ id, state }) => `${id} ${state}`).join(', '),
  );

  await cluster.part('registry').kill();
  const [alice, auditor] = [await cluster.token('alice', 'engineering'), await cluster.token('olga', 'auditors')];
  const client = new Anthropic({ baseURL: `${cluster.gateways[0]}/c/strict`, apiKey: alice, maxRetries: 0 });
  const answer = await client.messages.create({
    model: 'claude-simulated-1',
    max_tokens: 200,
    messages: [{ role: 'user', content: 'What is a ledger?' }],
  });
  const left = await cluster.settled(60_000);
  const [row] = await sql(
    { console: cluster.console },
    auditor,
    "SELECT countIf(outcome = 'completed' AND request_leaf_index IS NOT NULL) AS sealed FROM audit.exchanges",
  );
  check(
    'an exchange made while the registry is away reaches the ledger, and is sealed',
    answer.content[0]?.text?.startsWith('A ledger is') && left === null && Number(row.sealed) === heard.length,
    JSON.stringify({ ...row, heard: heard.length, left }),
  );
  await affiant(null, ['schemas', 'check', '--config', cluster.sharedConfig], { expect: 1 });
}
