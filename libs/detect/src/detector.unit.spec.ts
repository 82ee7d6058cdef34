import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector, createPlaceholder, ENTITY_TYPES, FREE_TEXT_TYPES, maskText } from './index.js';
import { SAMPLES } from './testing/samples.js';

/** All that have a form; the others are tried in free-text.unit.spec.ts. */
const TYPES = ENTITY_TYPES.filter((type) => !FREE_TEXT_TYPES.includes(type));
const detector = createDetector(TYPES);
const found = (text: string): string[] => detector.scan(text).map(({ type, start, end }) => `${type}:${text.slice(start, end)}`);

describe('what is found', () => {
  for (const [type, samples] of Object.entries(SAMPLES)) {
    it.each(samples)(`${type} in %j`, (sample) => {
      expect(
        createDetector([type])
          .scan(`Look: ${sample} - done`)
          .map((span) => span.type),
      ).toEqual([type]);
    });
  }

  it.each([
    ['my SSN is 536-90-4399.', ['us_ssn:536-90-4399']],
    ['ssn 536904399', ['us_ssn:536904399']],
    ['{"customerSsn":"x","ssn":"536904399"}', ['us_ssn:536904399']],
    ['Pay 4111 1111 1111 1111 5500 now', ['credit_card:4111 1111 1111 1111']],
    ['cards 4111111111111111,5555555555554444', ['credit_card:4111111111111111', 'credit_card:5555555555554444']],
    ['4111-1111-1111-1111 4242 4242 4242 4242', ['credit_card:4111-1111-1111-1111', 'credit_card:4242 4242 4242 4242']],
    ['routing 021000021 account 000123456789', ['us_aba_routing:021000021', 'us_bank_account:000123456789']],
    ['Routing: 021000021, Account: 122105155', ['us_aba_routing:021000021', 'us_bank_account:122105155']],
    ['accountNumber=12345678;', ['us_bank_account:12345678']],
    ['IBAN DE89370400440532013000, thanks', ['iban:DE89370400440532013000']],
    ['mail <ann@example.com>, bob@example.org.', ['email:ann@example.com', 'email:bob@example.org']],
    ['Call (212) 555-0143 or 212.555.0144', ['phone:(212) 555-0143', 'phone:212.555.0144']],
    ['PASSWORD="correct-horse-9"', ['secret:correct-horse-9']],
    ['export API_KEY=9f86d081884c7d659a2feaa0c55ad015', ['secret:9f86d081884c7d659a2feaa0c55ad015']],
    ['postgres://app:s3cr3t!pw@db.internal/main', ['secret:s3cr3t!pw']],
    ['mysql://app:Tr0ub?4dor#x@db/main https://h.example:8080?m=ann@example.com', ['secret:Tr0ub?4dor#x', 'email:ann@example.com']],
    ['full-width ４１１１ １１１１ １１１１ １１１１', ['credit_card:４１１１ １１１１ １１１１ １１１１']],
    ['no-break 536\u201190\u20114399', ['us_ssn:536\u201190\u20114399']],
    ['SSN 912-70-1234, ITIN 912701234', ['us_itin:912-70-1234', 'us_itin:912701234']],
    ['Employer ID 20-1234567', ['us_ein:20-1234567']],
    ['tax ID 20-1234567; order 121456781', ['us_ein:20-1234567']],
    ['swipe %B4111111111111111^DOE/JANE^2512101123456789? ok', ['credit_card:%B4111111111111111^DOE/JANE^2512101123456789?']],
    ['t2 ;5555555555554444=25121010000012345678?.', ['credit_card:;5555555555554444=25121010000012345678?']],
    ['card 4111 1111 1111 1111 exp 12/27 cvv: 123', ['credit_card:4111 1111 1111 1111', 'card_cvv:123']],
    ['{"cvv":"123","cvc2":9876}', ['card_cvv:123', 'card_cvv:9876']],
    ['"cardCvv": "123", "securityCode": 9876', ['card_cvv:123', 'card_cvv:9876']],
    ['<cvc>218</cvc><td>CVV</td><td>219</td>', ['card_cvv:218', 'card_cvv:219']],
    ['CVV (the 3 digits on the back): 218', ['card_cvv:218']],
    ['the last three digits on the back of my card are 218', ['card_cvv:218']],
    ['218 (CVV2), or 219 as the security code', ['card_cvv:218', 'card_cvv:219']],
    ['Amex 378282246310005, CID 4821', ['credit_card:378282246310005', 'card_cvv:4821']],
    ['4111111111111111,12/27,218,Jane', ['credit_card:4111111111111111', 'card_cvv:218']],
    ['pay("4111111111111111", "218")', ['credit_card:4111111111111111', 'card_cvv:218']],
    ['4419938271 is my account number, not T-4419938272', ['us_bank_account:4419938271']],
    ['|48=38259P508|22=1', ['cusip:38259P508']],
    ['037833100 is the CUSIP; bond 17275R102', ['cusip:037833100', 'cusip:17275R102']],
    ['wire via SWIFT code CHASUS33XXX please', ['swift_bic:CHASUS33XXX']],
    ['BIC/IBAN DEUTDEFF / DE89370400440532013000', ['swift_bic:DEUTDEFF', 'iban:DE89370400440532013000']],
    ['CUSIP 037833100 and 17275R102', ['cusip:037833100', 'cusip:17275R102']],
    ['bought US0378331005 and DE000BAY0017.', ['isin:US0378331005', 'isin:DE000BAY0017']],
    ['Born on March 5th, 1980 in Ohio; hired 2010-01-02', ['date_of_birth:March 5th, 1980']],
    ['"dateOfBirth": "1980-03-05"', ['date_of_birth:1980-03-05']],
    ['𝟺𝟷𝟷𝟷 𝟷𝟷𝟷𝟷 𝟷𝟷𝟷𝟷 𝟷𝟷𝟷𝟷', ['credit_card:𝟺𝟷𝟷𝟷 𝟷𝟷𝟷𝟷 𝟷𝟷𝟷𝟷 𝟷𝟷𝟷𝟷']],
    ['keycaps 5️⃣3️⃣6️⃣-9️⃣0️⃣-4️⃣3️⃣9️⃣9️⃣!', ['us_ssn:5️⃣3️⃣6️⃣-9️⃣0️⃣-4️⃣3️⃣9️⃣9']],
    ['circled ⑤③⑥-⑨⓪-④③⑨⑨', ['us_ssn:⑤③⑥-⑨⓪-④③⑨⑨']],
    ['Thai ๕๓๖-๙๐-๔๓๙๙', ['us_ssn:๕๓๖-๙๐-๔๓๙๙']],
    ['tagged 536\u{e0031}-90\u{e0041}-4399', ['us_ssn:536\u{e0031}-90\u{e0041}-4399']],
    ['bidi 5\u202e36-90-\u20664399', ['us_ssn:5\u202e36-90-\u20664399']],
    ['ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ', ['email:ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ']],
    ['𝐠𝐡𝐩_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8', ['secret:𝐠𝐡𝐩_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8']],
    [
      'A card: 233 Tér 19.\n(37) 788-063-Office, 28-64-66-98 fax\n3660170548 (mobile)',
      ['phone:(37) 788-063', 'phone:28-64-66-98', 'phone:3660170548'],
    ],
    ['stop the messages to 699 956 915, or call 3660170548 today', ['phone:699 956 915', 'phone:3660170548']],
    ['curl -u svc:Tr0ub4dor3 https://h.example', ['secret:Tr0ub4dor3']],
    ['Basic c3ZjOlRyMHViNGRvcjM= was sent', ['secret:c3ZjOlRyMHViNGRvcjM=']],
    ['zero-width 4111\u200b1111\u200b1111\u200b1111', ['credit_card:4111\u200b1111\u200b1111\u200b1111']],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected);
  });
});

