import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawable, metadataText, wrap, wrapCode } from './text.js';

const measure = (text: string): number => text.length;
const ascii = (code: number): boolean => code < 0x250;

describe('wrap', () => {
  it('never gives a line wider than the width, and loses no character', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.integer({ min: 2, max: 60 }), (text, width) => {
        const lines = wrap(text, width, measure);
        expect(lines.every((line) => line.length <= width)).toBe(true);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll('\n', '').replaceAll(' ', ''));
      }),
    );
  });

  it('never cuts a surrogate pair', () => {
    for (const line of wrap('😀'.repeat(50), 5, measure)) expect(/\p{Surrogate}/u.test(line)).toBe(false);
  });
});

describe('wrapCode', () => {
  it('keeps every character of a query and its order', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', ',', '(', '\n'), maxLength: 400 }), (text) => {
        const lines = wrapCode(text, 60);
        expect(lines.every((line) => line.length <= 60)).toBe(true);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(/[\n ]/g, ''));
      }),
    );
  });
});

describe('drawable', () => {
  it('shows what would hide, reorder or have no glyph', () => {
    expect(drawable('a\tb\u0000c', ascii)).toBe('a b⟨U+0000⟩c');
    expect(drawable('user\u202egnp.exe', ascii)).toBe('user⟨U+202E⟩gnp.exe');
    expect(drawable('漢字 😀', ascii)).toBe('⟨U+6F22⟩⟨U+5B57⟩ ⟨U+1F600⟩');
    expect(drawable('lone \ud800 surrogate', (code) => ascii(code) || code === 0xfffd)).toBe('lone \ufffd surrogate');
  });
});

it('metadata has nothing that XML would read', () => expect(metadataText('A & B <Söhne>\u0007')).toBe('A and B Shne'));
