import { readFileSync } from 'node:fs';
import { fail, ok, skipped, warn, type Check, type Finding } from './check.js';

const OPEN_FILES = 8_192;

/** What the machine itself must offer. */
export const hostChecks = (): Check[] => [
  { id: 'host.node', title: 'Node.js', run: async () => nodeVersion(process.versions.node) },
  { id: 'host.open-files', title: 'Open file limit', run: async () => openFiles(() => readFileSync('/proc/self/limits', 'utf8')) },
];

export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) return fail(`Node ${version}`, 'Install Node 20.19 or newer.');
  if (major % 2 === 1) return warn(`Node ${version} is not a long-term release`, 'Use an even major version in production.');
  return ok(`Node ${version}`);
}

/** Node raises its soft limit to the hard one at start, so the hard one counts. */
export function openFiles(read: () => string): Finding {
  let limits: string;
  try {
    limits = read();
  } catch {
    return skipped('only known on Linux');
  }
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  if (hard === undefined) return skipped('the limit is not told');
  if (hard === 'unlimited' || Number(hard) >= OPEN_FILES) return ok(hard);
  return warn(
    `${hard} files; 2,048 calls at once need two sockets each`,
    `Raise the limit to at least ${OPEN_FILES} (LimitNOFILE=, ulimit -Hn).`,
  );
}
