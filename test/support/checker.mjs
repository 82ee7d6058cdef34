// Counts named checks and closes with the line that every runner here ends with.
export function checker(asJson = process.argv.includes('--json')) {
  const say = (line) => console[asJson ? 'error' : 'log'](line);
  let passed = 0;
  let failed = 0;
  return {
    say,
    check(name, ok, detail = '') {
      if (ok) passed += 1;
      else failed += 1;
      say(`${ok ? 'ok    ' : 'FAILED'} ${name}${detail === '' ? '' : `: ${detail}`}`);
    },
    /** The counts of another runner, see count-run.mjs. */
    add(counts) {
      passed += counts.passed;
      failed += counts.failed;
    },
    finish(figures) {
      if (asJson) process.stdout.write(`${JSON.stringify({ ...figures, passed, failed })}\n`);
      else say(`figures: ${JSON.stringify(figures)}`);
      console.log(`${passed} passed, ${failed} failed`);
      process.exit(failed === 0 && passed > 0 ? 0 : 1);
    },
  };
}
