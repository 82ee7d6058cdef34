import { createHmac } from 'node:crypto';
import { exportSPKI, generateKeyPair, exportJWK, importJWK, SignJWT } from 'jose';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createIdentity, type ConfiguredIdentity } from './create-identity.js';
import { collectingLogger, FakeIssuer, ISSUER, issuerConfig, ManualClock, NOW_MS } from './testing/fake-issuer.js';

const seconds = Math.floor(NOW_MS / 1000);
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

let issuer: FakeIssuer;
let identity: ConfiguredIdentity;

beforeAll(async () => {
  issuer = await FakeIssuer.create();
  identity = createIdentity({
    issuers: [issuerConfig],
    serviceKeys: [],
    clock: new ManualClock(),
    logger: collectingLogger().logger,
    clockTolerance: 60_000,
    fetch: issuer.fetch,
  });
});

const codeOf = (token: string): Promise<string> =>
  identity.verify(token).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

async function hmacWithPublicKey(): Promise<string> {
  const [key] = issuer.keys;
  const publicKey = await importJWK({ ...key?.jwk, ext: true }, 'RS256', { extractable: true });
  const pem = await exportSPKI(publicKey as Parameters<typeof exportSPKI>[0]);
  const head = `${part({ alg: 'HS256', kid: 'k1', typ: 'at+jwt' })}.${part(issuer.claims())}`;
  return `${head}.${createHmac('sha256', pem).update(head).digest('base64url')}`;
}

async function withForeignKey(header: Record<string, unknown>): Promise<string> {
  const { privateKey } = await generateKeyPair('RS256');
  return new SignJWT(issuer.claims()).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...header }).sign(privateKey);
}

async function withOwnJwk(): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  return new SignJWT(issuer.claims())
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'at+jwt', jwk: await exportJWK(publicKey) })
    .sign(privateKey);
}

const wrong: Record<string, () => Promise<string> | string> = {
  'other audience': () => issuer.sign({ aud: 'somebody-else' }),
  'several audiences': () => issuer.sign({ aud: ['affiant', 'somebody-else'] }),
  'no audience': () => issuer.sign({ aud: undefined }),
  'other issuer': () => issuer.sign({ iss: 'https://evil.example.com' }),
  'issuer with a trailing slash': () => issuer.sign({ iss: `${ISSUER}/` }),
  'issuer in upper case': () => issuer.sign({ iss: ISSUER.toUpperCase() }),
  'alg none': () => `${part({ alg: 'none', kid: 'k1', typ: 'at+jwt' })}.${part(issuer.claims())}.`,
  'alg none with a signature': () => `${part({ alg: 'None', kid: 'k1' })}.${part(issuer.claims())}.AAAA`,
  'HS256 keyed with our public key': hmacWithPublicKey,
  'an algorithm this issuer may not use': async () => `${part({ alg: 'PS256', kid: 'k1' })}.${part(issuer.claims())}.AAAA`,
  'no kid': () => issuer.sign({}, { kid: undefined }),
  'empty kid': () => issuer.sign({}, { kid: '' }),
  'unknown kid': () => withForeignKey({ kid: 'k9' }),
  'a path as kid': () => withForeignKey({ kid: '../../etc/passwd' }),
  'same kid, other key': () => withForeignKey({ kid: 'k1' }),
  'embedded jwk': withOwnJwk,
  jku: () => withForeignKey({ kid: 'k1', jku: 'https://evil.example.com/jwks' }),
  x5u: () => withForeignKey({ kid: 'k1', x5u: 'https://evil.example.com/x5' }),
  x5c: () => withForeignKey({ kid: 'k1', x5c: ['AAAA'] }),
  'our own key, embedded as jwk': async () => issuer.sign({}, { jwk: { ...issuer.keys[0]?.jwk } as Record<string, string> }),
  'our own key, and a jku': () => issuer.sign({}, { jku: `${ISSUER}/jwks` }),
  'our own key, and an x5u': () => issuer.sign({}, { x5u: `${ISSUER}/x5` }),
  'our own key, and an x5c': () => issuer.sign({}, { x5c: ['AAAA'] }),
  'a critical extension': () => issuer.sign({}, { crit: ['x-affiant'], 'x-affiant': 1 }),
  'nbf in the future': () => issuer.sign({ nbf: seconds + 61 }),
  'issued in the future': () => issuer.sign({ iat: seconds + 61 }),
  'no exp': () => issuer.sign({ exp: undefined }),
  'no iat': () => issuer.sign({ iat: undefined }),
  'no sub': () => issuer.sign({ sub: undefined }),
  'empty sub': () => issuer.sign({ sub: ' ' }),
  'ID token by type': () => issuer.sign({}, { typ: 'id+jwt' }),
  'logout token by type': () => issuer.sign({}, { typ: 'logout+jwt' }),
  'ID token by nonce': () => issuer.sign({ nonce: 'n' }, { typ: 'JWT' }),
  'ID token by at_hash': () => issuer.sign({ at_hash: 'h' }),
  'ID token as Cognito marks it': () => issuer.sign({ token_use: 'id' }, { typ: undefined }),
  'ID token as Keycloak marks it': () => issuer.sign({ typ: 'ID' }, { typ: 'JWT' }),
  'refresh token as Keycloak marks it': () => issuer.sign({ typ: 'Refresh' }, { typ: 'JWT' }),
  'security event': () => issuer.sign({ events: {} }, { typ: 'JWT' }),
  'groups of another shape': () => issuer.sign({ groups: { admin: true } }),
  'groups that are not names': () => issuer.sign({ groups: [1, 2] }),
  'changed claims': async () => {
    const [head, , signature] = (await issuer.sign()).split('.');
    return `${head}.${part(issuer.claims({ sub: 'mallory' }))}.${signature}`;
  },
  'truncated signature': async () => (await issuer.sign()).slice(0, -4),
  'encrypted token': () => 'a.b.c.d.e',
  garbage: () => 'garbage',
  'three parts of garbage': () => 'x.y.z',
  'header that is not an object': () => `${Buffer.from('[]').toString('base64url')}.${part(issuer.claims())}.AAAA`,
  'huge token': () => issuer.sign({ padding: 'x'.repeat(20_000) }),
};

