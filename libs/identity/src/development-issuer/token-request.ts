import { AffiantError } from '#errors';
import type { IssuerAlgorithm } from './key-files.js';

export interface TokenRequest {
  readonly subject: string;
  readonly groups: readonly string[];
  /** Seconds, 1 to 86,400. */
  readonly ttl: number;
  readonly kind: 'user' | 'workload';
  /** RFC 8693 `act.sub`: the agent that acts for the subject. */
  readonly actor: string | null;
  readonly algorithm: IssuerAlgorithm;
}

const refuse = (where: string, message: string): never => {
  throw new AffiantError('usage_invalid', message, { where, remedy: 'Send JSON {subject, groups, ttl?, kind?, actor?, algorithm?}.' });
};

/** @throws AffiantError usage_invalid */
export function readTokenRequest(text: string): TokenRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('body', 'the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('body', 'the body is not a JSON object');
  const {
    subject,
    groups = [],
    ttl = 3600,
    kind = 'user',
    actor = null,
    algorithm = 'EdDSA',
    ...others
  } = value as Record<string, unknown>;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) return refuse(unknown, `unknown field ${unknown}`);
  if (typeof subject !== 'string' || subject.trim() === '' || subject.length > 256)
    return refuse('subject', 'subject must be 1 to 256 characters');
  if (!isStrings(groups)) return refuse('groups', 'groups must be a list of names');
  if (typeof ttl !== 'number' || !Number.isInteger(ttl) || ttl < 1 || ttl > 86_400) return refuse('ttl', 'ttl must be 1 to 86400 seconds');
  if (kind !== 'user' && kind !== 'workload') return refuse('kind', 'kind must be user or workload');
  if (actor !== null && (typeof actor !== 'string' || actor === '')) return refuse('actor', 'actor must be a name');
  if (algorithm !== 'EdDSA' && algorithm !== 'RS256') return refuse('algorithm', 'algorithm must be EdDSA or RS256');
  return { subject, groups, ttl, kind, actor, algorithm };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 100 && value.every((item) => typeof item === 'string' && item !== '');
}
