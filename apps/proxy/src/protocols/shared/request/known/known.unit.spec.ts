import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAffiantError } from '#errors';
import { AnthropicProtocol } from '../../../anthropic/index.js';
import { OpenaiProtocol } from '../../../openai/index.js';
import type { Protocol, ScreenContext, ScreenedRequest } from '../../../protocol.js';
import { testContext } from '../../testing/policies.js';
import { inOnePiece } from '../../testing/in-one-piece.js';
import { wholeBody, type Conversation, type KnownPrefix } from './conversation.js';
import { Conversations } from './conversations.js';
import { PrefixFollower } from './follower.js';

const SSN = '219-09-9999';
const CARD = '4111 1111 1111 1111';
const context = testContext({ restore: ['text'] });
const PATHS = { anthropic: '/v1/messages', openai: '/v1/chat/completions' };
const protocols: Protocol[] = [new AnthropicProtocol(), new OpenaiProtocol()];
const routeOf = (protocol: Protocol) => protocol.route('POST', PATHS[protocol.name as keyof typeof PATHS])!;

/** A body that arrives in pieces, with what was known before. */
function arrive(body: Buffer, choice: readonly Conversation[], cuts: readonly number[]): { bytes: Buffer; known: KnownPrefix | null } {
  const follower = new PrefixFollower(choice);
  let from = 0;
  for (const cut of [...cuts.filter((at) => at > 0 && at < body.length).toSorted((a, b) => a - b), body.length]) {
    // A buffer of its own, as sockets give it: nothing may be read from beside it.
    if (cut > from) follower.push(Buffer.from(body.subarray(from, cut)));
    from = cut;
  }
  const { kept, known } = follower.end();
  return { bytes: Buffer.concat(kept), known };
}

/** All that a screened request says, to be compared; or how it was refused. */
async function said(screening: Promise<ScreenedRequest>): Promise<unknown> {
  try {
    const { pieces, brought, masked, conversation: _, ...rest } = await inOnePiece(screening);
    return {
      ...rest,
      masked: masked.toString(),
      pieces: pieces.map(({ bytes, sha256, joins }) => ({ bytes: hash('sha256', bytes, 'hex'), sha256: sha256.toString('hex'), joins })),
      brought: [...brought!.values()].map(({ type, value, placeholder }) => ({ type, value, placeholder })),
    };
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    return { code: error.code, message: error.message, where: error.where };
  }
}

async function remembered(protocol: Protocol, body: string, scope: ScreenContext = context): Promise<Conversation> {
  const { conversation } = await protocol.screenRequest(Buffer.from(body), routeOf(protocol), scope);
  return conversation!;
}

/** Screened after it was followed, and by a gateway that never saw any of it. */
async function both(protocol: Protocol, body: Buffer, choice: readonly Conversation[], cuts: readonly number[]): Promise<number> {
  const { bytes, known } = arrive(body, choice, cuts);
  if (known !== null) expect((await wholeBody(bytes, known)).equals(body)).toBe(true);
  else expect(bytes.equals(body)).toBe(true);
  const fresh = protocol.name === 'anthropic' ? new AnthropicProtocol() : new OpenaiProtocol();
  const expected = await said(fresh.screenRequest(body, routeOf(protocol), context));
  expect(await said(protocol.screenRequest(bytes, routeOf(protocol), context, known))).toEqual(expected);
  return known?.count ?? 0;
}

const turn = (i: number, words: string): object => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: words });
const long = (i: number): string => `turn ${i} ${'some words and more of them '.repeat(60)}`;
const conversation = (turns: number, more: object = {}): string =>
  JSON.stringify({
    model: 'm',
    ...more,
    messages: Array.from({ length: turns }, (_, i) => turn(i, i % 7 === 3 ? `${long(i)} ${SSN}` : long(i))),
    temperature: 0.5,
  });

