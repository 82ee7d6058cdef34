import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync, utimesSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { refuse, root } from './install.mjs';

const STAMP = join(root, 'dist/.built');

/** Compiles apps/ and libs/ into dist/ with one tsc run, unless dist is newer than every source. */
export function build(log) {
  const newest = Math.max(
    ...['apps', 'libs', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((path) => newestMtime(join(root, path))),
  );
  if (existsSync(STAMP) && statSync(STAMP).mtimeMs >= newest) return;
  log('building');
  const startedAt = new Date();
  // Without its build info tsc would not write again what was deleted from dist by hand.
  if (!existsSync(STAMP)) rmSync(join(root, 'dist/.tsbuildinfo'), { force: true });
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) refuse('the build failed; see the messages above.');
  writeFileSync(STAMP, '');
  utimesSync(STAMP, startedAt, startedAt);
}

function newestMtime(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules' && (entry.isDirectory() || entry.name.endsWith('.ts')))
    .map((entry) => newestMtime(join(path, entry.name)));
  return Math.max(0, ...inside);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build((line) => console.error(`affiant: ${line}`));