describe('what is left alone', () => {
  it.each([
    '078-05-1120 and 123-45-6789 and 000-12-3456 and 666-12-3456 and 900-12-3456',
    '536-00-4399, 536-90-0000, 111-11-1111, 536-90.4399',
    '4111 1111 1111 1112 and 1234567812345678',
    'ticket 536904399 of 2026-11-21T08:51:22.123456Z',
    'the ratio is 0.4111111111111111 and pi 3.141592653589793',
    'commit 3f786850e387550fdab836ed7e6dc881de23001b, uuid 550e8400-e29b-41d4-a716-446655440000',
    'DE89 3704 0044 0532 0130 01 is no IBAN',
    'std::abs(x) a::b, at 12:34:56, ratio 16:9',
    'version 1.2.3, 2026.11.21, chapter 4.1.2',
    'password: string; token: str; secret = os.environ["X"]; apiKey: process.env.KEY; password=${DB_PASSWORD}',
    'the password is required. token: undefined',
    'https://example.com:8080/path?x=1 and user@localhost',
    'sk-folding-cube-container-large and data-testid="sk-something"',
    '[US_BANK_ACCOUNT:12345678] account [US_SSN:87654321]',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'rows 2019 2020 2021 2022 2023 2024 2025 2026',
    'part 12-3456789, EIN 00-1234567 and 1-23-4567890',
    'ITIN 912-69-1234, 912-93-1234',
    'your security code is 123456, cvv: 12345, cvvs 12, CVV 12.50',
    'SWIFT programming in XCODE15A, bicycle DOCUMENT1',
    'order 38259P508 and CUSIP 38259P509, US0378331006, AUTHENTICATE, ABCDEFGHIJK1',
    'released 1980-03-05, the stillborn idea of 2010, born in 1980, born 31/31/1980',
    'email me, emoji 👩‍💻 ❤️ and m² of ½ size',
    'the ratio is 0.869258673 and 0.4890869310',
    'born out of need on 1980-03-05; birth certificate issued 03/05/1980; reborn 1980-03-05; born in Ohio and hired 2001-03-05',
    'call about order 7712345678, on the call INC-352683645',
    '781 1704 office chairs, 3 000 000 home\nloans',
    'sed -u name:value, --username x:y, -u 1000:1000, Basic understanding of 12 things',
    'skill, SK-2, dapi_call, daphne, api-key-rotation-2026, A3-size paper, API-Gateway-2024, keys-of-the-kingdom-1, sha256~latest',
    'CVV on page 218, CVV: declined, reason 218; needs the CVV and 300 customers; CVV for 300 calls',
    'card 4111, 218 dollars; "218", 219 is the total',
    'cid=4821; your verification code is 4821; CSC 101',
    'three digits on the back of the jersey: 218, security code (gate) 300 and expiry 2028 (CVV missing)',
    '5 247 710 accounts, 2005-2023 in the books; see T-38149133; Account review, case number 7712345678',
    'the account team asks: batch 38149133; account notes. Confirmation number 7712345678; 7712345678 is the account manager of ours',
    'part 38259P508, bond 38259P509, 48=38259P509, 038259P51 (CUSIP)',
    'page 12 of 345, lines 100-200, 1,234,567.89 USD',
  ])('%s', (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe('a detector', () => {
  it('looks only for its own types', () => {
    expect(
      createDetector(['email'])
        .scan('ann@example.com 4111111111111111')
        .map((span) => span.type),
    ).toEqual(['email']);
  });

  it('is the same object for the same set and changes its version with it', () => {
    expect(createDetector(['email', 'iban'])).toBe(createDetector(['iban', 'email']));
    expect(createDetector(['email']).version).not.toBe(createDetector(['email', 'iban']).version);
  });

  it('refuses a type it does not know', () => {
    expect(() => createDetector(['emial'])).toThrowError(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('gives sorted spans that do not overlap, on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        let end = 0;
        for (const span of detector.scan(text)) {
          expect(span.start).toBeGreaterThanOrEqual(end);
          expect(span.end).toBeGreaterThan(span.start);
          end = span.end;
        }
        expect(end).toBeLessThanOrEqual(text.length);
      }),
    );
  });

  it('takes time linear in the text, whatever the text', () => {
    const everything = createDetector(ENTITY_TYPES);
    for (const unit of [
      'a',
      '1',
      '1 ',
      '1-',
      '@',
      'a@',
      '-----BEGIN ',
      'eyJ',
      'sk-',
      'password=',
      '::',
      '+(',
      'DE89 ',
      'https://a:',
      '4111 ',
      'a.b@c.',
      'born ',
      'BIC ',
      'CVV ',
      '%B1',
      'Mary Ann ',
      '1 Main ',
      'US0A',
      '\u200b1',
      '𝟏',
    ]) {
      const begun = process.cpuUsage();
      everything.scan(unit.repeat(Math.ceil(200_000 / unit.length)));
      expect(process.cpuUsage(begun).user / 1000, unit).toBeLessThan(3000);
    }
  });
});

describe('masking', () => {
  const placeholder = createPlaceholder(Buffer.from('key of the deployment'));
  const mask = (text: string): string => maskText(text, detector.scan(text), placeholder);

  it('names the type and a keyed digest', () => {
    expect(mask('SSN 536-90-4399!')).toMatch(/^SSN \[US_SSN:[0-9a-f]{8}\]!$/);
    expect(mask('536-90-4399')).not.toBe(maskText('536-90-4399', detector.scan('536-90-4399'), createPlaceholder(Buffer.from('other'))));
  });

  it('gives the same placeholder for the same value in another dress', () => {
    expect(placeholder('credit_card', '4111 1111 1111 1111')).toBe(placeholder('credit_card', '4111-1111-1111-1111'));
    expect(placeholder('email', 'Ann@Example.com')).toBe(placeholder('email', 'ann@example.com'));
    expect(placeholder('us_ssn', '536904399')).not.toBe(placeholder('us_bank_account', '536904399'));
  });

  it('finds nothing in what it has masked', () => {
    for (const samples of Object.values(SAMPLES)) {
      for (const sample of samples) {
        const once = mask(`note ${sample} end`);
        expect(mask(once)).toBe(once);
      }
    }
  });
});
