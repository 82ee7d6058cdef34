// What only tests need is installed into a cache outside the tree, once, and reused.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const cacheRoot = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'affiant-tools');

/** With CI=true a missing tool is a failure; elsewhere it is named loudly. */
export function missing(what, why) {
  const line = `MISSING: ${what}: ${why}`;
  if (process.env.CI === 'true') throw new Error(line);
  console.error(`\n!!! ${line}\n`);
}

/** Installs an npm project (a folder with package.json and package-lock.json) into the cache; returns its node_modules. */
export function npmProject(name, folder) {
  const target = join(cacheRoot, name);
  const done = join(target, '.installed');
  if (!existsSync(done)) {
    mkdirSync(target, { recursive: true });
    for (const file of ['package.json', 'package-lock.json', '.npmrc'])
      if (existsSync(join(folder, file))) cpSync(join(folder, file), join(target, file));
    console.error(`installing ${name} into the tool cache (once)`);
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: target,
      // To stderr: the output of whoever asks may be read by a program.
      stdio: ['ignore', 2, 2],
    });
    if (status !== 0) throw new Error(`npm ci of ${name} failed`);
    writeFileSync(done, '');
  }
  return join(target, 'node_modules');
}

/**
 * True when `present()` says so; where we may (root, with apt-get) the Debian packages are installed on the way. Their services are not started:
 * tests start what they need themselves, on ports of their own.
 * @param {() => boolean} present
 * @param {string[]} packages
 */
export function ensureDebian(present, packages) {
  if (present()) return true;
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) return false;
  console.error(`installing ${packages.join(' ')} (once)`);
  // Several test files may ask at once: dpkg's lock is waited for. RUNLEVEL keeps init scripts from starting anything.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
  spawnSync('apt-get', [...wait, 'update'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  spawnSync('apt-get', [...wait, 'install', '-y', '--no-install-recommends', ...packages], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  return present();
}
