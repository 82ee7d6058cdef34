import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector, type Span } from '#detect';
import { run, runInSlices, Slices, spliceSteps, type Edit } from '#wire';
import { maskPlainSteps } from '../protocols/shared/response/plain-text.js';
import { testPlaceholder } from '../protocols/shared/testing/policies.js';
import { maskLargeLeaf, WINDOW_BYTES } from './large-leaf.js';
import { leafEditSteps, replacementSteps } from './leaf-steps.js';
import { findReplacements, leafEdits, leafText, type Leaf, type MaskRules } from './leaf.js';
import { applyReplacements } from './stream-masker.js';

const detector = createDetector(['us_ssn', 'credit_card', 'email', 'phone', 'secret']);
const rules = (action: 'mask' | 'allow' = 'mask', withAllowed = false): MaskRules => ({
  detector,
  placeholder: testPlaceholder,
  judge: (_span: Span) => action,
  withAllowed,
});

/** Values, escapes, pairs and multi-byte letters, so that a window may end inside each of them. */
const part = fc.constantFrom(
  'SSN 219-09-9999 ',
  'write to jane.doe@example.com now ',
  '4111 1111 1111 1111, ',
  'call (212) 555-0187 ',
  '"quoted" \\ and / ',
  '\u{1f600}\u{1f680}',
  'żółć ü ',
  '\n\t',
  'x',
  'plain words that mean nothing at all ',
);
const texts = fc.tuple(fc.array(part, { minLength: 1, maxLength: 40 }), fc.nat(64), fc.boolean()).map(([parts, shift, escaped]) => {
  const some = parts.join('');
  // Long enough for several windows; `shift` moves what lies at their ends.
  const text = '.'.repeat(shift) + some.repeat(Math.ceil((3 * WINDOW_BYTES) / some.length));
  const json = JSON.stringify(text);
  return escaped ? json.replace(/[^\u0020-\u007e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : json;
});

const leafOf = (bytes: Buffer): Leaf => ({ start: 1, end: bytes.length - 1, escaped: bytes.includes(0x5c), isNumber: false, label: null });

/** A budget that is always spent: every step in a turn of its own. */
class NoBudget extends Slices {
  override get spent(): boolean {
    return true;
  }
}

describe('pieces of a long string', () => {
  const LENGTH = 64 * 1024;
  const dense = '219-09-9999 '.repeat(LENGTH / 12);
  const plain = 'plain words '.repeat(LENGTH / 12);
  const windowsOf = async (text: string, masking: MaskRules | null): Promise<number> => {
    const bytes = Buffer.from(JSON.stringify(text));
    let windows = 0;
    await maskLargeLeaf(bytes, leafOf(bytes), masking, new Slices(), [], () => (windows += 1));
    return windows;
  };
  const stepsOf = (work: Generator): number => {
    let steps = 0;
    while (work.next().done !== true) steps += 1;
    return steps;
  };

  it('are smaller behind one that is full of values, and not where none are looked for', async () => {
    expect(await windowsOf(dense, rules())).toBeGreaterThanOrEqual(LENGTH / 512 - 1);
    for (const masking of [rules(), null]) expect(await windowsOf(plain, masking)).toBeLessThanOrEqual(LENGTH / 2048 + 2);
    expect(await windowsOf(dense, null)).toBeLessThanOrEqual(LENGTH / 2048 + 2);
    for (const work of [
      (text: string) => replacementSteps(text, rules()),
      (text: string) => maskPlainSteps(Buffer.from(text), rules()),
      (text: string) => leafEditSteps(Buffer.from(JSON.stringify(text)), leafOf(Buffer.from(JSON.stringify(text))), rules()),
    ])
      expect(stepsOf(work(dense))).toBeGreaterThan(3 * stepsOf(work(plain)));
  });
});

describe('work in steps', () => {
  it('finds in a large string what is found in one go, wherever its windows end', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom<[('mask' | 'allow')?, boolean?]>(['mask'], ['allow'], ['allow', true]), (json, how) => {
        const bytes = Buffer.from(json);
        const leaf = leafOf(bytes);
        const found = findReplacements(leafText(bytes, leaf), '', rules(...how));
        const expected = leafEdits(bytes, leaf, found).map((edit, i) => ({ ...edit, action: found[i]!.action }));
        expect(run(leafEditSteps(bytes, leaf, rules(...how)))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('masks plain text as in one go', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const expected = applyReplacements(text, findReplacements(text, '', rules()));
        expect(run(maskPlainSteps(Buffer.from(text), rules())).toString()).toBe(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same with a turn of the event loop between all steps', async () => {
    const bytes = Buffer.from(JSON.stringify('SSN 219-09-9999, jane.doe@example.com \u{1f600} '.repeat(2_000)));
    const inOneGo = run(leafEditSteps(bytes, leafOf(bytes), rules()));
    const inSlices = await runInSlices(leafEditSteps(bytes, leafOf(bytes), rules()), new NoBudget());
    expect(inSlices).toEqual(inOneGo);
    expect(inOneGo.length).toBe(4_000);
  });

  it('splices as in one go', async () => {
    const source = Buffer.alloc(700_000, 'abcdefghij');
    const edits: Edit[] = Array.from({ length: 2_000 }, (_, i) => ({
      start: i * 300,
      end: i * 300 + (i % 7),
      bytes: Buffer.alloc(i % 11, 'X'),
    }));
    const expected: Buffer[] = [];
    let from = 0;
    for (const { start, end, bytes } of edits) {
      expected.push(source.subarray(from, start), bytes);
      from = end;
    }
    expected.push(source.subarray(from));
    expect((await runInSlices(spliceSteps(source, edits), new NoBudget())).equals(Buffer.concat(expected))).toBe(true);
  });
});
