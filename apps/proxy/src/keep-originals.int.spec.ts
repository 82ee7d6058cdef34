import { afterEach, describe, expect, it } from 'vitest';
import type { PolicyConfig } from '#config';
import { decodeOriginals, MemoryKeyBook, openSealed, type KeptOriginals } from '#content-keys';
import { createPlaceholder } from '#detect';
import type { Body } from '#events';
import { compilePolicySet, type PolicySet } from '#policy';
import type { ProxyOptions } from './ports.js';
import { AnthropicProtocol } from './protocols/anthropic/index.js';
import { MESSAGE_END, MESSAGE_START, textBlock } from './protocols/anthropic/testing/streams.js';
import { OpenaiProtocol } from './protocols/openai/index.js';
import { answerJson, answerStream } from './testing/fake-upstream.js';
import { connection, Rig } from './testing/rig.js';

const placeholder = createPlaceholder(Buffer.alloc(32, 9));
const SSN = '536-22-8145';
const MAIL = 'jane@example.com';
const SAID = '219-09-9999';
const HELD = placeholder('us_ssn', SSN);
const KEPT: PolicyConfig = {
  name: 'customer-data',
  detect: ['us_ssn'],
  request: 'mask',
  response: 'mask',
  keep_original: 'sealed',
  restore: ['text'],
};
const NOT_KEPT: PolicyConfig = { name: 'mail', detect: ['email'], request: 'mask', response: 'mask' };

let rig: Rig;
afterEach(() => rig.stop());

const setOf = (...policies: PolicyConfig[]): PolicySet => compilePolicySet({ policies, patterns: [] }, String(policies.length));

async function start(set: PolicySet, options: Partial<ProxyOptions> = {}): Promise<void> {
  rig = await Rig.start({
    options: {
      protocols: [new AnthropicProtocol(), new OpenaiProtocol()],
      policySource: { current: () => set, onChange: () => () => undefined },
      placeholder,
      ...options,
    },
  });
  const [first] = rig.connections;
  rig.connections = [...rig.connections, { ...connection('gpt', first!.upstream), protocol: 'openai' }];
}

/** What somebody with the private key reads in this part of an event. */
function originalsOf({ sealed_originals: sealed }: Body): KeptOriginals[] {
  if (sealed === null) return [];
  const key = rig.originalBook.keys.get(sealed.key_id);
  if (key?.state !== 'live') throw new Error('its key is not there');
  return decodeOriginals(openSealed(sealed.key_id, Buffer.from(key.wrapped, 'base64'), sealed.bytes, 'original'));
}

const valuesOf = (body: Body): string[][] => originalsOf(body).flatMap(({ values }) => values.map((one) => [one.placeholder, one.value]));

const requests = (): Body[] => rig.recorder.of('request').map(({ event }) => event.body);
const responses = (): Body[] => rig.recorder.of('response').map(({ event }) => event.body);

/** Nothing that was recorded holds a value, not even opened as readers of the ledger see it. */
function expectNoValue(): void {
  const trail = [JSON.stringify(rig.recorder.drafts), ...[...requests(), ...responses()].map((body) => rig.textOf(body))].join('\n');
  for (const value of [SSN, MAIL, SAID]) expect(trail.includes(value)).toBe(false);
}

const ask = (text: string): unknown => ({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: text }] });

describe('originals that policy keeps', () => {
  it.each(['streamed', 'whole'])('go sealed beside what was masked, both ways, while the caller gets its own back: %s', async (how) => {
    await start(setOf(KEPT, NOT_KEPT));
    const said = `${HELD}, not ${SAID}, of ${MAIL}.`;
    rig.upstream.answer = ({ response }) =>
      how === 'streamed'
        ? answerStream(response, MESSAGE_START + textBlock([said.slice(0, 7), said.slice(7, 40), said.slice(40)], 0) + MESSAGE_END)
        : answerJson(
            response,
            200,
            JSON.stringify({ type: 'message', role: 'assistant', usage: {}, content: [{ type: 'text', text: said }] }),
          );
    const { body } = await rig.post(ask(`I am ${SSN}, mail ${MAIL}`));
    expect(rig.upstream.heard[0]!.body.toString()).toContain(`I am ${HELD}, mail ${placeholder('email', MAIL)}`);
    expect(body.replaceAll(/[^\d-]/g, '')).toContain(SSN);
    expect(body).not.toContain(SAID);
    expect(valuesOf(requests()[0]!)).toEqual([[HELD, SSN]]);
    expect(valuesOf(responses()[0]!)).toContainEqual([placeholder('us_ssn', SAID), SAID]);
    // Each list names segments of its own event.
    for (const one of [requests()[0]!, responses()[0]!]) {
      const own = one.segments.map(({ sha256 }) => sha256.toString('hex'));
      for (const { segments } of originalsOf(one)) for (const segment of segments) expect(own).toContain(segment);
    }
    expectNoValue();
  });

  it('of an OpenAI answer too', async () => {
    await start(setOf(KEPT));
    const message = { role: 'assistant', content: `It is ${SAID}.` };
    rig.upstream.answer = ({ response }) =>
      answerJson(response, 200, JSON.stringify({ object: 'chat.completion', choices: [{ index: 0, message }] }));
    await rig.post(ask(`I am ${SSN}`), { path: '/c/gpt/v1/chat/completions' });
    expect(valuesOf(requests()[0]!)).toEqual([[HELD, SSN]]);
    expect(valuesOf(responses()[0]!)).toEqual([[placeholder('us_ssn', SAID), SAID]]);
    expectNoValue();
  });

  it('are not sealed again with a turn that is known, and are with what is new', async () => {
    await start(setOf(KEPT));
    const turn = `I am ${SSN}. ${'Some more words to fill a piece. '.repeat(300)}`;
    const messages = [{ role: 'user', content: turn }];
    const later = [...messages, { role: 'assistant', content: 'And?' }, { role: 'user', content: `She is ${SAID}` }];
    const headers = { 'x-claude-code-session-id': 's1' };
    for (const all of [messages, messages, later]) await rig.post({ model: 'm', max_tokens: 9, messages: all }, { headers });
    const [first, again, third] = requests().map(valuesOf);
    expect(first).toEqual([[HELD, SSN]]);
    expect(again).toEqual([]);
    expect(third).toEqual([[placeholder('us_ssn', SAID), SAID]]);
    expectNoValue();
  });

  it('or the call is refused, and the upstream hears nothing', async () => {
    // Published while the catalogue is away: a gateway does not start without.
    let publish: (set: PolicySet) => void = () => undefined;
    const book = Object.assign(new MemoryKeyBook(), { issue: () => Promise.reject(new Error('the catalogue is away')) });
    await start(setOf(), {
      originalKeys: { book, wrapper: { wrap: async () => '' } },
      policySource: { current: () => setOf(), onChange: (listener) => ((publish = listener), () => undefined) },
    });
    publish(setOf(KEPT));
    await rig.recorder.until(() => rig.recorder.controls('policy.published').length === 2);
    const { status, body } = await rig.post(ask(`I am ${SSN}`));
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ type: 'error' });
    expect(rig.upstream.heard).toEqual([]);
    expectNoValue();
  });
});
