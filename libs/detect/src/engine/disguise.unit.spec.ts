import { describe, expect, it } from 'vitest';
import { isDisguised, readSign, readSigns } from './disguise.js';

describe('disguises', () => {
  it('are noticed, every one in the basic plane', () => {
    let count = 0;
    for (let code = 0x80; code < 0x10000; code++) {
      const sign = String.fromCharCode(code);
      if (readSign(sign) === sign) continue;
      count++;
      if (!isDisguised(`x${sign}`)) expect.fail(code.toString(16));
    }
    expect(count).toBeGreaterThan(700);
  });

  it('are what NFKC makes one ASCII sign of, and digits of all scripts', () => {
    for (let code = 0x80; code < 0x10000; code++) {
      const sign = String.fromCharCode(code);
      const normal = sign.normalize('NFKC');
      if (/^[ -~]$/.test(normal) && code !== 0xff0d && code !== 0xfe63) expect(readSign(sign), code.toString(16)).toBe(normal);
      if (/\p{Nd}/u.test(sign)) expect(readSign(sign), code.toString(16)).toMatch(/^[0-9]$/);
    }
    expect(readSigns('𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡 𝐀𝒛 ٠١٢٣ ०१२ ๐๙ ⁰¹²³ ₀₉ ①')).toBe('0123456789 Az 0123 012 09 0123 09 1');
  });

  it('are not letters of languages, ideographs or emoji', () => {
    const text = 'Łódź, Ærø, Αθήνα, Київ, 東京, 서울, 😀👩';
    expect(readSigns(text)).toBe(text);
  });
});
