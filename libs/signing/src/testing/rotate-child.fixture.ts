/** Rotates or retires in a process that kills itself before its n-th change of a name in the file system (what is written before that is a temporary file nobody looks for): directory, name, action, n. Prints `done` when it got to the end. */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { retireKey, rotateKey } from '../index.js';

const [directory = '', name = '', action = '', dieBefore = '0', ...signedBy] = process.argv.slice(2);
let steps = 0;
const step = (): void => {
  steps += 1;
  if (steps === Number(dieBefore)) process.kill(process.pid, 'SIGKILL');
};
for (const call of ['rename', 'link', 'rm'] as const) {
  const real = fs[call] as (...args: unknown[]) => Promise<unknown>;
  (fs as unknown as Record<string, unknown>)[call] = async (...args: unknown[]) => {
    step();
    return real(...args);
  };
}
syncBuiltinESMExports();
const now = new Date('2026-11-25T00:00:00Z');
if (action === 'retire') await retireKey({ directory, name, now, last: { note: 'the last note\n', signedBy } });
else await rotateKey({ spec: { kind: 'file' }, directory, name, now, reason: 'overlap', overlapMs: 0 });
process.stdout.write('done');