describe('wrong tokens', () => {
  it.each(Object.keys(wrong))('refuses: %s', async (name) => {
    expect(await codeOf((await wrong[name]?.()) ?? '')).toBe('token_invalid');
  });

  it('refuses an expired token by its own code, so that clients refresh it', async () => {
    expect(await codeOf(await issuer.sign({ iat: seconds - 7200, exp: seconds - 61 }))).toBe('token_expired');
  });

  it('refuses whatever text is sent, always with a typed error', async () => {
    const token = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.json(), fc.json())
        .map(([head, body]) => `${Buffer.from(head).toString('base64url')}.${Buffer.from(body).toString('base64url')}.AAAA`),
    );
    await fc.assert(
      fc.asyncProperty(token, async (text) => (await codeOf(text)) === 'token_invalid'),
      { numRuns: 300 },
    );
  });

  it('never repeats the token in its message', async () => {
    const token = await issuer.sign({ aud: 'somebody-else' });
    const error = await identity.verify(token).catch((caught: Error) => caught);
    expect(JSON.stringify(error)).not.toContain(token.slice(0, 40));
  });
});

describe('right tokens', () => {
  it.each([
    ['within the tolerance of the clocks', { iat: seconds + 59, nbf: seconds + 59 }, {}],
    ['just expired within the tolerance', { iat: seconds - 100, exp: seconds - 59 }, {}],
    ['of type JWT', {}, { typ: 'JWT' }],
    ['of no type', {}, { typ: undefined }],
    ['with a list of one audience', { aud: ['affiant'] }, {}],
    ['for several audiences, issued to ourselves', { aud: ['affiant', 'account'], azp: 'affiant' }, {}],
    ['as Keycloak marks access tokens', { typ: 'Bearer' }, { typ: 'JWT' }],
    ['at+jwt with a nonce claim', { nonce: 'n' }, {}],
  ])('accepts a token %s', async (_name, claims, header) => {
    expect(await codeOf(await issuer.sign(claims, header))).toBe('accepted');
  });
});
