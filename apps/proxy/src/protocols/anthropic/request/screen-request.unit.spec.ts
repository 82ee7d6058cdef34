import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createDetector, maskText, type Detector } from '#detect';
import { AnthropicProtocol } from '../anthropic-protocol.js';
import { ALL_TYPES, testContext, testPlaceholder, type TestPolicy } from '../../shared/testing/policies.js';
import { inOnePiece, type WholeRequest } from '../../shared/testing/in-one-piece.js';

const SSN = '219-09-9999';
const CARD = '4111 1111 1111 1111';
const mask = (text: string): string => maskText(text, createDetector(ALL_TYPES).scan(text), testPlaceholder);
const ROUTE = new AnthropicProtocol().route('POST', '/v1/messages')!;

async function screen(body: string | Buffer, options: TestPolicy = {}, protocol = new AnthropicProtocol()): Promise<WholeRequest> {
  const screened = await inOnePiece(protocol.screenRequest(Buffer.from(body), ROUTE, testContext(options)));
  expect(Buffer.concat(screened.pieces.map((piece) => piece.bytes)).equals(screened.masked)).toBe(true);
  for (const piece of screened.pieces) {
    expect(piece.bytes.length).toBeLessThanOrEqual(128 * 1024);
    expect(createHash('sha256').update(piece.bytes).digest().equals(piece.sha256)).toBe(true);
  }
  return screened;
}

const user = (content: unknown): object => ({ role: 'user', content });
const text = (words: string): object => ({ type: 'text', text: words });
const request = (messages: unknown[], more: object = {}): string =>
  JSON.stringify({ model: 'claude-test-1', max_tokens: 100, messages, ...more });

describe('a request with nothing to mask', () => {
  it('is the very same buffer', async () => {
    const body = Buffer.from(
      '{ "model":"m", "messages" : [ {"role":"user","content":"hi \\u00e9"} ,\n {"role":"assistant","content":[]} ] , "x_future":{"a":[1.0,2e3]},"stream":true }',
    );
    const screened = await inOnePiece(new AnthropicProtocol().screenRequest(body, ROUTE, testContext()));
    expect(screened.masked).toBe(body);
    expect(screened).toMatchObject({
      model: 'm',
      stream: true,
      tools: [],
      masks: [],
      verdict: { action: 'allow', rules: [] },
      summary: 'hi é',
    });
  });
});

