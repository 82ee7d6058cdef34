import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Ends the program with exit code 2 (wrong use or configuration) and plain words. */
export function refuse(message) {
  console.error(`affiant: ${message}`);
  process.exit(2);
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  refuse(`Node ${process.versions.node} is too old. Install Node 20.19 or newer and run the command again.`);
}

/**
 * Installs the locked dependencies once. `scope` is "run" (what the product needs) or "all" (tests too).
 * A marker inside node_modules names the lockfile it was made from, so a second start does not install again.
 */
export function install(scope, log) {
  const marker = join(root, 'node_modules/.affiant-install.json');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const installed = existsSync(marker) ? JSON.parse(readFileSync(marker, 'utf8')) : {};
  if (installed.lock === lock && (installed.scope === 'all' || installed.scope === scope)) return;
  log(
    scope === 'run'
      ? 'installing what the product needs (once; the ledger engine is about 550 MB)'
      : 'installing what the product and its tests need',
  );
  const args = [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(scope === 'run' ? ['--omit=dev'] : ['--include=dev']),
  ];
  const { status, error } = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0)
    refuse(`npm ci failed${error ? ` (${error.message})` : ''}. Check the network and the npm settings, then run the command again.`);
  writeFileSync(marker, `${JSON.stringify({ lock, scope })}\n`);
}
