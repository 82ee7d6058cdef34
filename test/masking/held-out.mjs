// The held-out set: finance-heavy texts from templates of our own, written before the rules were measured on them, and never used to change a rule.
import { seeded } from './random.mjs';
import * as make from './values.mjs';

export const SEED = 20261126;
export const TEXTS = 2000;

/** `{type}` is replaced by a value of the type and counts; `<decoy>` by something that only looks like one. */
const TEMPLATES = [
  'My card {credit_card} was declined at the pump yesterday, can you look into it?',
  'Please charge {credit_card}, expiry 09/28, cvv {card_cvv}.',
  'The customer read out {credit_card} and the security code {card_cvv} on the call <ticket>.',
  'card_number={credit_card}&exp=1127&cvc={card_cvv}&amount=<amount>',
  '{"pan":"{credit_card}","cvv2":"{card_cvv}","trace":"<uuid>"}',
  'Refund to the Visa ending in <last4>, full number {credit_card}.',
  'Two cards on file: {credit_card} and {credit_card}.',
  'Applicant SSN: {us_ssn}, born {date_of_birth}, income <amount>.',
  'social security number {us_ssn_bare} matches the W-2 of <plaindate>',
  'Her SSN is {us_ssn} and her DOB is {date_of_birth}.',
  '<uuid>,{us_ssn},{email},<plaindate>,approved',
  'Verify date of birth {date_of_birth} before resetting the PIN.',
  'The insured, {person}, birth date {date_of_birth}, lives at {street_address}.',
  'He files with ITIN {us_itin} because he has no SSN.',
  'Taxpayer {us_itin} amended the return on <plaindate>.',
  'Form W-9 lists EIN {us_ein} for <company>.',
  '<company>, employer identification number {us_ein}, invoice <invoice>.',
  'Vendor tax ID {us_ein}; purchase order <order>.',
  'Wire <amount> to routing number {us_aba_routing}, account number {us_bank_account}.',
  'ABA {us_aba_routing} / acct {us_bank_account} / attn {person}',
  '{"routing_number": "{us_aba_routing}", "account_number": "{us_bank_account}"}',
  'Direct deposit goes to checking account {us_bank_account} at <company>.',
  'Close savings acct no. {us_bank_account} and mail the check to {street_address}.',
  'Transfer to IBAN {iban}, BIC {swift_bic}, reference <invoice>.',
  'Beneficiary bank SWIFT code: {swift_bic}. Beneficiary IBAN: {iban}.',
  'SEPA mandate for {iban} signed by {person} on <plaindate>.',
  'Sell 200 shares of CUSIP {cusip} at market.',
  'CUSIP: {cusip}  ISIN: {isin}  QTY: <qty>',
  'The bond {isin} matures on <plaindate>.',
  'Positions as of <plaindate>: {isin} <qty>, {isin} <qty>',
  'Reach me at {phone} or {email} after five.',
  'Call {phone} and ask for Mr. {person_last}.',
  'From: {email}\nTo: {email}\nSubject: ticket <ticket>\n\nHi {first_name}, see below.',
  'My name is {person}, phone {phone}, and I moved to {street_address}.',
  'Login from {ip_address} at <time>, user {email}.',
  '<time> WARN conn from {ip_address} port <qty> closed after <qty> ms',
  'allow {ip_address}; deny all; # order <order>',
  'export TOKEN={secret}',
  'Somebody committed {secret} to the repo in <hash>.',
  'db password: {secret_password} (rotate on <plaindate>)',
  'postgres://svc:{secret_password}@db.example.net:5432/core',
  'curl -H "Authorization: Bearer {secret}" https://api.example.com/v1/accounts/<order>',
  'Dear {person}, your application <ticket> has been received.',
  'Customer {person} disputes <amount> on card {credit_card}.',
  'Ship to {street_address} by <plaindate>.',
  'KYC: {person}; DOB {date_of_birth}; SSN {us_ssn}; {phone}; {email}',
  // Nothing to find.
  'Order <order> shipped on <plaindate>, tracking <tracking>.',
  'Build <hash> of version <version> took <qty> ms at <time>.',
  'Invoice <invoice> for <amount> is due on <plaindate>.',
  'SELECT id, total FROM orders WHERE id = <order> AND day = <plaindate>;',
  'Part no. <part> replaces part no. <part>; stock <qty>.',
  'Rates moved from 4.125 to 4.25 percent; volume <qty> on <plaindate>.',
  'uuid <uuid> and checksum <hash>',
  'Rows <qty>-<qty> of <qty>; page <qty>; section <version>.',
  'The meeting is on <plaindate> at 10:30 in room <qty>; dial extension <last4>.',
  'Quarter ended <plaindate>: revenue <amount>, cost <amount>, ratio 0.<qty><qty>.',
  'Ticket <ticket> is blocked by <ticket>; see commit <hash>.',
  'Our office opens on <plaindate>; the code for the door is on the wall.',
];

