import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonScanner, type JsonHandler } from './json-scanner.js';
import { decodeJsonText } from './json-text.js';
import { Slices } from './slices.js';

/** Rebuilds the value from the scanner's calls: any wrong offset or order shows. */
class Rebuild implements JsonHandler {
  result: unknown;
  private readonly stack: { value: unknown[] | Record<string, unknown>; name: string }[] = [];
  constructor(private readonly bytes: Buffer) {}
  open(isArray: boolean): void {
    this.stack.push({ value: isArray ? [] : (Object.create(null) as Record<string, unknown>), name: '' });
  }
  key(name: string): void {
    this.stack.at(-1)!.name = name;
  }
  string(start: number, end: number, escaped: boolean): void {
    this.put(decodeJsonText(this.bytes, start, end, escaped));
  }
  scalar(start: number, end: number): void {
    this.put(JSON.parse(this.bytes.toString('latin1', start, end)));
  }
  close(): void {
    this.put(this.stack.pop()!.value);
  }
  private put(value: unknown): void {
    const top = this.stack.at(-1);
    if (top === undefined) this.result = value;
    else if (Array.isArray(top.value)) top.value.push(value);
    else top.value[top.name] = value;
  }
}

function scan(text: string | Buffer): unknown {
  const bytes = Buffer.from(text);
  const handler = new Rebuild(bytes);
  new JsonScanner(bytes, 0, bytes.length, handler).run();
  return handler.result;
}

/** Compares without prototypes getting in the way. */
const plain = (value: unknown): string => JSON.stringify(value);

describe('JsonScanner', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
        const printed = JSON.stringify(JSON.parse(text), null, indent);
        expect(plain(scan(printed))).toBe(plain(JSON.parse(printed)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('agrees with JSON.parse on whether mangled text is JSON', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 4 }),
        fc.nat(),
        fc.constantFrom('', '"', '\\', ',', '}', ']', '{', '[', ':', '1', 'e', ' ', 'x', '\u0001'),
        (text, where, extra) => {
          const at = where % (text.length + 1);
          const mangled = text.slice(0, at) + extra + text.slice(at + 1);
          let expected: unknown;
          let valid = true;
          try {
            expected = JSON.parse(Buffer.from(mangled).toString());
          } catch {
            valid = false;
          }
          let found: unknown;
          try {
            found = scan(mangled);
          } catch (error) {
            if (valid && !/twice/.test(String(error))) throw error;
            refused++;
            return;
          }
          expect(valid).toBe(true);
          expect(plain(found)).toBe(plain(expected));
        },
      ),
      { numRuns: 3_000 },
    );
    expect(refused).toBeGreaterThan(300);
  });

  it('refuses doubled names, also when written differently, and says where', () => {
    expect(() => scan('{"a":{"b":1,"\\u0062":2}}')).toThrow(expect.objectContaining({ code: 'body_invalid', where: 'byte 13, $.a.b' }));
    const many = Array.from({ length: 40 }, (_, i) => `"k${i}":${i}`).join(',');
    expect(() => scan(`{${many},"k3":0}`)).toThrow(/twice/);
    expect(plain(scan(`{${many}}`))).toBe(`{${many}}`);
  });

  it('never puts a member name that could be a value into the message', () => {
    expect(() => scan('{"219-09-9999":{"a":x}}')).toThrow(expect.objectContaining({ where: expect.not.stringContaining('219') as string }));
  });

  it('refuses nesting deeper than 512', () => {
    expect(() => scan('['.repeat(513) + ']'.repeat(513))).toThrow(/deep/);
    expect(() => scan('['.repeat(512) + ']'.repeat(512))).not.toThrow();
  });

  it.each([
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{,}',
    '[1 2]',
    '{"a" 1}',
    '01',
    '1.',
    '-',
    'nul',
    '[}',
    '{]',
    '1 2',
    '"a',
    '"a\\"',
    '\ufeff{}',
    '{"a\u0001":1}',
  ])('refuses %j', (text) => {
    expect(() => scan(text)).toThrow(expect.objectContaining({ code: 'body_invalid' }));
  });

  it.each([
    ['blanks', `[${' '.repeat(3e6)}1]`],
    ['escaped quotes', `["${'\\"'.repeat(1e6)}"]`],
    ['backslashes', `["${'\\\\'.repeat(1e6)}"]`],
    ['backslashes and quotes', `["${`${'\\\\'.repeat(2_000)}\\"`.repeat(400)}"]`],
    ['numbers', `[${'1,'.repeat(1e6)}1]`],
  ])('works on megabytes of %s in slices', async (_, text) => {
    const bytes = Buffer.from(text);
    const handler = new Rebuild(bytes);
    const scanner = new JsonScanner(bytes, 0, bytes.length, handler);
    const slices = new Slices(0.2);
    let turns = 0;
    while (!scanner.run(slices)) {
      turns++;
      await slices.turn();
    }
    expect(turns).toBeGreaterThan(1);
    expect(plain(handler.result)).toBe(plain(JSON.parse(text)));
  });
});
