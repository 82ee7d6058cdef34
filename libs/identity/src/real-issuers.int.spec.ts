import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '#events';
import { createIdentity, type ConfiguredIdentity } from './create-identity.js';
import { startDevelopmentIssuer, type DevelopmentIssuer } from './development-issuer/start-development-issuer.js';
import { collectingLogger } from './testing/fake-issuer.js';
import { startOidcServer, type OidcServer } from './testing/oidc-server.js';

const clock = new SystemClock();
const stateDirectory = mkdtempSync(join(tmpdir(), 'affiant-issuer-'));
let server: OidcServer;
let development: DevelopmentIssuer;
let identity: ConfiguredIdentity;

beforeAll(async () => {
  server = await startOidcServer('affiant');
  development = await startDevelopmentIssuer({ stateDirectory, port: 0, host: '127.0.0.1', audience: 'affiant', clock });
  const common = { audience: 'affiant', groups_claim: 'groups' };
  identity = createIdentity({
    issuers: [
      { name: 'corp', issuer: server.issuer, algorithms: ['RS256'], ...common },
      { name: 'development', issuer: development.issuer, algorithms: development.algorithms, ...common },
    ],
    serviceKeys: [],
    clock,
    logger: collectingLogger().logger,
    clockTolerance: 5000,
  });
});

afterAll(async () => {
  await development.close();
  await server.close();
});

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

describe('a real OIDC server', () => {
  it("takes a person's access token from the code flow and refuses the ID token beside it", async () => {
    const tokens = await server.userTokens('alice');
    const { principal } = await identity.identify({ authorization: `Bearer ${tokens.access_token}` }, '127.0.0.1');
    expect(principal).toMatchObject({ issuer: server.issuer, subject: 'alice', kind: 'user', groups: ['engineering'] });
    expect(await codeOf(identity.verify(tokens.id_token))).toBe('token_invalid');
  });

  it('refuses the ID token even where the client is called like our audience', async () => {
    const { id_token: idToken } = await server.userTokens('alice');
    const named = { name: 'corp', issuer: server.issuer, algorithms: ['RS256'], audience: 'console', groups_claim: 'groups' };
    const { logger } = collectingLogger();
    const confused = createIdentity({ issuers: [named], serviceKeys: [], clock, logger, clockTolerance: 5000 });
    await expect(confused.verify(idToken)).rejects.toThrow('ID token');
  });

  it('knows a client credentials token as a workload', async () => {
    const { principal } = await identity.verify(await server.clientToken());
    expect(principal).toMatchObject({ subject: 'console', kind: 'workload' });
  });
});

describe('the development issuer', () => {
  const ask = (body: object | string, secret = readFileSync(development.secretPath, 'utf8').trim()): Promise<Response> =>
    fetch(`${development.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  it.each(['EdDSA', 'RS256'])('issues %s access tokens that the gateway takes', async (algorithm) => {
    const response = await ask({ subject: 'bob', groups: ['data-owners'], ttl: 60, algorithm, actor: 'agent-1', kind: 'workload' });
    const { access_token: token, expires_in: ttl } = (await response.json()) as { access_token: string; expires_in: number };
    expect(ttl).toBe(60);
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: algorithm, typ: 'at+jwt' });
    const { principal, expiresAtMs } = await identity.verify(token);
    expect(principal).toMatchObject({ subject: 'bob', groups: ['data-owners'], kind: 'workload', actor: 'agent-1' });
    expect(Math.abs(expiresAtMs - clock.nowMs() - 60_000)).toBeLessThan(5000);
  });

  it('gives nothing without its secret, for a malformed request, or at another address', async () => {
    expect((await ask({ subject: 'x' }, 'wrong')).status).toBe(401);
    expect((await ask('{')).status).toBe(400);
    expect((await ask({ subject: 'x', admin: true })).status).toBe(400);
    expect((await ask({ subject: 'x', ttl: 0 })).status).toBe(400);
    expect((await ask('x'.repeat(20_000))).status).toBe(413);
    expect((await fetch(`${development.issuer}/keys/issuer.secret`)).status).toBe(404);
  });

  it('keeps its keys over a restart, readable by the owner only', async () => {
    const before = await (await fetch(development.jwksUri)).json();
    const again = await startDevelopmentIssuer({ stateDirectory, port: 0, host: '127.0.0.1', audience: 'affiant', clock });
    expect(await (await fetch(again.jwksUri)).json()).toEqual(before);
    await again.close();
    expect(JSON.stringify(before)).not.toContain('"d"');
    for (const file of ['issuer.secret', 'issuer-eddsa.jwk.json', 'issuer-rs256.jwk.json']) {
      expect(statSync(join(stateDirectory, 'keys', file)).mode & 0o777).toBe(0o600);
    }
  });

  it('refuses to listen beyond loopback', async () => {
    const call = startDevelopmentIssuer({ stateDirectory, port: 0, host: '0.0.0.0', audience: 'affiant', clock });
    expect(await codeOf(call)).toBe('config_invalid');
  });
});
