import { DASH, isAlnum, isDigit, isLetter, SPACE } from '../engine/characters.js';
import { VERIFIED, type Candidate, type Window } from '../engine/window.js';

const RULE = 'iban@1';

/** SWIFT IBAN registry: country and length. */
const LENGTHS = new Map<string, number>(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 ' +
    'GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 ' +
    'MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 ' +
    'TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

export const IBAN_COUNTRIES: readonly string[] = [...LENGTHS.keys()];

/** By the letters' places in the alphabet. */
const COUNTRY = new Uint8Array(32 * 32);
for (const country of IBAN_COUNTRIES) COUNTRY[(country.charCodeAt(0) & 31) * 32 + (country.charCodeAt(1) & 31)] = 1;

/** True when the two letters before `digit` may begin an IBAN there. */
export function mayBeginIban(window: Window, digit: number): boolean {
  return !isAlnum(window.at(digit - 3)) && mayBeginIbanWith(window.at(digit - 2), window.at(digit - 1));
}

/** Whether the two units are the letters of a country that has IBANs. */
export function mayBeginIbanWith(first: number, second: number): boolean {
  return isLetter(first) && isLetter(second) && COUNTRY[(first & 31) * 32 + (second & 31)] === 1;
}

/** ISO 13616: country, two check digits, the country's length, mod 97 = 1; groups may be parted by single spaces or dashes. */
export function iban(window: Window, start: number): Candidate | null {
  const length = LENGTHS.get(window.text.slice(start, start + 2).toUpperCase()) ?? 0;
  let index = start;
  let remainder = 0;
  let head = 0;
  for (let count = 0; count < length; index++) {
    const code = window.at(index);
    if (!isAlnum(code)) {
      if ((code !== SPACE && code !== DASH) || count < 4 || !isAlnum(window.at(index - 1))) return null;
      continue;
    }
    if ((count === 2 || count === 3) && !isDigit(code)) return null;
    const value = isDigit(code) ? code - 48 : (code | 32) - 87;
    if (count < 4) head = value > 9 ? head * 100 + value : head * 10 + value;
    else remainder = (value > 9 ? remainder * 100 + value : remainder * 10 + value) % 97;
    count++;
  }
  if (isAlnum(window.at(index)) || (remainder * 1_000_000 + head) % 97 !== 1) return null;
  return { start, end: index, type: 'iban', rule: RULE, score: 1, strength: VERIFIED };
}
