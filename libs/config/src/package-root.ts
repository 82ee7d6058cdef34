import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the folder that holds package.json, both from `libs/` (tests) and from `dist/` (built). */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** Version and build of the running program, written into every event. */
export const packageVersion: string = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

function findRoot(from: string): string {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) && existsSync(join(at, 'schemas'))) return at;
    if (dirname(at) === at) throw new Error(`no package root above ${from}`);
  }
}
