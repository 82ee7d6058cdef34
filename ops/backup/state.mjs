// Cold backup of a standalone state directory, and its restore (docs/guide/back-up-and-restore.md).
//   node ops/backup/state.mjs backup  --state DIR --to NEWDIR     the instance must be stopped
//   node ops/backup/state.mjs verify  --from BACKUP
//   node ops/backup/state.mjs restore --from BACKUP --state NEWDIR
// The backup holds the keys of the instance: keep it as secret as the state directory itself.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lockDirectory } from '../../dist/libs/durable/src/index.js';

/** Of one run only; everything else belongs together. */
const LEFT_OUT = new Set(['run.json', 'log']);
const MANIFEST = 'MANIFEST.json';

export async function backup(state, target) {
  // Held until the end: nobody starts the instance while it is copied.
  const lock = await lockDirectory(state, 'standalone');
  if (lock === null) refuse(`${state} is in use. Stop the instance first, or take an atomic snapshot of the volume instead.`);
  try {
    const files = [];
    await mkdir(target, { mode: 0o700 });
    for await (const path of walk(state)) {
      if (LEFT_OUT.has(path.split('/')[0])) continue;
      files.push(await copy(state, path, join(target, 'state', path)));
    }
    const body = { format: 1, made_at: new Date().toISOString(), files };
    // The manifest last and whole: a backup without one was interrupted.
    await writeDurably(join(target, MANIFEST), `${JSON.stringify(body, null, 1)}\n`);
    return { files: files.length, bytes: files.reduce((sum, { bytes = 0 }) => sum + bytes, 0) };
  } finally {
    await lock.release();
  }
}

export async function verify(source) {
  const { files } = JSON.parse(
    await readFile(join(source, MANIFEST), 'utf8').catch(() =>
      refuse(`${source} has no ${MANIFEST}: it is no backup, or was interrupted.`),
    ),
  );
  const expected = new Set(files.map(({ path }) => path));
  for await (const path of walk(join(source, 'state'))) if (!expected.has(path)) refuse(`${path} is not in the manifest.`);
  for (const { path, sha256, link, directory } of files) {
    const at = join(source, 'state', path);
    const look = directory ? readdir(at).then(() => directory) : link === undefined ? digest(at) : readlink(at);
    const found = await look.catch(() => null);
    if (found !== (sha256 ?? link ?? directory)) refuse(`${path} is ${found === null ? 'missing' : 'not what was backed up'}.`);
  }
  return files;
}

export async function restore(source, state) {
  const files = await verify(source);
  if (
    await lstat(state).then(
      () => true,
      () => false,
    )
  )
    refuse(`${state} is there already. Restore into a new directory.`);
  // Beside it first, then in one step: a crash leaves no half state directory that could be started.
  const unfinished = `${state}.restoring`;
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  for (const { path, sha256, mode } of files) {
    const made = await copy(join(source, 'state'), path, join(unfinished, path), mode);
    if (made.sha256 !== sha256) refuse(`${path} changed while it was restored.`);
  }
  await rename(unfinished, state);
  return { files: files.length };
}

/** Every directory too, the empty ones above all: a PostgreSQL does not start without them. A directory comes before what is in it. */
async function* walk(root, directory = root) {
  for (const entry of (await readdir(directory, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() || entry.isFile() || entry.isSymbolicLink()) yield relative(root, path);
    if (entry.isDirectory()) yield* walk(root, path);
  }
}

/** Copies one file, or makes the directory or link anew: the engine names its tables by links inside its own directory. */
async function copy(base, path, to, mode) {
  const from = join(base, path);
  const stat = await lstat(from);
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  if (stat.isDirectory()) {
    await mkdir(to, { recursive: true, mode: 0o700 });
    return { path, directory: true };
  }
  if (stat.isSymbolicLink()) {
    const link = await linkWithin(base, path);
    await symlink(link, to);
    return { path, link };
  }
  const hash = createHash('sha256');
  await pipeline(
    createReadStream(from),
    async function* (chunks) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(to, { flags: 'wx', flush: true }),
  );
  await chmod(to, mode ?? stat.mode & 0o777);
  return { path, bytes: stat.size, mode: stat.mode & 0o777, sha256: hash.digest('hex') };
}

/** Where a link points, relative to it; the whole may then lie elsewhere. A link that leaves the directory is refused. */
async function linkWithin(base, path) {
  const at = dirname(join(base, path));
  const target = resolve(at, await readlink(join(base, path)));
  if (target !== base && !target.startsWith(`${base}/`)) refuse(`${path} points out of the state directory.`);
  return relative(at, target);
}

async function digest(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function writeDurably(path, text) {
  await writeFile(path, text, { mode: 0o400, flush: true });
  const directory = await open(dirname(path));
  await directory.sync();
  await directory.close();
}

function refuse(reason) {
  console.error(`backup: ${reason}`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { state: { type: 'string' }, to: { type: 'string' }, from: { type: 'string' } },
  });
  const need = (name) => resolve(values[name] ?? refuse(`${positionals[0]} needs --${name}`));
  const commands = {
    backup: async () => backup(need('state'), need('to')),
    verify: async () => ({ files: (await verify(need('from'))).length }),
    restore: async () => restore(need('from'), need('state')),
  };
  const command = commands[positionals[0]] ?? refuse('say backup, verify or restore (see the first lines of this file)');
  console.log(JSON.stringify(await command()));
}
