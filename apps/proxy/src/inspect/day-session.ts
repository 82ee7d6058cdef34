import { createHash } from 'node:crypto';
import type { Principal } from '#events';

const PREFIX = 'day:';

/**
 * Session of calls that name none: those of one principal on one connection in one UTC day share it, and so a key that can be destroyed (docs/guide/erase.md).
 * `day:2026-11-26:<connection>:<16 hexadecimal digits of the SHA-256 of issuer, line feed, subject>`. It is recorded and seals; what calls it tells apart, and what
 * content it lets them cite, stays that of calls without a session.
 */
export function daySession({ issuer, subject }: Principal, connection: string, nowMs: number): string {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const who = createHash('sha256').update(`${issuer}\n${subject}`).digest('hex').slice(0, 16);
  return `${PREFIX}${day}:${connection}:${who}`;
}

/** The session that the client named; null when it named none, also when it named one of a form that is ours to give. */
export function namedSession(session: string | null): string | null {
  return session === null || session === '' || session.startsWith(PREFIX) ? null : session;
}
