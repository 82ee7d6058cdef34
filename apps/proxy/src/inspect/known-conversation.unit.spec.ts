import { describe, expect, it } from 'vitest';
import type { Call } from '../call.js';
import { NO_BODY } from '../intake/read-body.js';
import { AnthropicProtocol } from '../protocols/anthropic/index.js';
import { Conversations } from '../protocols/shared/request/known/conversations.js';
import { testContext } from '../protocols/shared/testing/policies.js';
import { follow, remember } from './known-conversation.js';

const protocol = new AnthropicProtocol();
const route = protocol.route('POST', '/v1/messages')!;
const screening = testContext({});
const body = JSON.stringify({
  model: 'm',
  messages: Array.from({ length: 30 }, (_, i) => ({ role: 'user', content: `turn ${i} ${'more words '.repeat(200)}` })),
});

const principal = { issuer: 'i', subject: 'alice', display: 'Alice', groups: [], actor: null };

describe('what a caller sent before', () => {
  it('is followed for the same principal, connection, operation and session, and for nobody else', async () => {
    const services = {
      conversations: new Conversations(),
      policies: { for: () => ({ screening }) },
      clock: { nowMs: () => 0 },
    } as unknown as Parameters<typeof follow>[1];
    const screened = await protocol.screenRequest(Buffer.from(body), route, screening);
    const call = {
      credential: { principal },
      connection: { name: 'claude' },
      protocol,
      route,
      request: { headers: { 'x-claude-code-session-id': 's1' } },
      screened,
      body: NO_BODY,
    } as unknown as Call;
    remember(call, services);
    expect(follow(call, services)).not.toBeNull();
    const others = [
      { credential: { principal: { ...principal, subject: 'bob' } } },
      { credential: { principal: { ...principal, issuer: 'j' } } },
      { connection: { name: 'other' } },
      { route: { ...route, operation: 'count_tokens' } },
      { protocol: Object.assign(new AnthropicProtocol(), { name: 'openai' }) },
      { request: { headers: { 'x-claude-code-session-id': 's2' } } },
      { request: { headers: {} } },
    ];
    for (const other of others) expect(follow({ ...call, ...other } as unknown as Call, services)).toBeNull();
  });
});
