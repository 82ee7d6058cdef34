// `npm run test:oracles`: independent implementations judge what our code writes, good and bad. `--json` prints one JSON document.
// Ends with `N passed, N failed`. A judge that is missing is named loudly; with CI=true that is a failure.
import '../support/prepare.mjs';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checker } from '../support/checker.mjs';
import { hasTsa, startTsa } from '../support/engines/tsa.mjs';

const startedAt = performance.now();
const { check, say, add, finish } = checker();
const installing = install();

// These need a built dist, which prepare.mjs has made by now.
const { realLog, SIZES, writeLog } = await import('./logs.mjs');
const directory = mkdtempSync(join(tmpdir(), 'affiant-oracles-'));
const figures = {};
const stopping = [];
try {
  const writing = performance.now();
  const logs = [];
  for (const size of SIZES) logs.push(await writeLog(join(directory, `log-${size}`), size));
  figures.logs_ms = Math.round(performance.now() - writing);
  const running = performance.now();
  const { runInstance } = await import('./instance.mjs');
  const tsa = hasTsa() ? await startTsa({ name: 'Oracle Authority' }) : null;
  stopping.push(() => tsa?.stop());
  const instance = await runInstance(directory, tsa);
  logs.real = await realLog(instance.state);
  figures.instance_ms = Math.round(performance.now() - running);
  const judges = await installing;
  figures.ready_ms = Math.round(performance.now() - startedAt);

  const parts = [
    ['Tessera fsck', judges.fsck, './fsck.mjs'],
    ['x/mod and transparency-dev', judges.judge, './judge.mjs'],
    ['the vectors of transparency-dev/merkle', judges.vectors, './vectors.mjs'],
    ['the witness of transparency-dev', judges.witness, './witness.mjs'],
    ['@sigstore/verify', judges.sigstore, './sigstore.mjs'],
    ['fastavro', judges.python, './avro.mjs'],
    ['openssl ts and rfc3161-client', instance.tsa === null ? null : 'both', './stamps.mjs'],
    ['veraPDF, qpdf and poppler', 'named by themselves when missing', './packets.mjs'],
  ];
  for (const [name, path, file] of parts) {
    if (path === null) {
      check(`${name} can run here`, process.env.CI !== 'true', 'MISSING: it judged nothing; see the lines above');
      continue;
    }
    const begun = performance.now();
    say(`--- ${name}`);
    const { judge } = await import(file);
    await judge({ check, say, add, path, judges, logs, instance, directory, figures }).catch((error) =>
      check(`${name} ran to its end`, false, error.stack),
    );
    figures[`${file.slice(2, -4)}_ms`] = Math.round(performance.now() - begun);
  }
} finally {
  for (const stop of stopping) await stop();
  rmSync(directory, { recursive: true, force: true });
}
figures.total_ms = Math.round(performance.now() - startedAt);
finish(figures);

function install() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./install.mjs', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  process.once('exit', () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(output)) : reject(new Error(`installing the judges ended with ${code}`)),
    );
  });
}