describe('masking in requests', () => {
  it('is not evaded by a signature on a block that is not signed', async () => {
    const { masked } = await screen(request([user([{ ...text(`my SSN is ${SSN}`), signature: 'Eq==' }])]));
    expect(masked.toString()).not.toContain(SSN);
    expect(masked.toString()).toContain('"signature":"Eq=="');
  });

  it('replaces values in system, messages, results, descriptions and tool inputs, and nothing else', async () => {
    const body = JSON.stringify({
      model: 'claude-test-1',
      messages: [
        user([text(`my SSN is ${SSN}`), { type: 'text', text: 'cached', cache_control: { type: 'ephemeral', note: SSN } }]),
        {
          role: 'assistant',
          content: [
            { signature: 'Eq==', thinking: `think ${SSN}`, type: 'thinking' },
            { type: 'redacted_thinking', data: SSN },
            {
              type: 'tool_use',
              id: `toolu_${SSN}`,
              name: 'lookup',
              input: { q: `card ${CARD}`, card: 4111111111111111, account_number: '000123456789', n: 3 },
            },
          ],
        },
        user([
          { type: 'tool_result', tool_use_id: 't', content: `row ${SSN}` },
          {
            type: 'tool_result',
            tool_use_id: 't',
            content: [text(`row ${SSN}`), { type: 'image', source: { type: 'base64', media_type: 'image/png', data: `iVBOR${SSN}` } }],
          },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: `doc ${SSN}` }, title: `t ${SSN}` },
          {
            type: 'web_search_tool_result',
            content: [{ type: 'web_search_result', title: `w ${SSN}`, encrypted_content: SSN, url: 'https://a.test' }],
          },
          { type: 'future_block', inner: { words: [`f ${SSN}`] } },
        ]),
      ],
      system: [text(`x-anthropic-billing-header: cc_version=${SSN}; x`), text(`be kind to ${SSN}`)],
      tools: [
        {
          name: 'lookup',
          description: `finds ${SSN}`,
          input_schema: { type: 'object', properties: { q: { type: 'string', description: `like ${SSN}` } }, required: ['q'] },
        },
      ],
      metadata: {
        user_id: JSON.stringify({ device_id: 'a'.repeat(64), account_uuid: '', session_id: '0b9d7d2e-57f4-4c2e-8b1c-219099999abc' }),
      },
      future_text: `z ${SSN}`,
    });
    const screened = await screen(body);
    const masked = screened.masked.toString();
    const place = mask(SSN);
    expect(place).toMatch(/^\[US_SSN:[0-9a-f]{8}\]$/);
    for (const kept of [
      `think ${SSN}`,
      `"data":"${SSN}"`,
      `iVBOR${SSN}`,
      `"note":"${SSN}"`,
      `toolu_${SSN}`,
      `"encrypted_content":"${SSN}"`,
      `cc_version=${SSN}`,
    ]) {
      expect(masked).toContain(kept);
    }
    for (const gone of ['my SSN is ', 'row ', 'doc ', 't ', 'w ', 'f ', 'be kind to ', 'finds ', 'like ', 'z '])
      expect(masked).toContain(`"${gone}${place}"`);
    expect(masked).toContain(`"q":"card ${mask(CARD)}","card":"${mask('4111111111111111')}","account_number":"[US_BANK_ACCOUNT:`);
    // Putting the values back gives the original: nothing but values was touched.
    const restored = masked
      .replaceAll(place, SSN)
      .replaceAll(`"${mask('4111111111111111')}"`, '4111111111111111')
      .replaceAll(mask(CARD), CARD)
      .replace(/\[US_BANK_ACCOUNT:[0-9a-f]{8}\]/, '000123456789');
    expect(restored).toBe(body);
    expect(screened).toMatchObject({ tools: ['lookup'], sessionHint: '0b9d7d2e-57f4-4c2e-8b1c-219099999abc', verdict: { action: 'mask' } });
  });

  it('finds values written with escapes and keeps the other spelling', async () => {
    const body = '{"messages":[{"role":"user","content":"\\u00e9\\/\\n\\u0032\\u0031\\u0039-09-9999 \\ud83d\\ude00 end"}]}';
    expect((await screen(body)).masked.toString()).toBe(
      `{"messages":[{"role":"user","content":"\\u00e9\\/\\n${mask(SSN)} \\ud83d\\ude00 end"}]}`,
    );
  });

  it('gives the same bytes each time, cached or not', async () => {
    const protocol = new AnthropicProtocol();
    const body = request([user(`a ${SSN}`), { role: 'assistant', content: 'b'.repeat(9_000) }, user(`c ${CARD}`)]);
    const first = await screen(body, {}, protocol);
    const again = await screen(body, {}, protocol);
    const fresh = await screen(body);
    for (const other of [again, fresh]) {
      expect(other.masked.equals(first.masked)).toBe(true);
      expect(other.callDigest.equals(first.callDigest)).toBe(true);
      expect(other.masks).toEqual(first.masks);
      expect(other.verdict).toEqual(first.verdict);
      expect(other.summary).toBe(first.summary);
    }
    const longer = await screen(
      request([user(`a ${SSN}`), { role: 'assistant', content: 'b'.repeat(9_000) }, user(`c ${CARD}`), user('d')]),
      {},
      protocol,
    );
    expect(longer.masked.subarray(0, first.masked.length - 2).equals(first.masked.subarray(0, -2))).toBe(true);
    expect(longer.pieces[1]!.sha256.equals(first.pieces[1]!.sha256)).toBe(true);
  });

  it('treats a leaf of megabytes like a small one', async () => {
    const filler = 'Some words, é and 😀, "quoted"\n'.repeat(4_000);
    const words = `${filler}${SSN} ${filler}${CARD} ${filler}`;
    const screened = await screen(request([user(words)]));
    expect((JSON.parse(screened.masked.toString()) as { messages: { content: string }[] }).messages[0]!.content).toBe(mask(words));
    expect(screened.masks.map(({ count }) => count)).toEqual([1, 1]);
    expect(screened.summary.startsWith('Some words')).toBe(true);
  });
});

