import { describe, expect, it } from 'vitest';
import { parseConfig } from '#config';
import { maskStreamLines, type MaskLinesOptions } from './index.js';

async function run(lines: string[], options?: MaskLinesOptions): Promise<unknown[]> {
  const out: unknown[] = [];
  for await (const line of maskStreamLines(lines, options)) out.push(JSON.parse(line));
  return out;
}

describe('maskStreamLines', () => {
  it('masks with the default policies and gives offsets of the text that came in', async () => {
    const [first, second] = (await run(['{"id":"a","text":"SSN 536-90-4399, mail ann@example.com"}', '', '{"id":2,"text":"nothing"}'])) as [
      { id: string; text: string; spans: unknown[] },
      unknown,
    ];
    expect(first.id).toBe('a');
    expect(first.text).toMatch(/^SSN \[US_SSN:[0-9a-f]{8}\], mail \[EMAIL:[0-9a-f]{8}\]$/);
    expect(first.spans).toEqual([
      { type: 'us_ssn', start: 4, end: 15, rule: 'us_ssn@1', score: 0.95 },
      { type: 'email', start: 22, end: 37, rule: 'email@1', score: 1 },
    ]);
    expect(second).toEqual({ id: 2, text: 'nothing', spans: [] });
  });

  it('masks with the policies given, and keeps placeholders equal under one key', async () => {
    const policies = parseConfig(
      "policies: [{ name: p, detect: [own], request: mask }]\npatterns: [{ name: own, regex: 'EMP-\\d+' }]",
      'p.yaml',
    );
    const key = Buffer.from('key');
    const line = '{"id":1,"text":"EMP-12 and ann@example.com"}';
    const first = await run([line], { policies, key });
    expect(first).toEqual(await run([line], { policies, key }));
    expect(first).toMatchObject([{ text: expect.stringMatching(/^\[OWN:[0-9a-f]{8}\] and ann@example\.com$/) as string }]);
  });

  it.each(['not json', '[]', '{"id":1}', '{"id":1,"text":5}'])('refuses %s with its line number', async (line) => {
    await expect(run(['{"id":0,"text":""}', line])).rejects.toMatchObject({ code: 'usage_invalid', where: 'line 2' });
  });
});
