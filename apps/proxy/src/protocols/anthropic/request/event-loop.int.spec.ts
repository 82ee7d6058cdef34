import { describe, expect, it } from 'vitest';
import { AnthropicProtocol } from '../anthropic-protocol.js';
import { testContext } from '../testing/policies.js';

const PARAGRAPH =
  'The review of the account went through without remarks; see "final". Next: call the branch at 9 on 12 March, fees 1,250.00.\n';
const ROUTE = new AnthropicProtocol().route('POST', '/v1/messages')!;

/**
 * Longest time the event loop was held, milliseconds: the smaller of wall time and CPU time between two turns, because on a shared machine wall time
 * also counts what others run. Other threads of the process (garbage collection) count too, so this is an upper bound.
 */
async function longestHold(work: () => Promise<unknown>): Promise<{ hold: number; turns: number; error: unknown }> {
  let hold = 0;
  let turns = 0;
  let watching = true;
  let wall = performance.now();
  let cpu = process.cpuUsage();
  const turn = (): void => {
    const used = process.cpuUsage(cpu);
    hold = Math.max(hold, Math.min(performance.now() - wall, (used.user + used.system) / 1_000));
    turns++;
    wall = performance.now();
    cpu = process.cpuUsage();
    if (watching) setImmediate(turn);
  };
  setImmediate(turn);
  let error: unknown;
  await work().catch((caught: unknown) => (error = caught));
  watching = false;
  return { hold, turns, error };
}

function conversation(bytes: number): Buffer {
  const messages: object[] = [];
  for (let size = 0, i = 0; size < bytes; i++) {
    const text = PARAGRAPH.repeat(1 + ((i * 7) % 40)) + (i % 10 === 3 ? 'SSN 219-09-9999\n' : '') + i;
    size += text.length + 60;
    messages.push({ role: i % 2 === 0 ? 'user' : 'assistant', content: [{ type: 'text', text }] });
  }
  return Buffer.from(JSON.stringify({ model: 'm', max_tokens: 9, messages }));
}

const leaf = (text: string): Buffer => Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: text }] }));
const ssn = (i: number): string => `${200 + (i % 400)}-${10 + (i % 89)}-${1000 + (i % 8999)} `;

/** The promise is 5 ms; the bound here leaves room for a cold JIT and a garbage collection on a busy machine. */
const BOUND_MS = 40;

const BODIES: readonly (readonly [string, () => Buffer])[] = [
  ['2 MB conversation', () => conversation(2e6)],
  ['2 MB in one string', () => leaf(PARAGRAPH.repeat(16_000))],
  ['half a MB of values', () => leaf(Array.from({ length: 40_000 }, (_, i) => ssn(i)).join(''))],
  ['32 MB conversation', () => conversation(31e6)],
  ['32 MB in one string', () => leaf(PARAGRAPH.repeat(250_000))],
  [
    '32 MB of base64',
    () =>
      Buffer.from(
        `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"${'QUJD'.repeat(7.9e6)}"}}]}]}`,
      ),
  ],
  ['32 MB of escaped quotes', () => Buffer.from(`{"messages":[{"role":"user","content":"${'\\"'.repeat(15.9e6)}"}]}`)],
  ['32 MB of blanks', () => Buffer.from(`{"a":[${' '.repeat(31.9e6)}1]}`)],
  ['8 MB of numbers', () => Buffer.from(`{"a":[${'1,'.repeat(4e6)}1]}`)],
  ['32 MB of tiny strings', () => Buffer.from(`{"messages":[{"role":"user","content":[${'"a b",'.repeat(5.2e6)}"x"]}]}`)],
  ['32 MB of tiny messages', () => Buffer.from(`{"messages":[${'"a b",'.repeat(5.2e6)}"x"]}`)],
];

describe('the event loop', () => {
  it('is warm', async () => {
    for (let i = 0; i < 3; i++) await new AnthropicProtocol().screenRequest(conversation(5e5), ROUTE, testContext());
  });

  it.each(BODIES)('is never held by %s', async (name, make) => {
    const body = make();
    const { hold, turns, error } = await longestHold(() => new AnthropicProtocol().screenRequest(body, ROUTE, testContext()));
    console.log(`${name}: ${hold.toFixed(1)} ms at most, ${turns} turns${error === undefined ? '' : `, refused: ${String(error)}`}`);
    expect(turns).toBeGreaterThan(1);
    expect(hold).toBeLessThan(BOUND_MS);
  });
});
