import { compilePattern, createDetector, ENTITY_TYPES, type Detector } from '#detect';

/** One of each kind the issue names, with what must never reach a client raw. None belongs to anybody. */
export interface Entity {
  readonly name: string;
  /** Text around and with the value. */
  readonly text: string;
  readonly value: string;
}

const PEM = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEowIBAAKCAQEAsT9f3Q8vV2k1b7c6d5e4f3a2B1C0D9E8F7A6B5C4D3E2F1a0\n'.repeat(3)}-----END RSA PRIVATE KEY-----`;

function entity(name: string, before: string, value: string, after = ' and so on.'): Entity {
  return { name, text: `${before}${value}${after}`, value };
}

export const ENTITIES: readonly Entity[] = [
  entity('us_ssn', 'Her SSN is ', '219-09-9999'),
  entity('us_ssn bare', 'social security number ', '536904399', '.'),
  entity('credit_card', 'Card ', '4111 1111 1111 1111'),
  entity('credit_card dashes', 'pay with ', '5555-5555-5555-4444', '; thanks'),
  entity('credit_card amex', 'amex ', '378282246310005', '\nok'),
  entity('us_aba_routing', 'routing number ', '021000021'),
  entity('iban', 'to ', 'DE89 3704 0044 0532 0130 00', '.'),
  entity('iban compact', 'IBAN ', 'GB82WEST12345698765432'),
  entity('us_bank_account', 'account number: ', '000123456789'),
  entity('email', 'mail ', 'ann.lee+bank@mail.example.com', ', please'),
  entity('phone', 'call ', '(212) 555-0143'),
  entity('phone international', 'call ', '+44 20 7946 0958', '.'),
  entity('secret aws', 'key ', 'AKIAIOSFODNN7EXAMPLE'),
  entity('secret github', 'use ', 'ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'),
  entity('secret assignment', 'password=', 'Tr0ub4dor&3', '\nnext'),
  entity('jwt', 'token ', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r'),
  entity('pem', 'key:\n', PEM, '\nend'),
];

const fullWidth = (text: string): string => text.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0));
const zeroWidth = (text: string): string => [...text].join('\u200b');
/** Two UTF-16 units and four bytes a digit. */
const mathematical = (text: string): string => text.replace(/\d/g, (digit) => String.fromCodePoint(0x1d7d8 + Number(digit)));

/** All other built-in types, own patterns and lists of words, newer forms of secrets, and values in disguise. */
export const MORE_ENTITIES: readonly Entity[] = [
  entity('us_itin', 'ITIN ', '912-70-1234', '; ok'),
  entity('us_ein', 'EIN ', '12-3456789', '.'),
  entity('card_cvv', 'CVV ', '7719', '.'),
  entity('swift_bic', 'BIC ', 'DEUTDEFF500', '.'),
  entity('cusip', 'CUSIP ', '38259P508', ', ok'),
  entity('isin', 'buy ', 'US0378331005', '.'),
  entity('date_of_birth', 'born ', 'March 5, 1981', '.'),
  entity('ip_address', 'from ', '10.24.13.77', '.'),
  entity('ip_address 6', 'from ', '2001:db8::8a2e:370:7334', ' ok'),
  entity('person', 'Dear Dr. ', 'Okafor-Lindqvist', ', hi'),
  entity('street_address', 'at ', '1602 Amphitheatre Parkway', '.'),
  entity('track data', '', ';5555555555554444=25121010000012345678?', ' ok'),
  entity('phone by its label', 'me: ', '788 170 442', ' (office), ok'),
  entity('secret url', 'redis://u:', 'Tr0ub4dor3x', '@db'),
  entity('secret curl', 'run curl -u svc:', 'Tr0ub4dor3x', ' now'),
  entity('secret databricks', 'key ', `dapi${'0f1e2d3c4b5a6978'.repeat(2)}`, '.'),
  entity('secret azure', 'use ', 'a1B8Q~c2D3e4F5g6H7i8J9k0L1m2N3o4P5q6R7', ' ok'),
  entity('secret slack webhook', 'to ', 'hooks.slack.com/services/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', ' ok'),
  entity('own pattern', 'badge ', 'EMP-482137', '.'),
  entity('own words', 'the ', 'Operation Heron', ' plan'),
  entity('full-width card', 'card ', fullWidth('4111 1111 1111 1111'), '.'),
  entity('zero-width SSN', 'SSN ', zeroWidth('219-09-9999'), '.'),
  entity('mathematical card', 'card ', mathematical('5555 5555 5555 4444'), '.'),
  entity('full-width email', 'mail ', fullWidth('ann.lee@mail.example.com'), ' ok'),
];

export const ALL_ENTITIES: readonly Entity[] = [...ENTITIES, ...MORE_ENTITIES];

/** Finds all of them. */
export const allDetector: Detector = createDetector(
  [...ENTITY_TYPES, 'badge', 'projects'],
  [compilePattern({ name: 'badge', regex: 'EMP-\\d+' }), compilePattern({ name: 'projects', words: ['operation heron'] })],
);
