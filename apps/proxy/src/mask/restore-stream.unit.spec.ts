import { describe, expect, it } from 'vitest';
import { canonicalOf } from '#detect';
import { testPlaceholder, testPolicy } from '../protocols/shared/testing/policies.js';
import { BroughtValues } from './brought-values.js';
import { RestoreStream } from './restore-stream.js';
import { Restorer, type Restoration } from './restorer.js';

const SSNS = ['219-09-9999', '536-22-8145', '401-22-9876'];
const ACCOUNT = '38149133';
const brought = new BroughtValues(testPlaceholder, canonicalOf);
for (const [type, value] of [...SSNS.map((one) => ['us_ssn', one] as const), ['us_bank_account', ACCOUNT] as const]) {
  const bytes = Buffer.from(value);
  brought.add(bytes, { start: 0, end: bytes.length, of: { type }, placeholder: testPlaceholder(type, value) });
}
const ssn = (at: number): string => testPlaceholder('us_ssn', SSNS[at % SSNS.length]!);
const account = testPlaceholder('us_bank_account', ACCOUNT);

function restored(text: string, units: number): Pick<Restoration, 'start' | 'end' | 'text'>[] {
  const stream = new RestoreStream(
    Restorer.of({ policy: testPolicy({ restore: ['text'] }), placeholder: testPlaceholder, brought }, 'text')!,
  );
  const out: Restoration[] = [];
  for (let at = 0; at < text.length; at += units) {
    const piece = text.slice(at, at + units);
    out.push(...stream.push(piece, [], at + piece.length));
    expect(stream.settled).toBeLessThanOrEqual(at + piece.length);
  }
  out.push(...stream.end([]));
  return out.map(({ start, end, text: value }) => ({ start, end, text: value }));
}

describe('many placeholders in one text', () => {
  it('give back all that are found again, and leave those that are not, however they come', () => {
    // An account number is found by a word before it, and here is none: each of them is looked at again without.
    const rows = Array.from({ length: 90 }, (_, at) => (at % 7 === 3 ? `${account}; ` : `${ssn(at)}, `));
    const text = rows.join('');
    const values = rows.flatMap((_, at) => (at % 7 === 3 ? [] : [SSNS[at % SSNS.length]]));
    for (const units of [text.length, 1_000, 37, 1]) expect(restored(text, units).map(({ text: value }) => value)).toEqual(values);
  });

  it('is decided alike in every cut, where they stand wall to wall too', () => {
    for (const between of ['', ' ', ', ', ' account number: ', '-', ` ${'x'.repeat(40)} `]) {
      const text = Array.from({ length: 50 }, (_, at) => (at % 5 === 2 ? account : ssn(at))).join(between);
      const whole = restored(text, text.length);
      for (const units of [3, 13, 700]) expect(restored(text, units)).toEqual(whole);
    }
  });
});
