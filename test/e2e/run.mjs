// `npm run test:e2e`: the unmodified Claude Agent SDK and the plain SDK through the gateway, in a network namespace that has loopback only.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../ops/run/build.mjs';
import { root } from '../support/instance.mjs';
import { missing, npmProject } from '../support/tools.mjs';

build((line) => console.error(line));

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

const inner = [process.execPath, join(root, 'test/e2e/scenario.mjs'), ...process.argv.slice(2)];
const command = isolated ? ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...inner] : inner;
const { status } = spawnSync(command[0], command.slice(1), {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    AFFIANT_E2E_MODULES: modules !== null && existsSync(modules) ? modules : '',
    AFFIANT_E2E_ISOLATED: isolated ? 'yes' : 'no',
  },
});
process.exit(status ?? 1);
