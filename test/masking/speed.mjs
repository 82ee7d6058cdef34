// Figures only: MB of ASCII text per second of one core's CPU time.
import { readdirSync, readFileSync } from 'node:fs';
import { presidioSet } from './presidio-set.mjs';

const { createDetector, ENTITY_TYPES, FREE_TEXT_TYPES } = await import('../../dist/libs/detect/src/index.js');

const read = (folder, end) => {
  const base = new URL(`../../${folder}/`, import.meta.url);
  const files = readdirSync(base).filter((name) => name.endsWith(end));
  return files
    .map((name) => readFileSync(new URL(name, base), 'utf8'))
    .join('\n')
    .replace(/[^ -~\s]/g, '');
};
const MONEY = ['us_ssn', 'credit_card', 'us_bank_account', 'iban'];
const FIRST = [...MONEY, 'us_aba_routing', 'email', 'phone', 'secret', 'ip_address'];

export function speed() {
  const texts = {
    prose: read('docs/adr', '.md').repeat(10),
    'program text': read('libs/policy/src', '.ts').repeat(8),
    'dense in values': presidioSet()
      .map(({ text }) => text)
      .join('\n'),
  };
  const sets = {
    'four money types': MONEY,
    'nine types of the first version': FIRST,
    'all types with a form': ENTITY_TYPES.filter((type) => !FREE_TEXT_TYPES.includes(type)),
    'names and addresses too': ENTITY_TYPES,
  };
  const lines = Object.entries(sets).map(([name, types]) => {
    const detector = createDetector(types);
    const rates = Object.values(texts).map((text) => Math.max(...[1, 2, 3, 4].map(() => rate(detector, text))).toFixed(0));
    return `${name.padEnd(34)}${rates.map((each) => each.padStart(16)).join('')}`;
  });
  return [
    `${'MB/s of one core'.padEnd(34)}${Object.keys(texts)
      .map((name) => name.padStart(16))
      .join('')}`,
    ...lines,
  ].join('\n');
}

function rate(detector, text) {
  const begun = process.cpuUsage();
  let bytes = 0;
  for (; bytes < 8_000_000; bytes += text.length) detector.scan(text);
  const { user, system } = process.cpuUsage(begun);
  return bytes / (user + system);
}
