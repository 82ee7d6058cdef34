// One real installation, some calls of every kind, and what it left behind: its log on disk and the exact bytes of its events.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { foundBank } from '../support/bank.mjs';
import { affiantAside, sql, startInstance, token, until } from '../support/instance.mjs';

/** @param {import('../support/engines/tsa.mjs').TestTsa | null} tsa stamps its checkpoints */
export async function runInstance(parent, tsa) {
  const directory = join(parent, 'instance');
  mkdirSync(directory);
  const stamping = `  timestamps: { authorities: [ { name: oracle, url: '${tsa?.url}', root: '${tsa?.rootFile}' } ], interval: 1s, timeout: 2m }\n`;
  const { state, config, provider } = await foundBank({
    directory,
    institution: 'Oracle Bank',
    connection: 'claude',
    policies: ["{ name: destructive-sql, when: { tool_input: '(?i)\\bdrop\\s+(table|database)\\b' }, action: block }"],
    more: tsa === null ? '' : stamping,
  });
  let instance = null;
  try {
    instance = await startInstance({ state, config });
    await traffic(instance, token(state, 'alice', 'engineering'));
    const auditor = token(state, 'olga', 'auditors');
    const events = await until(
      'all is sealed',
      async () => {
        const counted = await sql(
          instance,
          auditor,
          "SELECT event_type, count() AS n FROM ledger.events WHERE event_type != 'control' GROUP BY event_type",
        );
        const responses = counted.find(({ event_type }) => event_type === 'response');
        if (Number(responses?.n ?? 0) < 4 || !counted.some(({ event_type }) => event_type === 'checkpoint')) return null;
        return sql(instance, auditor, 'SELECT event_type, base64Encode(raw) AS raw FROM ledger.events ORDER BY source_id, seq');
      },
      120_000,
    );
    const granted =
      tsa === null
        ? []
        : await until(
            'a checkpoint is stamped',
            async () => {
              const rows = await sql(
                instance,
                auditor,
                "SELECT attributes FROM audit.control WHERE kind = 'timestamp.granted' AND leaf_index IS NOT NULL",
              );
              return rows.length === 0 ? null : rows.map(({ attributes }) => attributes);
            },
            120_000,
          );
    const hour = 3_600_000;
    const period = ['--from', new Date(Date.now() - hour).toISOString(), '--to', new Date().toISOString()];
    const packet = JSON.parse(await affiantAside(state, ['packet', 'create', '--framework', 'ffiec', ...period, '--json']));
    const verified = await affiantAside(state, ['verify', packet.path, '--key', join(state, 'keys/ledger.vkey'), '--json']);
    await instance.stop();
    return {
      verified: JSON.parse(verified),
      state,
      config,
      tsa,
      granted,
      packet,
      events: events.map(({ event_type, raw }) => ({ type: event_type, raw: Buffer.from(raw, 'base64') })),
    };
  } catch (error) {
    await instance?.kill().catch(() => {});
    throw error;
  } finally {
    await provider.close();
  }
}

/** Passed, streamed, masked (with text that is not ASCII), and blocked. */
async function traffic(instance, bearer) {
  const ask = async (content, extra = {}) => {
    const answer = await fetch(`${instance.gateway}/c/claude/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': bearer, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model: 'claude-simulated-1', max_tokens: 128, messages: [{ role: 'user', content }], ...extra }),
    });
    await answer.arrayBuffer();
  };
  await ask('Say hello.');
  await ask('Stream, please.', { stream: true });
  await ask('Grüße aus Köln, 東京 😀: my SSN is 536-22-8471, mail ann@bank.example.');
  await ask([
    { type: 'tool_result', tool_use_id: 'toolu_1', content: 'x' },
    { type: 'text', text: 'DROP TABLE accounts' },
  ]);
  // More than one event may carry: its segments become events of their own.
  await ask(`A long document follows. ${'All work and no play. '.repeat(15_000)}`);
}
