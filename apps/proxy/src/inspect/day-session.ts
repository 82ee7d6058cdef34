import { hash } from 'node:crypto';
import type { Principal } from '#events';

const PREFIX = 'day:';

const DAY_MS = 86_400_000;

/** A principal is one object for as long as its token is remembered: its digest is made once. */
const digests = new WeakMap<Principal, string>();
let day = { number: -1, name: '' };

/**
 * Session of calls that name none: those of one principal on one connection in one UTC day share it, and so a key that can be destroyed (docs/guide/erase.md).
 * `day:2026-11-26:<connection>:<16 hexadecimal digits of the SHA-256 of issuer, line feed, subject>`. It is recorded and seals; what calls it tells apart, and what
 * content it lets them cite, stays that of calls without a session.
 */
export function daySession(principal: Principal, connection: string, nowMs: number): string {
  const number = Math.floor(nowMs / DAY_MS);
  if (number !== day.number) day = { number, name: new Date(nowMs).toISOString().slice(0, 10) };
  let who = digests.get(principal);
  if (who === undefined) {
    who = hash('sha256', `${principal.issuer}\n${principal.subject}`, 'hex').slice(0, 16);
    digests.set(principal, who);
  }
  return `${PREFIX}${day.name}:${connection}:${who}`;
}

/** The session that the client named; null when it named none, also when it named one of a form that is ours to give. */
export function namedSession(session: string | null): string | null {
  return session === null || session === '' || session.startsWith(PREFIX) ? null : session;
}
