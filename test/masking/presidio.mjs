// Presidio's pattern recognisers on the same texts, in an environment of their own; figures only, nothing passes or fails by them.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pythonWith } from '../support/engines/python.mjs';

const TYPE_OF = {
  CREDIT_CARD: 'credit_card',
  US_SSN: 'us_ssn',
  US_ITIN: 'us_itin',
  US_BANK_NUMBER: 'us_bank_account',
  ABA_ROUTING_NUMBER: 'us_aba_routing',
  IBAN_CODE: 'iban',
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  IP_ADDRESS: 'ip_address',
  DATE_TIME: 'date_of_birth',
};
export const PRESIDIO_TYPES = [...new Set(Object.values(TYPE_OF))].filter((type) => type !== 'date_of_birth');

/** Spans per text; null when it cannot be installed here, which is said. */
export function presidio(texts) {
  const python = pythonWith(['presidio-analyzer==2.2.366']);
  if (python === null) {
    console.log('note Presidio cannot be installed here: its columns stay empty');
    return null;
  }
  const run = spawnSync(python, [fileURLToPath(new URL('presidio.py', import.meta.url))], {
    input: texts.map(({ text }) => `${JSON.stringify(text)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    timeout: 300_000,
  });
  const lines = (run.stdout ?? '').split('\n').slice(0, -1);
  if (run.status !== 0 || lines.length !== texts.length) {
    console.log(`note Presidio did not run: ${(run.stderr || String(run.error)).trim().slice(-300)}`);
    return null;
  }
  return lines.map((line) =>
    JSON.parse(line)
      .filter(([type]) => type in TYPE_OF)
      .map(([type, start, end]) => ({ type: TYPE_OF[type], start, end })),
  );
}
