// `npm run test:tamper [-- --quick] [-- --json]`: damages logs, ledgers and packets in every way we know, and asserts that each damage is found
// and named, by both verifiers; and that untouched ones raise no alarm. Ends with `N passed, N failed`.
import '../support/prepare.mjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const quick = process.argv.includes('--quick');
const json = process.argv.includes('--json');
const only = process.argv.filter((arg) => /^--(script|logs|stamps|ledger|packet|page)$/.test(arg)).map((arg) => arg.slice(2));
const startedAt = Date.now();
const results = [];
const say = (line) => (json ? console.error : console.log)(line);
const check = (name, ok, detail = '') => {
  results.push({ name, ok, detail });
  say(`${ok ? 'ok  ' : 'FAIL'} ${name}${ok || detail === '' ? '' : `: ${detail}`} (${((Date.now() - startedAt) / 1000).toFixed(0)} s)`);
};
const directory = mkdtempSync(join(tmpdir(), 'affiant-tamper-'));

/** A part that throws is a failure of that part, and the others still run. */
async function part(name, work) {
  if (only.length > 0 && !only.includes(name)) return;
  try {
    await work();
  } catch (error) {
    check(name, false, error.stack ?? String(error));
  }
}

try {
  await part('script', async () => {
    const { script } = await import('./script.mjs');
    await script(directory, check, { quick });
  });
  await part('logs', async () => {
    const { damaged, untouched } = await import('./logs.mjs');
    await untouched(directory, quick ? 100 : 1000, check, say);
    await damaged(directory, check, { quick });
  });
  await part('stamps', async () => {
    const { stamps } = await import('./stamps.mjs');
    await stamps(directory, check, { quick });
  });
  await part('packet', async () => {
    const { packets } = await import('./packets.mjs');
    await packets(directory, check, { quick });
  });
  await part('ledger', async () => {
    const { ledger } = await import('./ledger.mjs');
    await ledger(directory, check, { quick });
  });
  // Only in the whole run: a browser is too heavy for every `npm test`.
  if (!quick || only.includes('page'))
    await part('page', async () => {
      const { page } = await import('./page.mjs');
      await page(directory, check);
    });
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const failed = results.filter(({ ok }) => !ok).length;
const passed = results.length - failed;
if (json) process.stdout.write(`${JSON.stringify({ passed, failed, results })}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
