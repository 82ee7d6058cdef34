import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

/** Whether a process does anything still: one that nobody has waited for yet is dead too. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

it.each(['SIGTERM', 'SIGKILL'] as const)('a suite that is run by another dies with it: %s', async (signal) => {
  const module = pathToFileURL('test/support/count-run.mjs').href;
  const inner = 'console.log(process.pid); setInterval(() => undefined, 1000)';
  const outer = `import(${JSON.stringify(module)}).then(({ countRun }) => countRun([process.execPath, '-e', ${JSON.stringify(inner)}]))`;
  const parent = spawn(process.execPath, ['-e', outer], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(lives(pid)).toBe(true);
  parent.kill(signal);
  await once(parent, 'exit');
  for (const deadline = Date.now() + 60_000; lives(pid) && Date.now() < deadline;) await delay(20);
  expect(lives(pid)).toBe(false);
});
