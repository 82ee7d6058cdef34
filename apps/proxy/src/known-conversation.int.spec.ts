import { createHmac, hash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PolicyConfig } from '#config';
import { createPlaceholder } from '#detect';
import type { Body } from '#events';
import { compilePolicySet, type PolicySet } from '#policy';
import { AnthropicProtocol } from './protocols/anthropic/index.js';
import { PrefixFollower } from './protocols/shared/request/known/follower.js';
import { answerJson } from './testing/fake-upstream.js';
import { Rig } from './testing/rig.js';

const placeholder = createPlaceholder(Buffer.alloc(32, 9));
const SSN = '536-22-8145';
const MAIL = 'jane@example.com';
const HELD = placeholder('us_ssn', SSN);
const MASKS: PolicyConfig = { name: 'customer-data', detect: ['us_ssn'], request: 'mask', response: 'mask', restore: ['text'] };
const MASKS_MAIL: PolicyConfig = { name: 'mail', detect: ['email'], request: 'mask', response: 'mask' };
const BLOCKS: PolicyConfig = { name: 'no-mail', detect: ['email'], request: 'block', response: 'mask' };
const setOf = (...policies: PolicyConfig[]): PolicySet =>
  compilePolicySet({ policies, patterns: [] }, policies.map(({ name }) => name).join());

let rig: Rig;
let set: PolicySet;
let publish: (set: PolicySet) => void;
afterEach(async () => {
  vi.restoreAllMocks();
  await rig.stop();
});

async function start(...policies: PolicyConfig[]): Promise<void> {
  set = setOf(...policies);
  rig = await Rig.start({
    options: {
      protocols: [new AnthropicProtocol()],
      policySource: {
        current: () => set,
        onChange: (listener) => {
          publish = listener;
          return () => undefined;
        },
      },
      placeholder,
    },
  });
  // Gives back what it was told, so that what the caller gets back can be seen.
  rig.upstream.answer = ({ response }) =>
    answerJson(
      response,
      200,
      JSON.stringify({ type: 'message', role: 'assistant', usage: {}, content: [{ type: 'text', text: `of ${HELD}` }] }),
    );
}

const headers = { 'x-claude-code-session-id': 's1' };
const words = 'some words and more of them '.repeat(70);
const conversation = (turns: number): string =>
  JSON.stringify({
    model: 'm',
    max_tokens: 9,
    messages: Array.from({ length: turns }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: `turn ${i} ${words}${i === 5 ? SSN : i === 11 ? MAIL : ''}`,
    })),
    temperature: 0.5,
  });
const digestOf = (sent: string): string =>
  `v2:${createHmac('sha256', Buffer.alloc(32, 7))
    .update(hash('sha256', sent, 'buffer'))
    .digest('hex')}`;
const requests = (): Body[] => rig.recorder.of('request').map(({ event }) => event.body);
const heard = (): string[] => rig.upstream.heard.map(({ body }) => body);

describe('a conversation that a gateway has seen', () => {
  it('goes upstream masked, is cited in the trail, and gives back what stands in its known part', async () => {
    await start(MASKS);
    const follows = vi.spyOn(PrefixFollower.prototype, 'end');
    for (const turns of [60, 61, 75, 75, 130]) {
      const sent = conversation(turns);
      const { status, body } = await rig.post(sent, { headers });
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ content: [{ text: `of ${SSN}` }] });
      expect(heard().at(-1) === sent.replace(SSN, HELD)).toBe(true);
      const recorded = requests().at(-1)!;
      expect(recorded.original_digest).toBe(digestOf(sent));
      expect(recorded.original_length).toBe(Buffer.byteLength(sent));
      expect(recorded.masked_length).toBe(Buffer.byteLength(heard().at(-1)!));
      expect(recorded.segments.reduce((sum, { bytes_length }) => sum + bytes_length, 0)).toBe(recorded.masked_length);
      expect(recorded.masks).toEqual([{ entity: 'us_ssn', rule: expect.any(String) as string, policy: 'customer-data', count: 1 }]);
    }
    const parts = follows.mock.results.map(({ value }) => (value as ReturnType<PrefixFollower['end']>).known?.count ?? 0);
    // Asked twice a call: for the digest, and for what is kept.
    expect(parts).toHaveLength(8);
    for (const count of parts) expect(count).toBeGreaterThan(5);
    // Each later turn stores what is new: far less than it sends.
    const inline = requests().map(({ segments }) => segments.reduce((sum, { inline: bytes }) => sum + (bytes?.length ?? 0), 0));
    expect(inline[1]).toBeLessThan(20_000);
    expect(JSON.stringify(rig.recorder.drafts)).not.toContain(SSN);
  });

  it('is judged by the policy of the day: what was masked for one is screened for the next', async () => {
    await start(MASKS);
    await rig.post(conversation(60), { headers });
    expect(heard()[0]).toContain(MAIL);
    set = setOf(MASKS, MASKS_MAIL);
    publish(set);
    await expect.poll(() => rig.recorder.of('control').filter(({ event }) => event.kind === 'policy.published').length).toBe(2);
    await rig.post(conversation(61), { headers });
    expect(heard()[1]).toBe(conversation(61).replace(SSN, HELD).replace(MAIL, placeholder('email', MAIL)));
    set = setOf(MASKS, BLOCKS);
    publish(set);
    await expect.poll(() => rig.recorder.of('control').filter(({ event }) => event.kind === 'policy.published').length).toBe(3);
    for (let i = 0; i < 2; i += 1) expect((await rig.post(conversation(62), { headers })).status).toBe(403);
    expect(heard()).toHaveLength(2);
  });

  it('that breaks off or goes wrong behind its known part is refused as a new one is', async () => {
    await start(MASKS);
    await rig.post(conversation(60), { headers });
    const wrong = `${conversation(61).slice(0, -30)},]}`;
    const known = await rig.post(wrong, { headers });
    const fresh = await rig.post(wrong, { headers: { 'x-claude-code-session-id': 's2' } });
    expect(known.status).toBe(400);
    const message = (body: string): unknown => (JSON.parse(body) as { error: { message: string } }).error.message;
    expect(message(known.body)).toBe(message(fresh.body));
    await rig.post(conversation(61), { headers });
    expect(heard()).toHaveLength(2);
  });
});
