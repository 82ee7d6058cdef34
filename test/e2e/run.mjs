// `npm run test:e2e`: the unmodified Claude Agent SDK and the plain SDK through the gateway, in a network namespace that has loopback only.
import '../support/prepare.mjs';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/instance.mjs';
import { missing, npmProject } from '../support/tools.mjs';

let modules = null;
try {
  modules = npmProject('claude-agent-sdk-0.3.328', join(root, 'test/e2e'));
} catch (error) {
  missing('the Claude Agent SDK', error.message);
}

// Without a namespace a client that calls home would not be seen; with CI=true that is a failure.
const probe = spawnSync('unshare', ['-rn', 'sh', '-c', 'ip link set lo up'], { encoding: 'utf8' });
const isolated = probe.status === 0;
if (!isolated) missing('a network namespace (unshare, ip)', (probe.stderr ?? String(probe.error)).trim());

const packets = mkdtempSync(join(tmpdir(), 'affiant-e2e-packets-'));
const inner = [process.execPath, join(root, 'test/e2e/scenario.mjs')];
const command = isolated ? ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...inner] : inner;
const env = {
  AFFIANT_E2E_MODULES: modules !== null && existsSync(modules) ? modules : '',
  AFFIANT_E2E_ISOLATED: isolated ? 'yes' : 'no',
  AFFIANT_E2E_PACKETS: packets,
};

let passed = 0;
let failed = 0;
await count(command);
const made = readdirSync(packets).map((name) => join(packets, name));
if (made.length > 0) await count([process.execPath, join(root, 'test/contract/judges/run.mjs'), ...made]);
rmSync(packets, { recursive: true, force: true });
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ passed, failed })}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

/** Runs a program that ends with `N passed, N failed`, and adds its counts. */
function count([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    let tail = '';
    child.stdout.on('data', (chunk) => {
      process[process.argv.includes('--json') ? 'stderr' : 'stdout'].write(chunk);
      tail = (tail + chunk).slice(-500);
    });
    child.on('close', (code) => {
      const line = /(\d+) passed, (\d+) failed\s*$/.exec(tail);
      passed += Number(line?.[1] ?? 0);
      failed += line === null ? 1 : Number(line[2]);
      if (code !== 0 && line !== null && line[2] === '0') failed += 1;
      resolve();
    });
  });
}
