import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { principalFromClaims } from './principal-from-claims.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const base = { iss: 'https://i', sub: 'alice', exp: 1000, jti: 'j' };
const of = (claims: object, groupsClaim = 'groups') => principalFromClaims({ ...base, ...claims }, groupsClaim, 'token');

describe('principal from claims', () => {
  it('takes what the issuer states', () => {
    expect(of({ groups: ['a', 'b', 'a'], act: { sub: 'agent-7', act: { sub: 'earlier' } }, amr: ['pwd', 'otp'] })).toEqual({
      issuer: 'https://i',
      subject: 'alice',
      kind: 'user',
      groups: ['a', 'b'],
      actor: 'agent-7',
      token_digest: sha256('j'),
      token_expires_at: 1_000_000_000,
      authenticated_by: 'pwd otp',
    });
  });

  it('hashes the whole token when it has no jti', () => {
    expect(of({ jti: undefined }).token_digest).toBe(sha256('token'));
  });

  it.each([
    ['a string is one group', { groups: 'data owners' }, 'groups', ['data owners']],
    ['scope is a list', { scope: 'read write' }, 'scope', ['read', 'write']],
    ['a dotted path', { realm_access: { roles: ['x'] } }, 'realm_access.roles', ['x']],
    ['a URL as name', { 'https://example.com/groups': ['x'] }, 'https://example.com/groups', ['x']],
    ['absent', {}, 'groups', []],
  ])('groups: %s', (_name, claims, claim, groups) => {
    expect(of(claims, claim).groups).toEqual(groups);
  });

  it.each([
    [{ idtyp: 'app' }],
    [{ gty: 'client-credentials' }],
    [{ client_id: 'alice' }],
    [{ azp: 'alice' }],
    [{ preferred_username: 'service-account-x' }],
    [{ job_workflow_ref: 'o/r/.github/workflows/w.yml@refs/heads/main' }],
    [{ pipeline_id: '1' }],
    [{ 'kubernetes.io': {} }],
  ])('knows a workload: %j', (claims) => {
    expect(of(claims).kind).toBe('workload');
  });

  it('prefers acr', () => {
    expect(of({ acr: 'urn:mfa', amr: ['pwd'] }).authenticated_by).toBe('urn:mfa');
  });
});
