// What a test of a standalone instance needs first: a directory, a provider that is simulated, and a configuration that puts the gateway before it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const KEY = 'a-provider-key-that-no-client-knows';

/**
 * `more` is YAML that follows the policies. Of the provider, `close()` is the caller's.
 * @param {{directory: string, institution: string, connection?: string, policies?: string[], more?: string, provider?: object}} options
 */
export async function foundBank({ directory, institution, connection = 'demo', policies = [], more = '', provider: simulated = {} }) {
  // Not at the top: what it imports is built by `prepare.mjs`.
  const { startSimulatedProvider } = await import('../../dist/apps/standalone/src/demo/provider.js');
  const state = join(directory, 'var');
  mkdirSync(state, { recursive: true });
  const keyFile = join(directory, 'provider.key');
  writeFileSync(keyFile, KEY, { mode: 0o600 });
  const provider = await startSimulatedProvider({ host: '127.0.0.1', port: 0, apiKey: KEY, pace: 1, ...simulated });
  const config = join(directory, 'affiant.yaml');
  const all = ['{ name: customer-data, detect: [ us_ssn, credit_card, email ], request: mask, response: mask }', ...policies];
  writeFileSync(
    config,
    `institution: ${institution}
server: { gateway_port: 0, console_port: 0, issuer_port: 0 }
identity: { development_issuer: true }
connections:
  - { name: ${connection}, protocol: anthropic, upstream: '${provider.url}', credential: { file: '${keyFile}' }, allow: [ 'group:engineering' ] }
policies:
${all.map((policy) => `  - ${policy}\n`).join('')}ledger:
  auditors: [ auditors ]
${more}`,
  );
  return { state, config, provider };
}

/** Says texts in turn, the user's first, in a session (null: it names none). Throws when the gateway refuses. */
export function speaker({ gateway }, bearer, connection = 'demo') {
  return async (session, texts) => {
    const messages = texts.map((text, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content: text }));
    const response = await fetch(`${gateway}/c/${connection}/v1/messages`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        'content-type': 'application/json',
        'anthropic-version': '2023-06-01',
        ...(session === null ? {} : { 'x-claude-code-session-id': session }),
      },
      body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 50, messages }),
    });
    await response.text();
    if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
  };
}