describe('the cache', () => {
  it('neither scans a known piece again nor mixes policies', async () => {
    const real = createDetector(ALL_TYPES);
    let scans = 0;
    const detector: Detector = {
      ...real,
      version: real.version,
      types: real.types,
      maxHold: real.maxHold,
      safeCut: (t) => real.safeCut(t),
      open: () => real.open(),
      scan: (t) => (scans++, real.scan(t)),
    };
    const protocol = new AnthropicProtocol();
    const messages = Array.from({ length: 60 }, (_, i) =>
      i % 2 === 0 ? user(`turn ${i} ${'x'.repeat(900)}`) : { role: 'assistant', content: `turn ${i} ${SSN} ${'x'.repeat(900)}` },
    );
    await screen(request(messages), { detector }, protocol);
    const first = scans;
    expect(first).toBeGreaterThanOrEqual(60);
    await screen(request([...messages, user('and one more')]), { detector }, protocol);
    expect(scans - first).toBeLessThan(12);
    const other = await screen(request(messages), { detector: null, toolInput: 'off' }, protocol);
    expect(other.masked.toString()).toContain(SSN);
  });

  it('knows what the user said last also when a conversation goes back to an earlier turn', async () => {
    const protocol = new AnthropicProtocol();
    const messages = Array.from({ length: 12 }, (_, i) => {
      const words = `${i} ${i % 3 === 0 ? SSN : ''} é ${'x'.repeat(i === 6 ? 70_000 : 5_000)}`;
      if (i % 2 === 1) return { role: 'assistant', content: words };
      return user(i % 4 === 0 ? words : [text(`<system-reminder>${words}`), text(words)]);
    });
    for (const length of [12, 4, 9, 7, 8, 1, 12, 5]) {
      const asked = request(messages.slice(0, length));
      const fresh = await screen(asked);
      const again = await screen(asked, {}, protocol);
      expect([again.summary, again.promptDigest, again.callDigest]).toEqual([fresh.summary, fresh.promptDigest, fresh.callDigest]);
      expect(again.summary.startsWith(`${length - 1 - ((length - 1) % 2)} `)).toBe(true);
    }
  });

  it('stays within its bound', async () => {
    const protocol = new AnthropicProtocol({ scanCacheBytes: 100_000 });
    for (let i = 0; i < 60; i++) await screen(request([user(`${i} ${SSN} ${'x'.repeat(9_000)}`)]), {}, protocol);
    const { cache } = protocol as unknown as { cache: { usedBytes: number } };
    expect(cache.usedBytes).toBeLessThanOrEqual(100_000);
    expect(cache.usedBytes).toBeGreaterThan(10_000);
  });
});

describe('digests', () => {
  it('join a retry and its non-stream twin, and nothing else', async () => {
    const digest = async (body: string): Promise<string> => (await screen(body)).callDigest.toString('hex');
    const base = await digest(request([user('hi')], { stream: true }));
    expect(await digest(request([user('hi')], { stream: true }))).toBe(base);
    expect(await digest(request([user('hi')], { stream: false }).replace('"max_tokens":100', '"max_tokens":64000'))).toBe(base);
    expect(await digest(request([user('hi')]))).toBe(base);
    expect(await digest(request([user('ho')], { stream: true }))).not.toBe(base);
    expect(await digest(request([user('hi')], { stream: true, temperature: 1 }))).not.toBe(base);
    expect(await digest(request([user('hi')], { stream: true }).replace('claude-test-1', 'claude-test-2'))).not.toBe(base);
  });

  it('join the session-title request by its prompt', async () => {
    const main = await screen(
      request([
        user([text('<system-reminder>\nbe good\n</system-reminder>'), text(`Please help ${SSN}`)]),
        { role: 'system', content: 'environment' },
      ]),
    );
    const title = await screen(request([user(`<session>\nPlease help ${SSN}\n</session>`)]));
    expect(main.promptDigest).not.toBeNull();
    expect(main.promptDigest!.equals(title.promptDigest!)).toBe(true);
    expect(main.summary).toBe(`Please help ${mask(SSN)}`);
    const results = await screen(
      request([user('go'), { role: 'assistant', content: 'x' }, user([{ type: 'tool_result', tool_use_id: 't', content: `out ${SSN}` }])]),
    );
    expect(results.promptDigest).toBeNull();
    expect(results.summary).toBe(`out ${mask(SSN)}`);
  });
});