describe('a conversation that goes on', () => {
  it.each(protocols)('is recognised, and says what it says to a gateway that never saw it: $name', async (protocol) => {
    const before = await remembered(protocol, conversation(40));
    for (const [body, least] of [
      [conversation(40), 5],
      [conversation(41), 5],
      [conversation(90), 5],
      [conversation(12), 1],
      [conversation(40).replace('turn 30', 'Turn 30'), 4],
      [conversation(40).replace(SSN, CARD), 0],
      [conversation(40).replace('"model":"m"', '"model":"n"'), 0],
      [conversation(40, { stream: true }), 0],
      [conversation(40).replace('"temperature":0.5', `"temperature":0.5,"note":"${CARD}","tools":[]`), 5],
    ] as const) {
      const found = await both(protocol, Buffer.from(body), [before], [65_536]);
      expect(found).toBeGreaterThanOrEqual(least);
      if (least === 0) expect(found).toBe(0);
    }
  });

  it('goes on in turn after turn, each recognised by the one before', async () => {
    const protocol = new AnthropicProtocol();
    let known = await remembered(protocol, conversation(20));
    for (let turns = 21; turns < 60; turns += 3) {
      const arrived = arrive(Buffer.from(conversation(turns)), [known], [16_384, 40_000]);
      expect(arrived.known!.count).toBe(known.parts.length);
      // What is new is what is read: the last message or so, and what stands around the array.
      expect(arrived.bytes.length).toBeLessThan(16_000);
      const screened = await protocol.screenRequest(arrived.bytes, routeOf(protocol), context, arrived.known);
      expect(Buffer.concat(screened.masked).toString()).not.toContain(SSN);
      known = screened.conversation!;
      expect(known.lineage).toBe(arrived.known!.conversation.lineage);
    }
  });

  it('keeps nothing that was replaced', async () => {
    const { parts } = await remembered(new AnthropicProtocol(), conversation(40));
    expect(parts.length).toBeGreaterThan(5);
    expect(Buffer.concat(parts.map(({ content }) => content)).toString()).not.toContain(SSN);
  });

  it('is the same wherever its bytes are cut', async () => {
    const protocol = new AnthropicProtocol();
    const before = await remembered(protocol, conversation(24));
    const body = Buffer.from(conversation(25));
    const inOneGo = arrive(body, [before], []);
    expect(inOneGo.known!.count).toBeGreaterThan(1);
    // Every place around the ends of parts, and every seventh between them.
    const ends = new Set<number>();
    let end = before.head.length;
    for (const length of [0, ...before.parts.map((part) => part.length)]) {
      end += length;
      for (let near = -60; near <= 60; near += 1) ends.add(end + near);
    }
    for (let cut = 1; cut < body.length; cut += 1) {
      if (cut % 7 !== 0 && !ends.has(cut)) continue;
      const { bytes, known } = arrive(body, [before], [cut]);
      if (known?.count !== inOneGo.known!.count || !bytes.equals(inOneGo.bytes)) expect.fail(`cut at ${cut}`);
      if (known.received.size !== inOneGo.known!.received.size) expect.fail(`received, cut at ${cut}`);
    }
  });

  it('is chosen among several by how far it goes', async () => {
    const protocol = new AnthropicProtocol();
    const other = await remembered(protocol, conversation(40).replace('turn 0', 'other'));
    const early = await remembered(protocol, conversation(40).replace('turn 6 ', 'fork  '));
    const right = await remembered(protocol, conversation(40));
    const { known } = arrive(Buffer.from(conversation(44)), [other, early, right], [1_000, 65_536]);
    expect(known!.conversation).toBe(right);
  });
});

describe('what follows a part that is known', () => {
  it.each([
    ['nothing', ']}'],
    ['a trailing comma', ',]}'],
    ['an element without a comma', '{"role":"user"}]}'],
    ['a string without a comma', '"x"]}'],
    ['two commas', ',,{"role":"user"}]}'],
    ['the wrong bracket', '}}'],
    ['the end', ''],
    ['a broken element', ',{"role":"user","content":"\\x"}]}'],
    ['a member twice', '],"model":"m"}'],
    ['a control character', ',{"role":"us\ner"}]}'],
    ['blanks', ' \n ] }'],
    ['more', ` , {"role":"user","content":"${SSN}"}]}`],
  ])('%s: is judged as in the whole body, in the same words', async (_what, tail) => {
    for (const protocol of protocols) {
      const text = conversation(26);
      const before = await remembered(protocol, text);
      const end = before.head.length + before.parts.reduce((sum, { length }) => sum + length, 0);
      const body = Buffer.from(text.slice(0, end) + tail);
      expect(await both(protocol, body, [before], [20_000])).toBe(before.parts.length);
    }
  });

  it('is not a number, which could go on', async () => {
    const protocol = new AnthropicProtocol();
    // As long as a number may be, so that it stands alone and a cut comes right behind it.
    const number = '1'.repeat(4_096);
    const turns = Array.from({ length: 40 }, (_, i) => (i % 5 === 4 ? number : `{"role":"user","content":"${long(i)}${long(i)}"}`)).join(
      ',',
    );
    const messages = (last: string): string => `{"model":"m","messages":[${turns}${last}]}`;
    const before = await remembered(protocol, messages(''));
    expect(before.parts.length).toBeGreaterThan(5);
    expect(before.parts.filter(({ content, closed }) => closed && content.at(-1) !== 0x7d)).toEqual([]);
    for (const body of [
      messages('9'),
      messages('.5'),
      messages(',2'),
      messages('').replaceAll('11,{', '1 9,{'),
      messages('').replaceAll('11,{', '11e,{'),
    ])
      await both(protocol, Buffer.from(body), [before], [40_000]);
  });

  it('has another policy to answer to when that changed meanwhile', async () => {
    const protocol = new AnthropicProtocol();
    const before = await remembered(protocol, conversation(40));
    const { bytes, known } = arrive(Buffer.from(conversation(41)), [before], []);
    const other = { ...testContext({ detector: null, toolInput: 'off', restore: ['text'] }), cacheScope: 'another' };
    const { masked } = await inOnePiece(protocol.screenRequest(bytes, routeOf(protocol), other, known));
    expect(masked.toString()).toBe(conversation(41));
  });
});

