import { isIP } from 'node:net';
import type { Envelope, Principal } from '#events';
import { list, millis, text } from './bounds.js';
import type { OcsfObject } from './ocsf-event.js';

const USER_TYPES: Readonly<Record<string, { readonly id: number; readonly name: string }>> = {
  user: { id: 1, name: 'User' },
  system: { id: 3, name: 'System' },
  workload: { id: 4, name: 'Service' },
  service_key: { id: 4, name: 'Service' },
};

/** Who did it, as verified; the system itself when nobody asked. */
export function actorOf(envelope: Envelope, principal: Principal | null = envelope.principal): OcsfObject {
  if (principal === null) return { application: { name: 'affiant', uid: envelope.source_id } };
  const { issuer, token_expires_at } = principal;
  return {
    user: userOf(principal),
    idp: { name: text(issuer) ?? 'unknown', issuer: text(issuer) },
    session: {
      uid: text(envelope.session_id),
      issuer: text(issuer),
      expiration_time: token_expires_at === null ? undefined : millis(token_expires_at),
    },
  };
}

export function userOf({ subject, kind, groups, token_digest }: Principal): OcsfObject {
  const type = USER_TYPES[kind] ?? { id: 99, name: kind };
  return {
    uid: text(subject, 512) ?? 'unknown',
    name: text(subject, 512) ?? 'unknown',
    type_id: type.id,
    type: type.name,
    credential_uid: text(token_digest),
    groups: list(groups.map((name) => ({ name: text(name, 128) ?? 'unknown' }))),
  };
}

/** The agent that acts for the subject (RFC 8693 `act.sub`). */
export function agentOf(principal: Principal | null): OcsfObject | undefined {
  const name = text(principal?.actor ?? null, 512);
  return name === undefined ? undefined : { uid: name, name };
}

/** OCSF demands a source endpoint; what an event does not know is called unknown, never guessed. */
export function endpointOf(address: string | null | undefined): OcsfObject {
  if (address == null || address === '') return { name: 'unknown' };
  return isIP(address) === 0 ? { name: text(address) } : { ip: address };
}

/** Plain facts of a principal for classes without an actor. */
export function principalFacts(principal: Principal | null): OcsfObject | undefined {
  if (principal === null) return undefined;
  const { issuer, subject, kind, actor } = principal;
  return { issuer: text(issuer), subject: text(subject, 512), kind, actor: text(actor, 512) };
}
