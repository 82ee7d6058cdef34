import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outlineObject } from './json-outline.js';
import { Slices } from './slices.js';

const SPLIT = new Set(['messages']);

async function outline(text: string): Promise<{ name: string; value: string; elements: string[] }[]> {
  const bytes = Buffer.from(text);
  const members = await outlineObject(bytes, SPLIT, new Slices());
  return members.map((member) => ({
    name: member.name,
    value: bytes.toString('utf8', member.valueStart, member.end),
    elements: member.elementStarts.map((start, i) => bytes.toString('utf8', start, member.elementEnds[i])),
  }));
}

describe('outlineObject', () => {
  it('finds members and elements', async () => {
    expect(await outline(' { "a" : 1 , "messages":[ {"x":"]},"} , "s" ,[1,[2]] , 5 ] ,"b":{"messages":[1]}, "c" : "\\"" } ')).toEqual([
      { name: 'a', value: '1', elements: [] },
      { name: 'messages', value: '[ {"x":"]},"} , "s" ,[1,[2]] , 5 ]', elements: ['{"x":"]},"}', '"s"', '[1,[2]]', '5'] },
      { name: 'b', value: '{"messages":[1]}', elements: [] },
      { name: 'c', value: '"\\""', elements: [] },
    ]);
    expect(await outline('{}')).toEqual([]);
    expect(await outline('{"messages":[ ]}')).toEqual([{ name: 'messages', value: '[ ]', elements: [] }]);
  });

  it('finds the same as JSON.parse', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
        fc.array(fc.jsonValue({ maxDepth: 3 })),
        fc.constantFrom(0, 2),
        async (object, messages, indent) => {
          const text = JSON.stringify({ ...object, messages }, null, indent);
          const parsed = JSON.parse(text) as Record<string, unknown>;
          const found = await outline(text);
          expect(found.map((member) => [member.name, JSON.stringify(JSON.parse(member.value))])).toEqual(
            Object.entries(parsed).map(([name, value]) => [name, JSON.stringify(value)]),
          );
          expect(
            found.find((member) => member.name === 'messages')?.elements.map((element) => JSON.stringify(JSON.parse(element))),
          ).toEqual((parsed['messages'] as unknown[]).map((element) => JSON.stringify(element)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    '',
    '[]',
    '{',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a":1}x',
    '{"a":1 "b":2}',
    '{"messages":[1,]}',
    '{"messages":[,1]}',
    '{"messages":[{}}',
    '{"a":"x',
    '{"a":1,"\\u0061":2}',
    '\ufeff{}',
  ])('refuses %j', async (text) => {
    await expect(outline(text)).rejects.toMatchObject({ code: 'body_invalid' });
  });
});
