// `npm test`: everything that must hold, on a fresh clone. Ends with `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from './build.mjs';
import { checkNode, install, root } from './install.mjs';

const startedAt = Date.now();
const log = (line) => console.log(`\n== ${line} (${((Date.now() - startedAt) / 1000).toFixed(0)} s)`);

checkNode();
install('all', log);
build(log);

const reports = mkdtempSync(join(tmpdir(), 'affiant-test-'));
const node = process.execPath;
const bin = (name) => join(root, 'node_modules/.bin', name);
const only = process.argv.slice(2);

const steps = [
  { name: 'types', run: [node, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit'] },
  { name: 'lint', run: [bin('oxlint'), '--deny-warnings', 'apps', 'libs', 'test', 'ops'] },
  { name: 'format', run: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'layers', run: [bin('depcruise'), '--config', '.dependency-cruiser.cjs', 'apps', 'libs'] },
  { name: 'unit', vitest: 'unit' },
  { name: 'int', vitest: 'int' },
  { name: 'masking', run: [node, 'test/masking/run.mjs', '--quick'], counts: true },
  { name: 'oracles', run: [node, 'test/oracles/run.mjs'], counts: true },
  { name: 'e2e', run: [node, 'test/e2e/run.mjs'], counts: true },
  { name: 'distributed', run: [node, 'test/distributed/run.mjs', '--quick'], counts: true },
  { name: 'tamper', run: [node, 'test/tamper/run.mjs', '--quick'], counts: true },
  { name: 'crash', run: [node, 'test/crash/run.mjs', '--rounds', '8'], counts: true },
];

let passed = 0;
let failed = 0;
/** Told once more at the end, where it is read: of a long output often only the end is kept. */
const failures = [];
for (const step of steps) {
  if (only.length > 0 && !only.includes(step.name)) continue;
  log(step.name);
  const result = step.vitest === undefined ? await plain(step) : await vitest(step);
  passed += result.passed;
  failed += result.failed;
  if (result.failed > 0) failures.push(`${step.name}:`, ...result.why.map((line) => `  ${line.slice(0, 500)}`));
  console.log(`-- ${step.name}: ${result.passed} passed, ${result.failed} failed`);
}
rmSync(reports, { recursive: true, force: true });
log('all steps done');
if (failures.length > 0) console.log(['what failed:', ...failures.slice(0, 200), ''].join('\n'));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function plain({ run, counts }) {
  const { code, tail, marked } = await execute(run);
  const end = tail.trimEnd().split('\n').slice(-20);
  if (!counts) return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, why: end };
  const line = /(\d+) passed, (\d+) failed\s*$/.exec(tail.trimEnd());
  if (line === null) return { passed: 0, failed: 1, why: [...marked, `ended with ${code} and without a count`, ...end] };
  const counted = { passed: Number(line[1]), failed: Number(line[2]), why: marked };
  return code === 0 || counted.failed > 0 ? counted : { ...counted, failed: 1, why: [`ended with ${code}`, ...end] };
}

async function vitest({ name, vitest: project }) {
  const file = join(reports, `${name}.json`);
  const { code, tail } = await execute([
    node,
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  const end = tail.trimEnd().split('\n').slice(-30);
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    // A file that does not load counts as failed too, not only its tests.
    const broken = report.testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0);
    const why = [
      ...broken.flatMap((suite) => [suite.name, ...linesOf(suite.message)]),
      ...report.testResults.flatMap((suite) =>
        suite.assertionResults
          .filter((test) => test.status === 'failed')
          .flatMap((test) => [`${relative(root, suite.name)} > ${test.fullName}`, ...linesOf(test.failureMessages.join('\n'))]),
      ),
    ];
    const count = report.numFailedTests + broken.length;
    return code === 0 && count === 0
      ? { passed: report.numPassedTests, failed: 0 }
      : { passed: report.numPassedTests, failed: Math.max(1, count), why: why.length > 0 ? why : [`ended with ${code}`, ...end] };
  } catch {
    return { passed: 0, failed: 1, why: [`ended with ${code} and without a report`, ...end] };
  }
}

function linesOf(message) {
  return String(message ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes('/node_modules/'))
    .slice(0, 12)
    .map((line) => `  ${line}`);
}

function execute([command, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NO_COLOR: '1' } });
    let tail = '';
    const marked = [];
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk).slice(-4096);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (/^FAIL(ED)?\s/.test(line) && marked.length < 50) marked.push(line);
    });
    child.on('error', (error) => console.error(error.message));
    child.on('close', (code) => resolve({ code, tail, marked }));
  });
}