describe('any conversation', () => {
  const words = fc.oneof(
    fc.string(),
    fc.constantFrom(SSN, `card ${CARD}`, 'é 😀', '\\"', long(1), long(2).repeat(4), `${SSN} ${long(3)}`),
    fc.array(fc.constantFrom(long(5), SSN, 'a "quoted" word'), { maxLength: 5 }).map((all) => all.join(' ')),
  );
  const large = fc.constantFrom(long(6).repeat(2), long(7).repeat(5), `${SSN} ${long(8).repeat(3)}`);
  const message = fc.record({
    role: fc.constantFrom('user', 'assistant'),
    content: fc.oneof(words, large, large, large, fc.integer(), fc.constant(null)),
  });

  it('gives the same, whatever changed and however it comes', async () => {
    let recognised = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...protocols),
        fc.array(message, { minLength: 10, maxLength: 30 }),
        fc.array(message, { maxLength: 6 }),
        fc.integer({ min: 4, max: 30 }),
        fc.option(fc.tuple(fc.nat(), fc.constantFrom('x', ']', '"', ',', '}', ' ')), { nil: undefined, freq: 3 }),
        fc.array(fc.nat(200_000), { maxLength: 6 }),
        fc.constantFrom(0, 0, 1),
        async (protocol, first, more, kept, flip, cuts, indent) => {
          const bodyOf = (messages: unknown[]): string => JSON.stringify({ model: 'm', messages, user: 'u' }, null, indent);
          const { conversation: before } = await protocol.screenRequest(Buffer.from(bodyOf(first)), routeOf(protocol), context);
          let next = bodyOf([...first.slice(0, kept), ...more]);
          if (flip !== undefined) {
            const at = flip[0] % next.length;
            next = next.slice(0, at) + flip[1] + next.slice(at + 1);
          }
          if (before === null) return;
          recognised += await both(protocol, Buffer.from(next), [before], cuts);
        },
      ),
      { numRuns: 250 },
    );
    expect(recognised).toBeGreaterThan(20);
  });
});

describe('what is kept of conversations', () => {
  const scope = context.cacheScope;
  const kept = async (turns: number): Promise<Conversation> => remembered(new AnthropicProtocol(), conversation(turns));

  it('is found by its caller under the same policy, until ten minutes passed without it', async () => {
    const all = new Conversations();
    expect(all.follow('a', scope, 0)).toBeNull();
    all.keep('a', await kept(40), 0);
    expect(all.follow('b', scope, 1)).toBeNull();
    expect(all.follow('a', 'another', 1)).toBeNull();
    expect(all.follow('a', scope, 1)).not.toBeNull();
    all.sweep(600_000);
    expect(all.knows('a')).toBe(true);
    all.sweep(600_002);
    expect(all.knows('a')).toBe(false);
    expect(all.usedBytes).toBe(0);
  });

  it('is bounded in bytes and for each caller, and takes the place of what it goes on from', async () => {
    const all = new Conversations(400_000);
    const one = await kept(40);
    all.keep('a', one, 0);
    const single = all.usedBytes;
    all.keep('a', one, 1);
    expect(all.usedBytes).toBe(single);
    for (let i = 0; i < 8; i += 1) all.keep('a', await kept(40 + i), i);
    expect(all.usedBytes).toBeLessThanOrEqual(400_000);
    for (let i = 0; i < 20; i += 1) all.keep(`caller ${i}`, await kept(40), i);
    expect(all.usedBytes).toBeLessThanOrEqual(400_000);
    expect(all.knows('caller 19')).toBe(true);
    expect(all.knows('a')).toBe(false);
  });

  it('is neither what is short nor what would take the place of all others', async () => {
    const all = new Conversations(200_000);
    expect(await kept(8)).toBeNull();
    all.keep('a', await kept(40), 0);
    expect(all.usedBytes).toBe(0);
  });

  it('leaves a longer conversation when its caller went back to an early turn', async () => {
    const all = new Conversations();
    const protocol = new AnthropicProtocol();
    const before = await kept(60);
    all.keep('a', before, 0);
    const { bytes, known } = arrive(Buffer.from(conversation(24).replace('turn 23', 'a new')), [before], []);
    const { conversation: short } = await protocol.screenRequest(bytes, routeOf(protocol), context, known);
    all.keep('a', short!, 1);
    const follower = all.follow('a', scope, 2)!;
    follower.push(Buffer.from(conversation(61)));
    expect(follower.end().known!.conversation).toBe(before);
  });
});
