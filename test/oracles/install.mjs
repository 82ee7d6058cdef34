// Brings every judge into the tool cache; the runner starts this as a child, so that the first build goes on beside the first checks.
// Prints one JSON document: path of each judge, or null for one that cannot run here (said loudly; with CI=true a failure).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../support/engines/engine-process.mjs';
import { ORACLE_PACKAGES, pythonWith } from '../support/engines/python.mjs';
import { goTool } from '../support/go-tool.mjs';
import { cacheRoot, ensureDebian, missing, npmProject } from '../support/tools.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const goFolder = join(here, 'go');
const FSCK = { module: 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4', path: join(cacheRoot, 'tessera-fsck-1.0.4', 'fsck') };
const MERKLE = 'github.com/transparency-dev/merkle';

process.stdout.write(
  `${JSON.stringify({
    judge: attempt('the judge over x/mod and transparency-dev', () => goTool('judge', goFolder)),
    witness: attempt('the witness of transparency-dev', () => goTool('witness', goFolder)),
    vectors: attempt('the vectors of transparency-dev/merkle', vectors),
    fsck: attempt('Tessera fsck', fsck),
    python: attempt('fastavro and rfc3161-client', () => pythonWith(ORACLE_PACKAGES) ?? fail('no Python environment')),
    sigstore: attempt('@sigstore/verify', () => npmProject('oracles-sigstore-verify-3.1.1', here)),
    openssl: attempt('openssl', () =>
      ensureDebian(() => findProgram('openssl') !== null, ['openssl']) ? findProgram('openssl') : fail('not installed'),
    ),
  })}\n`,
);

function attempt(what, find) {
  try {
    return find();
  } catch (error) {
    // missing() throws with CI=true: the document still says what there is, and the runner fails by name.
    try {
      missing(what, error.message);
    } catch {
      console.error(error.message);
    }
    return null;
  }
}

/** They are in the module's own test data: read from the module cache, never copied. */
function vectors() {
  const { status, stdout, stderr } = spawnSync('go', ['list', '-m', '-f', '{{.Dir}}', MERKLE], {
    cwd: goFolder,
    encoding: 'utf8',
    env: { ...process.env, GOFLAGS: '-mod=readonly' },
  });
  const directory = join((stdout ?? '').trim(), 'testdata');
  if (status === 0 && stdout.trim() !== '' && existsSync(directory)) return directory;
  // Not in the module cache any more, though the programs were built from it.
  const fetched = spawnSync('go', ['mod', 'download', '-json', MERKLE], { cwd: goFolder, encoding: 'utf8' });
  if (fetched.status !== 0) fail((fetched.stderr || stderr || String(fetched.error)).slice(-300));
  return join(JSON.parse(fetched.stdout).Dir, 'testdata');
}

function fsck() {
  if (existsSync(FSCK.path)) return FSCK.path;
  const bin = join(cacheRoot, `tessera-fsck-build-${process.pid}`);
  mkdirSync(bin, { recursive: true });
  console.error('building Tessera fsck into the tool cache (once, a minute or two)');
  const { status, error } = spawnSync('nice', ['-n', '10', 'go', 'install', FSCK.module], {
    env: { ...process.env, GOBIN: bin },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) fail(`go install failed: ${error?.message ?? status}`);
  mkdirSync(join(FSCK.path, '..'), { recursive: true });
  renameSync(join(bin, 'fsck'), FSCK.path);
  rmSync(bin, { recursive: true, force: true });
  return FSCK.path;
}

function fail(message) {
  throw new Error(message);
}
