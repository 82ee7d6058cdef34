// Tessera's fsck over our logs: it derives the root anew from the entry bundles and compares every tile.
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSigner } from './logs.mjs';

/** More workers than a log here has tiles: with fewer it hangs on a damaged full tile. */
const WORKERS = 512;
const LIMIT_MS = 120_000;
const BAD_SIZE = 1_000;

export async function judge({ check, path, logs, directory, figures }) {
  for (const log of [...logs, logs.real]) {
    const begun = performance.now();
    const { accepted, says } = await fsck(path, log.directory, log.vkeyFile);
    const whose = log === logs.real ? 'the log of a real instance' : 'our log';
    check(`fsck accepts ${whose} of ${log.size.toLocaleString('en')} leaves`, accepted, accepted ? '' : says);
    if (log.size === 70_000) figures.fsck_70000_ms = Math.round(performance.now() - begun);
  }
  const log = logs.find(({ size }) => size === BAD_SIZE);
  for (const [what, damage] of Object.entries(DAMAGES)) {
    const bad = join(directory, `bad-${what.replaceAll(' ', '-')}`);
    cpSync(log.directory, bad, { recursive: true });
    const vkeyFile = (await damage(bad, log)) ?? log.vkeyFile;
    const { accepted, says } = await fsck(path, bad, vkeyFile);
    check(`fsck refuses it with ${what}`, accepted === false, accepted === false ? '' : says);
    rmSync(bad, { recursive: true });
  }
}

const DAMAGES = {
  'a bit of an entry flipped': (bad) => flip(join(bad, 'tile/entries/001'), 30),
  'a bit of a partial entry bundle flipped': (bad) => flip(partial(join(bad, 'tile/entries/003.p')), 30),
  'a bit of a full tile flipped': (bad) => flip(join(bad, 'tile/0/002'), 500),
  'a bit of a partial tile flipped': (bad) => flip(partial(join(bad, 'tile/0/003.p')), 40),
  'a bit of an upper tile flipped': (bad) => flip(partial(join(bad, 'tile/1/000.p')), 40),
  'two entries swapped': (bad) => {
    const file = join(bad, 'tile/entries/000');
    const bytes = readFileSync(file);
    const width = 2 + bytes.readUInt16BE(0);
    writeFileSync(file, Buffer.concat([bytes.subarray(width, 2 * width), bytes.subarray(0, width), bytes.subarray(2 * width)]));
  },
  'the last entry cut off': (bad) => {
    const file = partial(join(bad, 'tile/entries/003.p'));
    const bytes = readFileSync(file);
    truncateSync(file, bytes.length - 2 - bytes.readUInt16BE(0));
  },
  'a tile missing': (bad) => rmSync(join(bad, 'tile/0/001')),
  'a bit of the signed root flipped': (bad) =>
    edit(join(bad, 'checkpoint'), (text) => text.replace(/^([^\n]*\n\d+\n)(.)/, (_, head, first) => `${head}${first === 'A' ? 'B' : 'A'}`)),
  'another size in the checkpoint': (bad) => edit(join(bad, 'checkpoint'), (text) => text.replace('\n1000\n', '\n999\n')),
  "another log's key": (bad, log) => {
    const other = `${log.vkeyFile}.other`;
    writeFileSync(other, `${newSigner(log.signer.name).vkey}\n`);
    return other;
  },
};

/** It exits with 0 when it refuses, too: only its words count. Null when it gave no verdict in time. */
function fsck(program, directory, vkeyFile) {
  const args = ['-ui=false', `-N=${WORKERS}`, `-public_key=${vkeyFile}`, `-storage_url=file://${directory}`];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let says = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (says += chunk));
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ accepted: null, says: error.message }));
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      const good = says.includes("Successfully fsck'd log");
      // On a bundle that ends early it panics: no verdict one would wish for, but no acceptance either.
      const bad = /fsck failed|^F\d{4} |^panic: /m.test(says);
      resolve({ accepted: signal !== null || good === bad ? null : good, says: `${code ?? signal}: ${says.slice(-400)}` });
    });
  });
}

const partial = (folder) => join(folder, readdirSync(folder)[0]);

function flip(file, at) {
  const bytes = readFileSync(file);
  bytes[at] ^= 1;
  writeFileSync(file, bytes);
}

function edit(file, change) {
  const text = readFileSync(file, 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`nothing was changed in ${file}`);
  writeFileSync(file, changed);
}