describe('verdicts', () => {
  it('come from values, text, model', async () => {
    expect((await screen(request([user(SSN)]), { request: 'block' })).verdict).toEqual({
      action: 'block',
      rules: [{ policy: 'customer-data', action: 'block', reason: 'us_ssn in the request (1)' }],
    });
    expect((await screen(request([user('hi')]), { when: { model: ['claude-test-1', 'block'] } })).verdict.action).toBe('block');
    const held = await screen(request([user('please DROP it'), { role: 'assistant', content: 'y'.repeat(9_000) }, user('next')]), {
      when: { requestText: [/DROP/, 'hold'] },
    });
    expect(held.verdict.action).toBe('hold');
    expect(held.heldPieces).toHaveLength(1);
    const later = await screen(request([user('please DROP it'), { role: 'assistant', content: 'short' }, user('more')]), {
      when: { requestText: [/DROP/, 'hold'] },
    });
    expect(later.heldPieces[0]!.equals(held.heldPieces[0]!)).toBe(true);
    const long = await screen(request([user(`DROP ${'x'.repeat(20_000)} ${SSN}`), user(`and ${SSN}`)]), { request: 'hold' });
    expect(long.heldPieces).toHaveLength(2);
    expect(long.heldPieces[1]!.toString('hex')).toBe(
      createHash('sha256')
        .update(`and ${mask(SSN)}`)
        .digest('hex'),
    );
    expect(
      (await screen(request([user(`${'x'.repeat(100_000)} DROP`)]), { when: { requestText: [/DROP/, 'block'] } })).verdict.action,
    ).toBe('block');
    expect((await screen(request([user('a mask')]), { when: { requestText: [/mask/, 'mask'] } })).verdict.action).toBe('block');
  });
});

describe('what is not a request', () => {
  it.each([
    ['', /too early|object/],
    ['[]', /object/],
    ['{"messages":[{"role":"user","role":"x"}]}', /twice/],
    ['{"messages":[],"messages":[]}', /twice/],
    ['{"messages":[],"\\u006dessages":[]}', /twice/],
    ['{"messages":[{"role":"user","content":"a\nb"}]}', /control/],
    ['{"messages":[{"role":"user","content":"\\x"}]}', /escape/],
    ['{"messages":[{"role":"user","content":tru}]}', /malformed/],
    ['{"messages":[{"role":"user"}}', /bracket/],
    ['{"messages":[{]}', /name|bracket/],
    ['{"model":1e}', /malformed/],
    ['\ufeff{}', /object/],
    [`{"messages":[${'['.repeat(600)}${']'.repeat(600)}]}`, /deep/],
  ])('%j is refused', async (body, message) => {
    await expect(screen(body)).rejects.toMatchObject({ code: 'body_invalid', message: expect.stringMatching(message) as string });
  });

  it('invalid UTF-8 is refused', async () => {
    await expect(screen(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]))).rejects.toMatchObject({
      code: 'body_invalid',
    });
  });

  it('a failing detector or policy refuses the call', async () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    const detector: Detector = { version: 'x', types: [], maxHold: 1, pieceUnits: 8192, scan: boom, safeCut: boom, open: boom };
    await expect(screen(request([user('hi')]), { detector })).rejects.toMatchObject({ code: 'detector_failed' });
    await expect(screen(request([user('h'.repeat(50_000))]), { detector })).rejects.toMatchObject({ code: 'detector_failed' });
    const context = testContext();
    const policy = { ...context.policy, evaluateRequest: boom };
    await expect(new AnthropicProtocol().screenRequest(Buffer.from(request([])), ROUTE, { ...context, policy })).rejects.toMatchObject({
      code: 'policy_failed',
    });
  });
});
