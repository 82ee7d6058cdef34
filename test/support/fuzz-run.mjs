// The fuzzing specs for longer: node test/support/fuzz-run.mjs [--runs N] [--seed S]
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string', default: String(Date.now() % 2 ** 31) } },
});
console.log(`fuzzing: ${values.runs} inputs per parser, seed ${values.seed}`);
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'unit', 'fuzz.unit.spec', '--testTimeout', '86400000'], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_RUNS: values.runs, FUZZ_SEED: values.seed },
});
process.exit(status ?? 1);
