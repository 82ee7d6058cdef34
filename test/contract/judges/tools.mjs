import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERAPDF = '1.30.2';

/** Tools that only judges need live outside the tree and are fetched once. */
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'affiant-tools');

export const run = (command, args, options = {}) =>
  spawnSync(command, args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, ...options });

export const has = (command) => run('sh', ['-c', `command -v ${command}`]).status === 0;

/** Path of veraPDF's jar, fetched through Maven when it is not there yet; null with the reason when it cannot be had. */
export function findVeraPdf() {
  if (!has('java')) return { path: null, reason: 'java is not installed' };
  const directory = join(cache, `verapdf-${VERAPDF}`);
  const jar = () => (existsSync(directory) ? readdirSync(directory).find((name) => name.endsWith('.jar')) : undefined);
  if (jar() === undefined) {
    if (!has('mvn')) return { path: null, reason: 'Maven is not installed, so veraPDF cannot be fetched' };
    mkdirSync(directory, { recursive: true });
    const answer = run('mvn', [
      '-q',
      '-B',
      'dependency:copy',
      `-Dartifact=org.verapdf.apps:cli:${VERAPDF}`,
      `-DoutputDirectory=${directory}`,
    ]);
    if (answer.status !== 0 || jar() === undefined)
      return { path: null, reason: `Maven could not fetch veraPDF: ${(answer.stdout + answer.stderr).trim().slice(0, 300)}` };
  }
  return { path: join(directory, jar()), reason: '' };
}
