// Go programs of a module here (test/support/go by default), built once per content of their folder into the tool cache.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot, missing } from './tools.mjs';

const OURS = fileURLToPath(new URL('./go', import.meta.url));
const BUILD_MS = 540_000;

/** Path of the built program; null, said loudly, when it cannot be built here (with CI=true: throws). */
export function goTool(name, folder = OURS) {
  const digest = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', ...readdirSync(join(folder, name)).map((entry) => join(name, entry))])
    digest.update(readFileSync(join(folder, file)));
  const target = join(cacheRoot, 'go', `${name}-${digest.digest('hex').slice(0, 16)}`);
  if (existsSync(target)) return target;
  mkdirSync(join(cacheRoot, 'go'), { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  console.error(`building ${name} into the tool cache (once)`);
  const { status, error, stderr } = spawnSync('nice', ['-n', '10', 'go', 'build', '-trimpath', '-o', unfinished, `./${name}`], {
    cwd: folder,
    encoding: 'utf8',
    timeout: BUILD_MS,
    env: { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false', CGO_ENABLED: '0' },
  });
  if (status !== 0) {
    missing(name, `go build failed: ${(error?.message ?? stderr).slice(-500)}`);
    return null;
  }
  renameSync(unfinished, target);
  return target;
}
