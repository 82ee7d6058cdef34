import { spawn } from 'node:child_process';
import { findProgram } from './engines/engine-process.mjs';
import { root } from './instance.mjs';

/** In front of a program: the kernel kills it when this process dies, however it dies. Its own engines die with it in the same way. */
const dying = findProgram('setpriv') === null ? [] : ['setpriv', '--pdeathsig', 'KILL'];

/**
 * Runs a program that ends with `N passed, N failed` and shows what it prints (on stderr when this process prints JSON). One that ends without that
 * line, or with a failure it did not count, counts as failed once more.
 */
export function countRun(command, env = {}) {
  const [program, ...args] = [...dying, ...command];
  const shown = process.argv.includes('--json') ? process.stderr : process.stdout;
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    let tail = '';
    child.stdout.on('data', (chunk) => {
      shown.write(chunk);
      tail = (tail + chunk).slice(-4096);
    });
    child.on('error', (error) => console.error(error.message));
    child.on('close', (code) => {
      const line = /(\d+) passed, (\d+) failed\s*$/.exec(tail.trimEnd());
      const figures = /^figures: (\{.*\})$/m.exec(tail);
      const failed = line === null ? 1 : Number(line[2]);
      resolve({
        passed: Number(line?.[1] ?? 0),
        failed: code !== 0 && failed === 0 ? 1 : failed,
        figures: figures === null ? null : JSON.parse(figures[1]),
      });
    });
  });
}
