// Values of each type for the held-out set, made from the standards that define them and from nothing in libs/detect.
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ALNUM = `${UPPER}0123456789`;
const TOKEN = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function luhnDigit(body) {
  let sum = 0;
  [...body].reverse().forEach((digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return String((10 - (sum % 10)) % 10);
}

const withLuhn = (body) => body + luhnDigit(body);

export function card(random) {
  const [prefix, length, groups] = random.pick([
    ['4', 16, [4, 4, 4, 4]],
    ['4', 16, [4, 4, 4, 4]],
    ['51', 16, [4, 4, 4, 4]],
    ['55', 16, [4, 4, 4, 4]],
    ['2221', 16, [4, 4, 4, 4]],
    ['2720', 16, [4, 4, 4, 4]],
    ['34', 15, [4, 6, 5]],
    ['37', 15, [4, 6, 5]],
    ['6011', 16, [4, 4, 4, 4]],
    ['65', 16, [4, 4, 4, 4]],
    ['36', 14, [4, 6, 4]],
    ['3530', 16, [4, 4, 4, 4]],
    ['62', 19, null],
    ['4', 13, null],
    ['5018', 12, null],
  ]);
  const number = withLuhn(prefix + random.digits(length - prefix.length - 1));
  if (groups === null || random.next() < 0.4) return number;
  const sign = random.pick([' ', '-']);
  let at = 0;
  return groups.map((size) => number.slice(at, (at += size))).join(sign);
}

export function ssn(random) {
  const area = random.int(1, 898);
  const head = String(area === 666 ? 667 : area).padStart(3, '0');
  return [head, String(random.int(1, 99)).padStart(2, '0'), String(random.int(1, 9999)).padStart(4, '0')].join('-');
}

export const bareSsn = (random) => ssn(random).replaceAll('-', '');

export function itin(random) {
  const group = random.pick([random.int(50, 65), random.int(70, 88), random.int(90, 92), random.int(94, 99)]);
  return `9${random.digits(2)}-${group}-${random.digits(4)}`;
}

export function ein(random) {
  return `${random.pick(['01', '12', '20', '26', '35', '46', '52', '68', '77', '81', '93', '98'])}-${random.digits(7)}`;
}

export function routing(random) {
  const body = `${random.pick(['01', '02', '03', '06', '09', '11', '12', '21', '26', '31', '32'])}${random.digits(6)}`;
  const weights = [3, 7, 1, 3, 7, 1, 3, 7];
  const sum = [...body].reduce((total, digit, index) => total + Number(digit) * weights[index], 0);
  return body + String((10 - (sum % 10)) % 10);
}

export const account = (random) => String(random.int(1, 9)) + random.digits(random.int(7, 13));

export function iban(random) {
  const [country, body] = random.pick([
    ['DE', random.digits(18)],
    ['FR', random.digits(23)],
    ['GB', random.from(UPPER, 4) + random.digits(14)],
    ['NL', random.from(UPPER, 4) + random.digits(10)],
    ['ES', random.digits(20)],
    ['CH', random.digits(17)],
    ['NO', random.digits(11)],
    ['IE', random.from(UPPER, 4) + random.digits(14)],
  ]);
  const number = [...`${body}${country}00`].map((sign) => parseInt(sign, 36)).join('');
  const check = String(98 - Number(BigInt(number) % 97n)).padStart(2, '0');
  const whole = country + check + body;
  return random.next() < 0.5 ? whole : whole.replace(/(.{4})(?=.)/g, '$1 ');
}

export function bic(random) {
  const country = random.pick(['DE', 'US', 'GB', 'FR', 'CH', 'NL', 'JP', 'SG']);
  return random.from(UPPER, 4) + country + random.from(ALNUM, 2) + (random.next() < 0.5 ? '' : random.from(ALNUM, 3));
}

export function cusip(random) {
  const body = random.digits(3) + random.from(ALNUM, 3) + random.from('0123456789', 2);
  const sum = [...body].reduce((total, sign, index) => {
    const value = parseInt(sign, 36) * (index % 2 === 0 ? 1 : 2);
    return total + Math.floor(value / 10) + (value % 10);
  }, 0);
  return body + String((10 - (sum % 10)) % 10);
}

export function isin(random) {
  const [country, body] = random.pick([
    ['US', cusip(random)],
    ['DE', `000${random.from(ALNUM, 5)}${random.digits(1)}`],
    ['GB', `00${random.from('BCDFGHJKLMNPQRSTVWXYZ0123456789', 6)}${random.digits(1)}`],
    ['FR', random.digits(9)],
    ['XS', random.digits(9)],
  ]);
  return country + body + luhnDigit([...(country + body)].map((sign) => parseInt(sign, 36)).join(''));
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

export function date(random, from = 1940, to = 2005) {
  const [year, month, day] = [random.int(from, to), random.int(1, 12), random.int(1, 28)];
  const two = (number) => String(number).padStart(2, '0');
  return random.pick([
    `${year}-${two(month)}-${two(day)}`,
    `${two(month)}/${two(day)}/${year}`,
    `${month}/${day}/${year}`,
    `${MONTHS[month - 1]} ${day}, ${year}`,
    `${day} ${MONTHS[month - 1]} ${year}`,
    `${day} ${MONTHS[month - 1].slice(0, 3)} ${year}`,
  ]);
}

const FIRST = ['Maria', 'James', 'Aisha', 'Wei', 'Robert', 'Linda', 'Tomasz', 'Keisha', 'Diego', 'Ngozi', 'Susan', 'Rajesh', 'Emily', 'Oluwaseun', 'Carlos', 'Ingrid', 'Michael', 'Yuki', 'Patricia', 'Sven']; // prettier-ignore
const LAST = ['Johnson', 'Okafor', 'Nguyen', 'Garcia', 'Kowalski', 'Smith', 'Patel', 'Brown', 'Lindqvist', 'Martinez', "O'Brien", 'Washington', 'Tanaka', 'Haddad', 'Miller', 'Adeyemi']; // prettier-ignore
export const firstName = (random) => random.pick(FIRST);
export const person = (random) => `${random.pick(FIRST)} ${random.next() < 0.15 ? `${random.pick([...UPPER])}. ` : ''}${random.pick(LAST)}`;

export function email(random) {
  const name = `${random.pick(FIRST)}${random.pick(['.', '_', '', '-'])}${random.pick(LAST).replace("'", '')}`.toLowerCase();
  const domain = random.pick(['example.com', 'mail.example.org', 'bank-example.net', 'example.co.uk', 'firstnational.example.com']);
  return `${name}${random.next() < 0.3 ? random.int(1, 99) : ''}${random.next() < 0.1 ? '+alerts' : ''}@${domain}`;
}

export function phone(random) {
  const area = String(random.int(201, 989));
  const rest = [String(random.int(200, 999)), random.digits(4)];
  return random.pick([
    `(${area}) ${rest.join('-')}`,
    `${area}-${rest.join('-')}`,
    `${area}.${rest.join('.')}`,
    `+1 ${area} ${rest.join(' ')}`,
    `+1-${area}-${rest.join('-')}`,
    `+44 20 ${random.digits(4)} ${random.digits(4)}`,
    `+49 30 ${random.digits(7)}`,
  ]);
}

/** As people of a country write their numbers to each other, without the country's code. */
export function nationalPhone(random) {
  return random.pick([
    `0${random.int(20, 29)} ${random.digits(4)} ${random.digits(4)}`,
    `07${random.digits(3)} ${random.digits(6)}`,
    `06 ${random.digits(2)} ${random.digits(2)} ${random.digits(2)} ${random.digits(2)}`,
    `${random.pick(['6', '7'])}${random.digits(2)} ${random.digits(3)} ${random.digits(3)}`,
    `0${random.int(3, 9)}0/${random.digits(7)}`,
    `${random.int(20, 89)} ${random.digits(2)} ${random.digits(2)} ${random.digits(2)}`,
    `${random.int(200, 999)}-${random.digits(4)}`,
    `${random.int(201, 989)}${random.int(200, 999)}${random.digits(4)}`,
  ]);
}

export const ip = (random) =>
  random.next() < 0.8
    ? [random.int(1, 223), random.int(0, 255), random.int(0, 255), random.int(1, 254)].join('.')
    : `2001:db8:${random.from('123456789abcdef', 3)}::${random.from('0123456789abcdef', 1)}1:${random.int(1, 9999)}`;

export const cvv = (random) => random.digits(random.next() < 0.8 ? 3 : 4);

export function secret(random) {
  return random.pick([
    `AKIA${random.from(`${UPPER}234567`, 16)}`,
    `ghp_${random.from(TOKEN, 36)}`,
    `sk_live_${random.from(TOKEN, 24)}`,
    `xoxb-${random.digits(12)}-${random.from(TOKEN, 24)}`,
    `glpat-${random.from(TOKEN, 20)}`,
    `sk-ant-api03-${random.from(TOKEN, 40)}`,
    `AIza${random.from(TOKEN, 35)}`,
  ]);
}

export const password = (random) => random.from(TOKEN, 8) + random.pick(['!', '#', '%', '?']) + random.digits(2) + random.from(TOKEN, 3);

export function address(random) {
  const street = `${random.int(1, 9999)} ${random.pick(['', '', 'N ', 'West '])}${random.pick(['Oak', 'Maple', 'Lakeview', 'Martin Luther King', 'Second', 'Elm', 'Sunset', 'Harbor'])} ${random.pick(['Street', 'St', 'Ave', 'Avenue', 'Road', 'Blvd', 'Lane', 'Drive', 'Court'])}`;
  const unit =
    random.next() < 0.3 ? random.pick([`, Apt ${random.int(1, 40)}`, ` #${random.int(1, 99)}`, `, Suite ${random.int(100, 900)}`]) : '';
  const city = random.pick(['Columbus, OH', 'San Jose, CA', 'Boise, ID', 'Newark, NJ', 'Austin, TX', 'Salt Lake City, UT']);
  return random.next() < 0.7 ? `${street}${unit}, ${city} ${random.digits(5)}` : `${street}${unit}`;
}
