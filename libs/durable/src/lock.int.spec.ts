import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockByPidFile, lockDirectory } from './lock.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('directory lock', () => {
  it('has one holder, by whatever path, until it is released', async () => {
    const alias = `${directory}-alias`;
    await symlink(directory, alias);
    try {
      const held = await lockDirectory(directory);
      expect(held).not.toBeNull();
      expect(await lockDirectory(directory)).toBeNull();
      expect(await lockDirectory(alias)).toBeNull();
      const other = await lockDirectory(directory, 'other');
      expect(other).not.toBeNull();
      await held?.release();
      const again = await lockDirectory(alias);
      expect(again).not.toBeNull();
      await again?.release();
      await other?.release();
    } finally {
      await rm(alias);
    }
  });

  it.runIf(process.platform === 'linux')('is free as soon as its holder is killed', async () => {
    const script = `
      const { statSync } = require('node:fs');
      const { dev, ino } = statSync(${JSON.stringify(directory)}, { bigint: true });
      require('node:net').createServer().listen({ path: '\\0affiant/writer/' + dev + '-' + ino }, () => console.log('held'));`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect(await lockDirectory(directory)).toBeNull();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const held = await lockDirectory(directory);
    expect(held).not.toBeNull();
    await held?.release();
  });

  it('by pid file: refuses a live holder, takes over a dead one', async () => {
    const held = await lockByPidFile(directory, 'writer');
    expect(held).not.toBeNull();
    expect(await lockByPidFile(directory, 'writer')).toBeNull();
    await held?.release();
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await writeFile(join(directory, '.writer.lock'), `${child.pid}\n`);
    expect(await lockByPidFile(directory, 'writer')).not.toBeNull();
  });
});
