// Apicurio Registry from its Maven artifact: a schema registry that speaks the Confluent API, kept in memory.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot, missing } from '../tools.mjs';
import { startOnFreePort } from './engine-process.mjs';

const VERSION = '2.6.13.Final';
const target = join(cacheRoot, `apicurio-registry-${VERSION}`);

const runs = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Installs it when it is not there yet; false (said loudly) when it cannot run here. */
export function registryInstalled() {
  if (existsSync(join(target, '.installed'))) return true;
  if (!runs('java', ['-version'])) return missing('Apicurio Registry', 'needs java 17 or newer on the PATH') ?? false;
  if (!runs('mvn', ['-version'])) return missing('Apicurio Registry', 'needs mvn on the PATH, to fetch it once') ?? false;
  console.error('installing Apicurio Registry into the tool cache (once)');
  mkdirSync(cacheRoot, { recursive: true });
  const building = mkdtempSync(join(cacheRoot, 'registry-building-'));
  try {
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
    const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
    execFileSync('mvn', ['-q', '-B', '-ntp', plugin, `-Dartifact=${artifact}`, `-DoutputDirectory=${building}`], {
      stdio: ['ignore', 2, 2],
    });
    const archive = readdirSync(building).find((name) => name.endsWith('.tar.gz'));
    if (archive === undefined) throw new Error('maven brought no archive');
    execFileSync('tar', ['xzf', join(building, archive), '-C', building]);
    rmSync(join(building, archive));
    writeFileSync(join(building, '.installed'), '');
    if (existsSync(join(target, '.installed'))) return true;
    renameSync(building, target);
    return true;
  } catch (error) {
    return missing('Apicurio Registry', error instanceof Error ? error.message : String(error)) ?? false;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** An empty registry; `url` is the base of the Confluent API. */
export async function startRegistry() {
  const jar = readdirSync(target).find((name) => name.endsWith('-runner.jar'));
  if (jar === undefined) throw new Error('Apicurio Registry is not installed');
  const ports = { value: 0 };
  const engine = await startOnFreePort({
    name: 'Apicurio Registry',
    cwd: target,
    readyMs: 120_000,
    // The port is part of the environment of the JVM only.
    command: (port) => [
      'env',
      `QUARKUS_HTTP_PORT=${(ports.value = port)}`,
      'QUARKUS_HTTP_HOST=127.0.0.1',
      'REGISTRY_STORAGE_KIND=mem',
      'java',
      '-Xmx384m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-jar',
      jar,
    ],
    ready: async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/apis/ccompat/v7/subjects`, { signal: AbortSignal.timeout(5_000) });
      if (!response.ok) throw new Error(`answered ${response.status}`);
    },
  });
  return {
    url: `http://127.0.0.1:${ports.value}/apis/ccompat/v7`,
    get pid() {
      return engine.pid;
    },
    kill: () => engine.kill(),
    /** After `kill`: empty again, on the same port. */
    start: () => engine.start(),
    signal: (name) => engine.signal(name),
    stop: () => engine.stop(),
  };
}