const VALUES = {
  credit_card: make.card,
  card_cvv: make.cvv,
  us_ssn: make.ssn,
  us_ssn_bare: make.bareSsn,
  us_itin: make.itin,
  us_ein: make.ein,
  us_aba_routing: make.routing,
  us_bank_account: make.account,
  iban: make.iban,
  swift_bic: make.bic,
  cusip: make.cusip,
  isin: make.isin,
  date_of_birth: make.date,
  email: make.email,
  phone: make.phone,
  ip_address: make.ip,
  secret: make.secret,
  secret_password: make.password,
  person: make.person,
  person_last: (random) => make.person(random).split(' ').at(-1),
  first_name: make.firstName,
  street_address: make.address,
};
const TYPE_OF = { us_ssn_bare: 'us_ssn', secret_password: 'secret', person_last: 'person', first_name: 'person' };

const DECOYS = {
  ticket: (r) => `${r.pick(['CASE', 'INC', 'T'])}-${r.digits(r.int(5, 9))}`,
  amount: (r) => `$${r.int(1, 999)},${r.digits(3)}.${r.digits(2)}`,
  uuid: (r) => [8, 4, 4, 4, 12].map((size) => r.from('0123456789abcdef', size)).join('-'),
  last4: (r) => r.digits(4),
  plaindate: (r) => make.date(r, 2019, 2026),
  company: (r) => r.pick(['Acme Freight LLC', 'Northwind Traders', 'Blue Harbor Holdings', 'Contoso Ltd']),
  invoice: (r) => `INV${r.digits(7)}`,
  order: (r) => String(r.int(1, 9)) + r.digits(r.int(5, 10)),
  qty: (r) => String(r.int(1, 99999)),
  time: (r) => `2026-${r.pick(['01', '07', '11'])}-${r.int(10, 28)}T${r.int(10, 23)}:${r.int(10, 59)}:${r.int(10, 59)}.${r.digits(3)}Z`,
  hash: (r) => r.from('0123456789abcdef', 40),
  tracking: (r) => `1Z${r.from('ABCDEFGHJKLMNPQRSTUVWXYZ0123456789', 16)}`,
  version: (r) => `${r.int(1, 20)}.${r.int(0, 30)}.${r.int(0, 99)}`,
  part: (r) => `${r.digits(3)}-${r.digits(5)}-${r.from('ABCDEF', 2)}`,
};

/** `[{ text, spans: [{ type, start, end }] }]` */
export function heldOut(count = TEXTS, seed = SEED) {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, index) => fill(TEMPLATES[index % TEMPLATES.length], random));
}

function fill(template, random) {
  const spans = [];
  let text = '';
  let at = 0;
  for (const match of template.matchAll(/\{([a-z_]+)\}|<([a-z0-9]+)>/g)) {
    text += template.slice(at, match.index);
    const [, value, decoy] = match;
    const made = value === undefined ? DECOYS[decoy](random) : VALUES[value](random);
    if (value !== undefined) spans.push({ type: TYPE_OF[value] ?? value, start: text.length, end: text.length + made.length });
    text += made;
    at = match.index + match[0].length;
  }
  return { text: text + template.slice(at), spans };
}
