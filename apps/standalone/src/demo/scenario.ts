import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { setTimeout as delay } from 'node:timers/promises';
import type { Approval, PacketRecord } from '#catalogue';

/** What the scripted demonstration works with: the public surfaces only, as a user would. */
export interface DemoSurfaces {
  readonly gateway: string;
  readonly console: string;
  readonly connection: string;
  /** A token of the development issuer. */
  readonly token: (subject: string, groups: readonly string[]) => Promise<string>;
  /** Offline check of a finished packet; throws what is wrong. */
  readonly verify: (path: string) => Promise<void>;
  readonly say: (line: string) => void;
  readonly nowMs: () => number;
}

const MODEL = 'claude-simulated-1';
const WAIT_MS = 120_000;

/** Four calls (allowed, masked in a stream, blocked, held and approved), then a packet per framework, verified. Returns the packets' paths. */
export async function runDemo(surfaces: DemoSurfaces): Promise<string[]> {
  const { say } = surfaces;
  const startedAt = surfaces.nowMs();
  const alice = new Anthropic({
    baseURL: `${surfaces.gateway}/c/${surfaces.connection}`,
    apiKey: await surfaces.token('alice', ['engineering']),
    maxRetries: 0,
  });
  const olga = new Api(surfaces.console, await surfaces.token('olga', ['auditors']));
  const bob = new Api(surfaces.console, await surfaces.token('bob', ['data-owners']));

  const allowed = await alice.messages.create({
    model: MODEL,
    max_tokens: 200,
    messages: [{ role: 'user', content: 'What is a ledger?' }],
  });
  say(`1 allowed   alice asked a question and got: "${textOf(allowed)}"`);

  const streamed = await alice.messages
    .stream({ model: MODEL, max_tokens: 200, messages: [{ role: 'user', content: 'Show me the customer record.' }] })
    .finalMessage();
  const masked = textOf(streamed);
  if (/536-22-8471|0343 6|whitfield@/.test(masked) || !masked.includes('[US_SSN:')) throw new Error(`the stream was not masked: ${masked}`);
  say(`2 masked    the provider streamed a customer record; alice got: "${masked}"`);

  const refusal = await alice.messages
    .create({
      model: MODEL,
      max_tokens: 200,
      messages: [{ role: 'user', content: 'Use the key AKIAQ3EGRZ7LP5WXN2TD and secret password = "hV9!tq2Lz7#mW4" to log in.' }],
    })
    .then(
      () => null,
      (error: unknown) => error,
    );
  if (!(refusal instanceof APIError) || refusal.status !== 403)
    throw new Error(`the call with a credential was not blocked: ${String(refusal)}`);
  say(`3 blocked   alice put a credential into a prompt: ${refusal.status} before a byte left`);

  const held = alice.messages
    .stream({
      model: MODEL,
      max_tokens: 200,
      tools: [{ name: 'run_sql', description: 'Runs SQL', input_schema: { type: 'object', properties: { query: { type: 'string' } } } }],
      messages: [{ role: 'user', content: 'Clean up: drop the table of 2019.' }],
    })
    .finalMessage();
  held.catch(() => undefined);
  const approval = await waitFor(
    'the call to be held',
    async () => (await bob.get<{ approvals: Approval[] }>('/api/v1/approvals?state=pending')).approvals[0],
  );
  say(`4 held      the model wants to run ${approval.summary}`);
  await bob.post(`/api/v1/approvals/${approval.id}/approve`, { reason: 'The table was archived last week.' });
  const released = await held;
  if (!released.content.some(({ type }) => type === 'tool_use')) throw new Error('the approved tool call did not arrive');
  say('            bob (data-owners) approved it with a reason; the tool call went on');

  await waitFor('the ledger to seal the exchanges', async () =>
    (await olga.get<{ ledger: { lag: number } }>('/api/v1/status')).ledger.lag === 0 ? true : undefined,
  );
  const period = { from: new Date(startedAt - 60_000).toISOString(), to: new Date(surfaces.nowMs() + 1_000).toISOString() };
  const paths: string[] = [];
  for (const framework of ['ffiec', 'nist-800-53']) {
    const { packet: asked } = await olga.post<{ packet: PacketRecord }>('/api/v1/packets', { framework, ...period });
    const packet = await waitFor(`the ${framework} packet`, async () => {
      const { packet: record } = await olga.get<{ packet: PacketRecord }>(`/api/v1/packets/${asked.id}`);
      if (record.state === 'failed' || record.state === 'refused')
        throw new Error(`the ${framework} packet was not made: ${record.error ?? record.state}`);
      return record.state === 'done' ? record : undefined;
    });
    if (packet.path === null) throw new Error('a finished packet has a path');
    await surfaces.verify(packet.path);
    say(`5 packet    ${framework}: ${packet.path} (${verdicts(packet)}; verified)`);
    paths.push(packet.path);
  }
  return paths;
}

class Api {
  constructor(
    readonly base: string,
    readonly token: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.#send<T>(path, {});
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.#send<T>(path, { method: 'POST', body: JSON.stringify(body) });
  }

  async #send<T>(path: string, init: RequestInit): Promise<T> {
    const response = await fetch(`${this.base}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
    return (await response.json()) as T;
  }
}

async function waitFor<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${WAIT_MS / 1000} s for ${what}`);
    await delay(100);
  }
}

const textOf = (message: Anthropic.Message): string => message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');

const verdicts = (packet: PacketRecord): string =>
  Object.entries(packet.verdicts ?? {})
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
