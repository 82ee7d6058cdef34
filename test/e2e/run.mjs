// `npm run test:e2e`: the unmodified agent SDKs of both vendors and their plain SDKs through the gateway, in a network namespace that has loopback only.
import '../support/prepare.mjs';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checker } from '../support/checker.mjs';
import { countRun } from '../support/count-run.mjs';
import { root } from '../support/instance.mjs';
import { missing, npmProject } from '../support/tools.mjs';

/** The installed modules of a project; null when that failed. */
function installed(what, name, folder) {
  try {
    return npmProject(name, join(root, folder));
  } catch (error) {
    missing(what, error.message);
    return null;
  }
}
const modules = installed('the Claude Agent SDK', 'claude-agent-sdk-0.3.328', 'test/e2e');
const openaiModules = installed('the OpenAI SDKs', 'openai-agents-0.20.0', 'test/e2e/openai');

// Without a namespace a client that calls home would not be seen; with CI=true that is a failure.
const probe = spawnSync('unshare', ['-rn', 'sh', '-c', 'ip link set lo up'], { encoding: 'utf8' });
const isolated = probe.status === 0;
if (!isolated) missing('a network namespace (unshare, ip)', (probe.stderr ?? String(probe.error)).trim());

const packets = mkdtempSync(join(tmpdir(), 'affiant-e2e-packets-'));
const inner = [process.execPath, join(root, 'test/e2e/scenario.mjs')];
const command = isolated ? ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...inner] : inner;
const env = {
  AFFIANT_E2E_MODULES: modules !== null && existsSync(modules) ? modules : '',
  AFFIANT_E2E_OPENAI_MODULES: openaiModules !== null && existsSync(openaiModules) ? openaiModules : '',
  AFFIANT_E2E_ISOLATED: isolated ? 'yes' : 'no',
  AFFIANT_E2E_PACKETS: packets,
};

const { add, finish } = checker();
add(await countRun(command, env));
add(await countRun([process.execPath, join(root, 'test/e2e/erase.mjs')], env));
add(await countRun([process.execPath, join(root, 'test/e2e/unseal.mjs')], env));
const made = readdirSync(packets).map((name) => join(packets, name));
if (made.length > 0) add(await countRun([process.execPath, join(root, 'test/contract/judges/run.mjs'), ...made], env));
rmSync(packets, { recursive: true, force: true });
finish({ packets: made.length });
