import { createHmac, hash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OriginalDigest, type DigestMark } from '../original-digest.js';
import { AnthropicProtocol } from '../protocols/anthropic/index.js';
import type { Conversation, KnownPrefix } from '../protocols/shared/request/known/conversation.js';
import { withMarks } from '../protocols/shared/request/known/conversation-of.js';
import { PrefixFollower } from '../protocols/shared/request/known/follower.js';
import { testContext } from '../protocols/shared/testing/policies.js';
import { ReceivedDigest } from './received-digest.js';

const KEY = Buffer.alloc(32, 7);
const SSN = '219-09-9999';
const context = testContext({ restore: ['text'] });
const protocol = new AnthropicProtocol();
const route = protocol.route('POST', '/v1/messages')!;
const expected = (body: Buffer): string | null =>
  body.length === 0
    ? null
    : `v2:${createHmac('sha256', KEY)
        .update(hash('sha256', body, 'buffer'))
        .digest('hex')}`;

afterEach(() => vi.restoreAllMocks());

/** A body that comes in pieces of some length, as a socket gives it. */
function arrive(body: Buffer, choice: readonly Conversation[], step: number) {
  const follower = choice.length === 0 ? null : new PrefixFollower(choice);
  const digesting = new ReceivedDigest(follower, true);
  for (let at = 0; at < body.length; at += step) {
    const chunk = Buffer.from(body.subarray(at, at + step));
    follower?.push(chunk);
    digesting.push(chunk);
  }
  const { kept, known } = follower?.end() ?? { kept: [body], known: null };
  return { bytes: Buffer.concat(kept), known, ...digesting.end(KEY) };
}

async function remembered(bytes: Buffer, known: KnownPrefix | null, marks: readonly DigestMark[]): Promise<Conversation> {
  const { conversation } = await protocol.screenRequest(bytes, route, context, known);
  return withMarks(conversation!, marks);
}

const conversation = (turns: number, masked: (i: number) => boolean = () => false): string =>
  JSON.stringify({
    model: 'm',
    messages: Array.from({ length: turns }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: `turn ${i} ${'some words and more of them '.repeat(60)}${masked(i) ? SSN : ''}`,
    })),
    temperature: 0.5,
  });

describe('the digest of a body', () => {
  it('is that of its bytes, however they come, and none when there are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 4 }), (array, cuts) => {
        const body = Buffer.from(array);
        const digest = new OriginalDigest();
        let from = 0;
        for (const cut of [...cuts.map((at) => at % (body.length + 1)).toSorted((a, b) => a - b), body.length]) {
          digest.update(body.subarray(from, cut));
          from = cut;
        }
        expect(digest.end(KEY)).toBe(expected(body));
      }),
    );
  });

  it('of a conversation that goes on is over what is new and 64 kB behind a mark, however long it is', async () => {
    let body = Buffer.from(conversation(300));
    const first = arrive(body, [], 65_536);
    expect(first.digest).toBe(expected(body));
    expect(first.marks.length).toBeGreaterThanOrEqual(Math.floor(body.length / 65_536) - 1);
    let before = await remembered(first.bytes, null, first.marks);
    const hashed = vi.spyOn(OriginalDigest.prototype, 'update');
    for (let turns = 303; turns < 400; turns += 3) {
      body = Buffer.from(conversation(turns));
      hashed.mockClear();
      const { bytes, known, digest, marks } = arrive(body, [before], 65_536);
      expect(digest).toBe(expected(body));
      expect(hashed.mock.calls.reduce((sum, [chunk]) => sum + chunk.length, 0)).toBeLessThan(2 * 65_536 + 16_000);
      before = await remembered(bytes, known, marks);
      expect(before.marks.every(({ at }) => at <= before.end)).toBe(true);
    }
    expect(before.marks.length).toBeGreaterThan(first.marks.length);
  });

  it('is right whatever is known, whatever changed and wherever chunks end', async () => {
    const masked = (i: number): boolean => i % 7 === 3;
    const body = Buffer.from(conversation(150, masked));
    const first = arrive(body, [], 10_000);
    const known = await remembered(body, null, first.marks);
    const other = await remembered(Buffer.from(conversation(140)), null, arrive(Buffer.from(conversation(140)), [], 30_000).marks);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        fc.option(fc.nat(), { nil: undefined }),
        fc.integer({ min: 3_000, max: 300_000 }),
        fc.boolean(),
        (turns, masks, flip, step, both) => {
          const next = Buffer.from(conversation(turns, masks ? masked : undefined));
          if (flip !== undefined) next[flip % next.length]! ^= 1;
          expect(arrive(next, both ? [other, known] : [known], step).digest).toBe(expected(next));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('does not go on from bytes of a masked part that were not judged yet, or not found equal', async () => {
    const large = (first: string, length: number): Buffer =>
      Buffer.from(
        JSON.stringify({
          messages: [
            { role: 'user', content: 'words and '.repeat(4_000) },
            { role: 'user', content: `${first} ${SSN} ${'words and '.repeat(length)}` },
            { role: 'user', content: 'more '.repeat(2_000) },
          ],
        }),
      );
    const { marks } = arrive(large('a', 30_000), [], 40_000);
    const before = await remembered(large('a', 30_000), null, marks);
    const masked = before.parts.find(({ scan, length }) => scan.masked !== null && length > 200_000);
    expect(masked).toBeDefined();
    for (const next of [
      large('b', 30_000),
      large('b', 30_000).subarray(0, 250_000),
      large('a', 30_000).subarray(0, 250_000),
      large('b', 20_000),
    ])
      for (const step of [10_000, 65_536]) expect(arrive(next, [before], step).digest).toBe(expected(next));
  });

  it('of a large part that differs at its end goes on from the bytes that were equal', async () => {
    const large = (end: string): Buffer =>
      Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: `${'words and '.repeat(200_000)}${end}` }, 1] }));
    const { marks } = arrive(large('a'), [], 65_536);
    const before = await remembered(large('a'), null, marks);
    expect(before.parts).toHaveLength(1);
    const hashed = vi.spyOn(OriginalDigest.prototype, 'update');
    expect(arrive(large('b'), [before], 65_536).digest).toBe(expected(large('b')));
    expect(hashed.mock.calls.reduce((sum, [chunk]) => sum + chunk.length, 0)).toBeLessThan(200_000);
  });
});
