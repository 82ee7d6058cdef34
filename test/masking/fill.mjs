// Fills templates: `{type}` is replaced by a value of the type and counts, `<decoy>` by something that only looks like one; other `<names>` stay.
import { seeded } from './random.mjs';
import * as make from './values.mjs';

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
  phone_national: make.nationalPhone,
  ip_address: make.ip,
  secret: make.secret,
  secret_password: make.password,
  person: make.person,
  person_last: (random) => make.person(random).split(' ').at(-1),
  first_name: make.firstName,
  street_address: make.address,
};
const TYPE_OF = { us_ssn_bare: 'us_ssn', phone_national: 'phone', secret_password: 'secret', person_last: 'person', first_name: 'person' };

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
  count: (r) => `${r.int(1, 99)} ${r.digits(3)} ${r.digits(3)}`,
  span: (r) => `${r.int(2001, 2012)}-${r.int(2013, 2026)}`,
  sku: (r) => `${r.from('ABCDEFGHJKLMNPQRSTUVWXYZ', 3)}-${r.digits(4)}-${r.digits(4)}`,
  coordinates: (r) => `${r.int(20, 60)}.${r.digits(6)}, -${r.int(70, 120)}.${r.digits(6)}`,
  three: (r) => r.digits(3),
  nine: (r) => r.digits(3) + r.from('ABCDEFGHJKLMNPQRSTUVWXYZ0123456789', 6),
  part: (r) => `${r.digits(3)}-${r.digits(5)}-${r.from('ABCDEF', 2)}`,
};

/** `[{ text, spans: [{ type, start, end }] }]` */
export function filled(templates, count, seed) {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, index) => fill(templates[index % templates.length], random));
}

function fill(template, random) {
  const spans = [];
  let text = '';
  let at = 0;
  for (const match of template.matchAll(/\{([a-z_]+)\}|<([a-z0-9]+)>/g)) {
    text += template.slice(at, match.index);
    const [, value, decoy] = match;
    const made = value === undefined ? (DECOYS[decoy]?.(random) ?? match[0]) : VALUES[value](random);
    if (value !== undefined) spans.push({ type: TYPE_OF[value] ?? value, start: text.length, end: text.length + made.length });
    text += made;
    at = match.index + match[0].length;
  }
  return { text: text + template.slice(at), spans };
}
