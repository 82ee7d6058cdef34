import type { JWTPayload } from 'jose';
import type { Principal } from '#events';
import { AffiantError } from '#errors';
import { digestOf } from './credentials.js';

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** The verified claims as a principal. `token` is only hashed. @throws AffiantError token_invalid when the groups claim is of another shape. */
export function principalFromClaims(payload: JWTPayload, groupsClaim: string, token: string): Principal {
  const amr = Array.isArray(payload['amr']) ? payload['amr'].filter((item) => typeof item === 'string').join(' ') : null;
  return {
    issuer: payload.iss ?? '',
    subject: payload.sub ?? '',
    kind: isWorkload(payload) ? 'workload' : 'user',
    groups: groupsOf(payload, groupsClaim),
    actor: text(record(payload['act'])?.['sub']),
    token_digest: digestOf(text(payload.jti) ?? token),
    token_expires_at: (payload.exp ?? 0) * 1_000_000,
    authenticated_by: text(payload['acr']) ?? text(amr),
  };
}

/**
 * Groups as an array of strings, or as one string: one group, except for the OAuth claims `scope` and `scp`, which are lists separated by
 * spaces (RFC 8693 §4.2). The claim is looked up by its full name first (it may be a URL), then as a dotted path (`realm_access.roles`).
 */
function groupsOf(payload: JWTPayload, claim: string): readonly string[] {
  const value = payload[claim] ?? claim.split('.').reduce<unknown>((at, key) => record(at)?.[key], payload);
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') {
    const list = claim === 'scope' || claim === 'scp' ? value.split(' ') : [value];
    return list.filter((group) => group !== '');
  }
  if (Array.isArray(value) && value.every((group) => typeof group === 'string')) return [...new Set<string>(value)];
  throw new AffiantError('token_invalid', `the claim ${claim} is neither a string nor a list of strings`);
}

/**
 * No person stands behind the token: the issuer says so (Entra `idtyp`, Auth0 `gty`), the subject is the client itself (RFC 9068 §2.2),
 * a Keycloak service account, or a CI job or pod (GitHub, GitLab, Kubernetes).
 */
function isWorkload(payload: JWTPayload): boolean {
  if (payload['idtyp'] === 'app' || payload['gty'] === 'client-credentials') return true;
  if (payload.sub !== undefined && (payload['client_id'] === payload.sub || payload['azp'] === payload.sub)) return true;
  if (typeof payload['preferred_username'] === 'string' && payload['preferred_username'].startsWith('service-account-')) return true;
  return ['job_workflow_ref', 'pipeline_id', 'kubernetes.io'].some((name) => payload[name] !== undefined);
}
