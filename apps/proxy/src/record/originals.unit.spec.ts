import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeOriginals, openSealed, SealingKey, type Original } from '#content-keys';
import { SYSTEM_CONTEXT } from '#events';
import { KeepingScreener, OriginalsKeeper } from '../mask/keep-originals.js';
import { AnthropicProtocol } from '../protocols/anthropic/index.js';
import { testContext } from '../protocols/shared/testing/policies.js';
import type { BodyPiece, ScreenedRequest } from '../protocols/protocol.js';
import { recordBody, type RecordedBody } from './body.js';
import { keyScopeOf, SessionKeys } from './session-keys.js';
import { SessionSegments } from './session-segments.js';

const [SSN, MAIL] = ['219-09-9999', 'ann.lee@mail.example.com'];
const KEY = Buffer.alloc(32, 5);
const SCOPE = keyScopeOf(SYSTEM_CONTEXT);

const known = new SessionSegments();
let issued = 0;
const keysOf = (segments: SessionSegments, purpose: 'content' | 'original', beside: SessionKeys | null = null): SessionKeys =>
  new SessionKeys(
    { take: () => new SealingKey(`${purpose}-${(issued += 1)}`, KEY, purpose) },
    { destroyedSince: async () => [] },
    segments,
    0,
    beside,
  );

function record(pieces: readonly BodyPiece[], segments: SessionSegments, keys: SessionKeys): Promise<RecordedBody> {
  const parts = {
    direction: 'request',
    mediaType: 'application/json',
    originalDigest: null,
    originalLength: 0,
    complete: true,
    masks: [],
  } as const;
  return recordBody({ ...parts, pieces }, SYSTEM_CONTEXT, SCOPE, segments, keys);
}

const valuesOf = ({ body }: RecordedBody): Original[] => {
  const { sealed_originals: sealed } = body;
  if (sealed === null) return [];
  return decodeOriginals(openSealed(sealed.key_id, KEY, sealed.bytes, 'original')).flatMap(({ values }) => values);
};

const protocol = new AnthropicProtocol();
const route = protocol.route('POST', '/v1/messages')!;
const screen = (texts: readonly string[], keeps?: readonly string[]): Promise<ScreenedRequest> =>
  protocol.screenRequest(
    Buffer.from(
      JSON.stringify({ model: 'm', messages: texts.map((content, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content })) }),
    ),
    route,
    testContext(keeps === undefined ? {} : { keeps }),
  );

describe('sealed originals of a body', () => {
  it('are those of the types policy keeps; what was sealed before is not sealed again; nothing is in the clear', async () => {
    const keys = keysOf(known, 'content', keysOf(known, 'original'));
    const first = await record((await screen([`My SSN is ${SSN}, mail ${MAIL}`], ['us_ssn'])).pieces, known, keys);
    expect(valuesOf(first).map(({ value }) => value)).toEqual([SSN]);
    expect(first.body.sealed_originals?.values).toBe(1);
    expect(first.body.sealed_originals?.bytes.includes(SSN)).toBe(false);
    first.durable();
    const again = await record((await screen([`My SSN is ${SSN}, mail ${MAIL}`], ['us_ssn'])).pieces, known, keys);
    expect(again.body.sealed_originals).toBeNull();
    const grown = [`My SSN is ${SSN}, mail ${MAIL}`, 'I see', 'and another: 219-09-9998'];
    const second = await record((await screen(grown, ['us_ssn'])).pieces, known, keys);
    expect(valuesOf(second).map(({ value }) => value)).toContain('219-09-9998');
  });

  it('are found again in a piece whose scan is remembered, for another session', async () => {
    const other = new SessionSegments();
    const { pieces } = await screen([`My SSN is ${SSN}, mail ${MAIL}`], ['us_ssn']);
    expect(valuesOf(await record(pieces, other, keysOf(other, 'content', keysOf(other, 'original')))).map(({ value }) => value)).toEqual([
      SSN,
    ]);
  });

  it('name the segments they were masked in', async () => {
    const segments = new SessionSegments();
    const { body } = await record(
      (await screen([`SSN ${SSN}`], ['us_ssn'])).pieces,
      segments,
      keysOf(segments, 'content', keysOf(segments, 'original')),
    );
    const { key_id, bytes } = body.sealed_originals!;
    const [group] = decodeOriginals(openSealed(key_id, KEY, bytes, 'original'));
    const cited = body.segments.map(({ sha256 }) => sha256.toString('hex'));
    expect(group!.segments.every((one) => cited.includes(one))).toBe(true);
    expect(body.content_key).not.toBe(key_id);
    expect(() => openSealed(key_id, KEY, bytes)).toThrow(expect.objectContaining({ code: 'content_key_failed' }));
  });

  it('are sealed with what was recorded while policy kept none', async () => {
    const segments = new SessionSegments();
    const keys = keysOf(segments, 'content', keysOf(segments, 'original'));
    const before = await record((await screen([`SSN ${SSN}`])).pieces, segments, keys);
    expect(before.body.sealed_originals).toBeNull();
    before.durable();
    expect(valuesOf(await record((await screen([`SSN ${SSN}`], ['us_ssn'])).pieces, segments, keys)).map(({ value }) => value)).toEqual([
      SSN,
    ]);
  });

  it('refuse the call when there is no key, or too much to keep', async () => {
    const segments = new SessionSegments();
    const { pieces } = await screen([`SSN ${SSN}`], ['us_ssn']);
    await expect(record(pieces, segments, keysOf(segments, 'content'))).rejects.toMatchObject({ code: 'content_key_failed' });
    const bytes = Buffer.from('[x]');
    const sha256 = createHash('sha256').update(bytes).digest();
    const originals = (): Original[] => [{ placeholder: '[x]', value: 'x'.repeat(300_000) }];
    await expect(
      record([{ sha256, bytes, originals }], segments, keysOf(segments, 'content', keysOf(segments, 'original'))),
    ).rejects.toMatchObject({
      code: 'body_too_large',
    });
  });
});

describe('sealed originals of an answer', () => {
  it('are what its screener masked and policy keeps', () => {
    const keeper = OriginalsKeeper.of(testContext({ keeps: ['us_ssn'] }))!;
    const screener = new KeepingScreener(protocol.screenResponse(keeper.context, { status: 200, contentType: 'application/json' }), keeper);
    expect(screener.facts().originals).toBeUndefined();
    const content = [{ type: 'text', text: `SSN ${SSN}, mail ${MAIL}` }];
    screener.push(Buffer.from(JSON.stringify({ type: 'message', role: 'assistant', model: 'm', content })));
    const released = Buffer.concat([...screener.end().release]).toString();
    expect(released).not.toContain(SSN);
    const kept = screener.facts().originals!() as Original[];
    expect(kept.map(({ value }) => value)).toEqual([SSN]);
    expect(released).toContain(kept[0]!.placeholder);
    expect(OriginalsKeeper.of(testContext())).toBeNull();
  });
});
