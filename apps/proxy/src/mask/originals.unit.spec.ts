import { describe, expect, it } from 'vitest';
import { canonicalOf } from '#detect';
import { testContext, testPlaceholder } from '../protocols/shared/testing/policies.js';
import { AnthropicProtocol } from '../protocols/anthropic/index.js';
import { OpenaiProtocol } from '../protocols/openai/index.js';
import type { Protocol } from '../protocols/protocol.js';
import { Originals } from './originals.js';

const SSN = '219-09-9999';
const context = testContext({ restore: ['text'] });

const screened = async (protocol: Protocol, path: string, body: unknown, restore = true) =>
  protocol.screenRequest(Buffer.from(JSON.stringify(body)), protocol.route('POST', path)!, restore ? context : testContext({}));

const found = (originals: Originals | null): [string, string][] => [...originals!.values()].map(({ type, value }) => [type, value]);

describe('the originals of a request', () => {
  const messages = (text: string): unknown => ({ model: 'm', messages: [{ role: 'user', content: text }] });

  it('are those of this very request, at the first sight and when the piece is known', async () => {
    const protocol = new AnthropicProtocol();
    const long = `My SSN is ${SSN}, mail ann.lee@mail.example.com. ${'Some more words. '.repeat(600)}`;
    for (let turn = 0; turn < 2; turn++) {
      const { originals, masked } = await screened(protocol, '/v1/messages', messages(long));
      expect(found(originals)).toEqual([
        ['us_ssn', SSN],
        ['email', 'ann.lee@mail.example.com'],
      ]);
      for (const { placeholder, value } of originals!.values()) {
        expect(masked.includes(placeholder)).toBe(true);
        expect(masked.includes(value)).toBe(false);
      }
    }
  });

  it('are not gathered when no policy gives values back', async () => {
    const { originals } = await screened(new AnthropicProtocol(), '/v1/messages', messages(`My SSN is ${SSN}`), false);
    expect(originals).toBeNull();
  });

  it('do not hold what the caller itself wrote as a placeholder', async () => {
    const { originals } = await screened(new AnthropicProtocol(), '/v1/messages', messages(testPlaceholder('us_ssn', SSN)));
    expect(originals!.size).toBe(0);
  });

  it('are read under escapes, as numbers, and in JSON that is a string itself', async () => {
    const secret = 'Tr0ub4dor"\\3é';
    const { originals } = await screened(new OpenaiProtocol(), '/v1/chat/completions', {
      model: 'm',
      messages: [
        { role: 'user', content: `tab\t"quoted" password=${secret}\nnext` },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: JSON.stringify({ a: `"${SSN}"`, b: 1 }) } }],
        },
      ],
    });
    expect(found(originals)).toContainEqual(['us_ssn', SSN]);
    expect([...originals!.values()].find(({ type }) => type === 'secret')?.value).toContain('Tr0ub4dor');
    const numbers = await screened(new AnthropicProtocol(), '/v1/messages', {
      model: 'm',
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { account_number: 123456789012 } }] }],
    });
    expect(found(numbers.originals)).toEqual([['us_bank_account', '123456789012']]);
  });

  it('name none for a placeholder that stands for two values', () => {
    const originals = new Originals(() => '[US_SSN:00000000]', canonicalOf);
    const add = (value: string): void => {
      const bytes = Buffer.from(value);
      originals.add(bytes, { start: 0, end: bytes.length, of: { type: 'us_ssn' }, placeholder: '[US_SSN:00000000]' });
    };
    add(SSN);
    add('219 09 9999');
    expect(originals.get('[US_SSN:00000000]')?.value).toBe(SSN);
    add('536-90-4399');
    expect(originals.get('[US_SSN:00000000]')).toBeUndefined();
    add(SSN);
    expect(originals.get('[US_SSN:00000000]')).toBeUndefined();
  });

  it('leave out what does not give its placeholder when masked again', () => {
    const originals = new Originals(testPlaceholder, canonicalOf);
    originals.add(Buffer.from(SSN), { start: 0, end: SSN.length, of: { type: 'us_ssn' }, placeholder: '[US_SSN:00000000]' });
    expect(originals.size).toBe(0);
  });
});
