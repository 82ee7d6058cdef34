import { describe, expect, it } from 'vitest';
import { canonicalOf } from '#detect';
import { testContext, testPlaceholder } from '../protocols/shared/testing/policies.js';
import { AnthropicProtocol } from '../protocols/anthropic/index.js';
import { OpenaiProtocol } from '../protocols/openai/index.js';
import type { Protocol } from '../protocols/protocol.js';
import { BroughtValues } from './brought-values.js';
import { inOnePiece } from '../protocols/shared/testing/in-one-piece.js';

const SSN = '219-09-9999';
const context = testContext({ restore: ['text'] });

const screened = async (protocol: Protocol, path: string, body: unknown, restore = true) =>
  inOnePiece(protocol.screenRequest(Buffer.from(JSON.stringify(body)), protocol.route('POST', path)!, restore ? context : testContext({})));

const found = (brought: BroughtValues | null): [string, string][] => [...brought!.values()].map(({ type, value }) => [type, value]);

describe('the values a request brought', () => {
  const messages = (text: string): unknown => ({ model: 'm', messages: [{ role: 'user', content: text }] });

  it('are those of this very request, at the first sight and when the piece is known', async () => {
    const protocol = new AnthropicProtocol();
    const long = `My SSN is ${SSN}, mail ann.lee@mail.example.com. ${'Some more words. '.repeat(600)}`;
    for (let turn = 0; turn < 2; turn++) {
      const { brought, masked } = await screened(protocol, '/v1/messages', messages(long));
      expect(found(brought)).toEqual([
        ['us_ssn', SSN],
        ['email', 'ann.lee@mail.example.com'],
      ]);
      for (const { placeholder, value } of brought!.values()) {
        expect(masked.includes(placeholder)).toBe(true);
        expect(masked.includes(value)).toBe(false);
      }
    }
  });

  it('are not gathered when no policy gives values back', async () => {
    const { brought } = await screened(new AnthropicProtocol(), '/v1/messages', messages(`My SSN is ${SSN}`), false);
    expect(brought).toBeNull();
  });

  it('do not hold what the caller itself wrote as a placeholder', async () => {
    const { brought } = await screened(new AnthropicProtocol(), '/v1/messages', messages(testPlaceholder('us_ssn', SSN)));
    expect(brought!.size).toBe(0);
  });

  it('are read under escapes, as numbers, and in JSON that is a string itself', async () => {
    const secret = 'Tr0ub4dor"\\3é';
    const { brought } = await screened(new OpenaiProtocol(), '/v1/chat/completions', {
      model: 'm',
      messages: [
        { role: 'user', content: `tab\t"quoted" password=${secret}\nnext` },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: JSON.stringify({ a: `"${SSN}"`, b: 1 }) } }],
        },
      ],
    });
    expect(found(brought)).toContainEqual(['us_ssn', SSN]);
    expect([...brought!.values()].find(({ type }) => type === 'secret')?.value).toContain('Tr0ub4dor');
    const numbers = await screened(new AnthropicProtocol(), '/v1/messages', {
      model: 'm',
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { account_number: 123456789012 } }] }],
    });
    expect(found(numbers.brought)).toEqual([['us_bank_account', '123456789012']]);
  });

  it('name none for a placeholder that stands for two values', () => {
    const brought = new BroughtValues(() => '[US_SSN:00000000]', canonicalOf);
    const add = (value: string): void => {
      const bytes = Buffer.from(value);
      brought.add(bytes, { start: 0, end: bytes.length, of: { type: 'us_ssn' }, placeholder: '[US_SSN:00000000]' });
    };
    add(SSN);
    add('219 09 9999');
    expect(brought.get('[US_SSN:00000000]')?.value).toBe(SSN);
    add('536-90-4399');
    expect(brought.get('[US_SSN:00000000]')).toBeUndefined();
    add(SSN);
    expect(brought.get('[US_SSN:00000000]')).toBeUndefined();
  });

  it('leave out what does not give its placeholder when masked again', () => {
    const brought = new BroughtValues(testPlaceholder, canonicalOf);
    brought.add(Buffer.from(SSN), { start: 0, end: SSN.length, of: { type: 'us_ssn' }, placeholder: '[US_SSN:00000000]' });
    expect(brought.size).toBe(0);
  });
});
