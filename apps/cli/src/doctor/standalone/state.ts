import { constants } from 'node:fs';
import { access, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalConfig } from '#config';
import { fail, ok, skipped, warn, worst, type Check, type Finding } from '../check.js';

/** Public keys, the ring of them, and checkpoints that are kept. */
const PUBLIC = /\.(vkey|pub|note|ring\.json)$/;

const FREE_LEAST = 1024 ** 3;

/** The state directory: there, ours, private, and on a disk with room for the journal. */
export const stateChecks = (directory: string, journal: JournalConfig): Check[] => [
  { id: 'state.directory', title: 'State directory', run: () => checkDirectory(directory) },
  { id: 'state.keys', title: 'Key files', run: () => checkKeys(join(directory, 'keys')) },
  { id: 'state.disk', title: 'Disk space', run: () => checkDisk(directory, journal.high_water_bytes) },
];

async function checkDirectory(directory: string): Promise<Finding> {
  const found = await stat(directory).catch(() => null);
  if (found === null) return skipped(`${directory} is not there yet; the first start makes it`);
  if (!found.isDirectory()) return fail(`${directory} is not a directory`, 'Name another --state.');
  const writable = await access(directory, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!writable) return fail(`${directory} is not ours to write`, 'Run as its owner, or give it to the user of the service.');
  if ((found.mode & 0o022) !== 0) return fail(`${directory} can be written by others`, `chmod go-w ${directory}`);
  return ok(directory);
}

async function checkKeys(directory: string): Promise<Finding> {
  const names = await readdir(directory).catch(() => null);
  if (names === null) return skipped('none made yet');
  const findings = await Promise.all(
    names.map(async (name): Promise<Finding> => {
      const path = join(directory, name);
      const { mode } = await stat(path);
      // A public key may be read by all.
      if (PUBLIC.test(name)) return ok(name);
      return (mode & 0o077) === 0 ? ok(name) : fail(`${path} can be read by others (${(mode & 0o777).toString(8)})`, `chmod 600 ${path}`);
    }),
  );
  return worst(findings, `${names.length}, private`);
}

async function checkDisk(directory: string, highWaterBytes: number): Promise<Finding> {
  const disk = await statfs(directory).catch(() => null);
  if (disk === null) return skipped('the state directory is not there yet');
  const free = disk.bavail * disk.bsize;
  const told = `${gigabytes(free)} GB free`;
  if (free < FREE_LEAST) return fail(told, 'Make room now: when the disk is full every call is refused.');
  if (free < highWaterBytes)
    return warn(
      `${told}, journal.high_water_bytes is ${gigabytes(highWaterBytes)} GB`,
      'Add disk or lower the mark: the disk would be full before the mark refuses calls in good order.',
    );
  return ok(told);
}

const gigabytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
