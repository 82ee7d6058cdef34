import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '#config';
import { fail, ok, type Check } from '../check.js';

/** The embedded ledger engine is a platform package: left out by an install on another platform, or with --omit=optional. */
export const engineCheck = (): Check => ({
  id: 'engine.embedded',
  title: 'Ledger engine',
  run: async () => {
    const { libchdbPath } = createRequire(join(packageRoot, 'package.json'))('chdb/libchdb') as { libchdbPath: () => string };
    try {
      const path = libchdbPath();
      if (existsSync(path)) return ok(`${process.platform} ${process.arch}, installed`);
    } catch {
      // Told the same way as a missing file.
    }
    return fail(
      `not installed for ${process.platform} ${process.arch}`,
      'Run npm ci on this machine, without --omit=optional. It is made for Linux (glibc) and macOS, x64 and arm64.',
    );
  },
});
