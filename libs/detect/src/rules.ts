import { ENTITY_TYPES, type EntityType } from './entity-types.js';
import { tokenSource } from './secrets/token-sources.js';
import { TOKEN_RULES } from './secrets/tokens.js';

/** A rule as the documentation lists it. */
export interface RuleInfo {
  /** With version, as in Span.rule. */
  readonly id: string;
  readonly type: EntityType;
  /** Who defines the form: a standard, the issuer's own page, or the rules of an open list in which it was read; or that it is our own. */
  readonly provenance: string;
  /** What must hold of a value. */
  readonly finds: string;
}

const OWN = 'own, by the words people write';

const VALUES: readonly RuleInfo[] = [
  rule('credit_card@1', 'credit_card', 'ISO/IEC 7812-1', '12 to 19 digits of a known issuer range, Luhn; bare or in printed groups'),
  rule('credit_card.track1@1', 'credit_card', 'ISO/IEC 7813', '`%B`, card number, `^`, name, `^`, seven or more digits: masked whole'),
  rule('credit_card.track2@1', 'credit_card', 'ISO/IEC 7813', '`;`, card number, `=`, seven or more digits: masked whole'),
  rule(
    'card_cvv@2',
    'card_cvv',
    'PCI DSS 3.3.1',
    'three or four digits after "CVV", "CVC", "CVN", "verification value" (0.85), "digits on the back" (0.7), "security code" (0.6), or before such a word ("218 is the CVV"); after "CSC", "CID", "verification code" where a card is spoken of; behind a card number and its expiry date (0.8), or in quotes directly behind a card number (0.5)',
  ),
  rule('iban@1', 'iban', 'ISO 13616, SWIFT registry', "the country's length, mod 97; single spaces or dashes"),
  rule(
    'us_ssn@1',
    'us_ssn',
    'Social Security Administration',
    'valid area, group and serial; printed 3-2-4, or bare after "SSN", "social security", "taxpayer"',
  ),
  rule(
    'us_itin@1',
    'us_itin',
    'Internal Revenue Service',
    '9xx and a group in use; printed 3-2-4, or bare after "ITIN", "TIN" or the words of an SSN',
  ),
  rule(
    'us_ein@1',
    'us_ein',
    'Internal Revenue Service',
    'an assigned prefix, `12-3456789`; after "EIN", "tax ID", "employer" 0.9 (bare 0.8), else 0.3',
  ),
  rule(
    'us_aba_routing@1',
    'us_aba_routing',
    'American Bankers Association',
    'nine digits, prefix in use, 3-7-1 check digit; after "routing", "ABA", "wire" 0.95, else 0.4',
  ),
  rule(
    'us_bank_account@2',
    'us_bank_account',
    OWN,
    '8 to 17 digits after "account", "acct", "checking" and the like, unless a nearer word calls them an order, a ticket, a batch; 6 and 7 only directly after; or before such words ("is my account number")',
  ),
  rule(
    'swift_bic@1',
    'swift_bic',
    'ISO 9362',
    '8 or 11 capitals and digits with a country at the fifth, within 48 characters after "BIC" or "SWIFT"',
  ),
  rule(
    'cusip@2',
    'cusip',
    'ANSI X9.6; field 48 of FIX',
    'nine capitals and digits, check digit; after "CUSIP", "security ID" 0.95, as `48=` of a FIX message or before "CUSIP" 0.9 (digits only: one of these), after "bond", "notes", "treasury" and the like 0.6, else 0.35',
  ),
  rule('isin@1', 'isin', 'ISO 6166', 'country, nine signs, check digit'),
  rule(
    'date_of_birth@2',
    'date_of_birth',
    OWN,
    'a day, in figures or with the month\'s name, within 40 characters after "born", "birth", "DOB", unless words between say otherwise ("born out of", "issued")',
  ),
  rule('email@1', 'email', 'RFC 5321, RFC 1035', 'local part, `@`, labels and a top-level label'),
  rule(
    'phone@3',
    'phone',
    'ITU-T E.164, NANP',
    '`+` and 8 to 15 digits, North American form, or a national form after "call", "phone", "messages to" or before "office", "fax"',
  ),
  rule('ip_address@1', 'ip_address', 'RFC 791, RFC 4291', 'dotted quad; eight groups or one `::` with a digit'),
  rule(
    'secret.assignment@2',
    'secret',
    OWN,
    'a value of enough randomness assigned to `password`, `api_key`, `secret`, `token`, `?sig`; after `Bearer`, `Basic`, `SSWS`, `-u name:`',
  ),
  rule('secret.private_key@1', 'secret', 'RFC 7468', 'PEM block of a private key, also without its end'),
  rule('secret.jwt@1', 'secret', 'RFC 7515, RFC 7516', 'compact form whose header names its algorithm'),
  rule('secret.url_password@2', 'secret', 'RFC 3986 §3.2.1', 'password in `scheme://user:password@host`'),
  rule(
    'person@1',
    'person',
    'own; names of the Social Security Administration',
    'capitalised words after a title or a word such as "customer" or "my name is", or a common given name with another name',
  ),
  rule(
    'street_address@1',
    'street_address',
    'own; USPS Publication 28',
    'house number, capitalised words, a kind of street; unit, city, state and ZIP as far as they follow',
  ),
  rule(
    'digit_overflow@1',
    'credit_card',
    OWN,
    'more than 64 digits in a row, under the strongest digit type in use: they could hide several numbers',
  ),
];

/** Every rule, grouped by type. */
export const RULES: readonly RuleInfo[] = [...VALUES, ...TOKEN_RULES.map(({ rule: id, prefixes }) => tokenRule(id, prefixes))].sort(
  (a, b) => ENTITY_TYPES.indexOf(a.type) - ENTITY_TYPES.indexOf(b.type),
);

function rule(id: string, type: EntityType, provenance: string, finds: string): RuleInfo {
  return { id, type, provenance, finds };
}

function tokenRule(id: string, prefixes: readonly string[]): RuleInfo {
  return rule(id, 'secret', tokenSource(id), prefixes.map((prefix) => `\`${prefix}\``).join(' '));
}
