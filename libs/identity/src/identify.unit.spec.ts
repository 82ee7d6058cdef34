import { beforeEach, describe, expect, it } from 'vitest';
import { createIdentity, type ConfiguredIdentity, type IdentityOptions } from './create-identity.js';
import { networkOf } from './failure-throttle.js';
import { createServiceKey } from './service-keys.js';
import { collectingLogger, FakeIssuer, ISSUER, issuerConfig, ManualClock, NOW_MS } from './testing/fake-issuer.js';

let issuer: FakeIssuer;
let clock: ManualClock;
let logs: ReturnType<typeof collectingLogger>;

const make = (options: Partial<IdentityOptions> = {}): ConfiguredIdentity =>
  createIdentity({
    issuers: [issuerConfig],
    serviceKeys: [],
    clock,
    logger: logs.logger,
    clockTolerance: 0,
    fetch: issuer.fetch,
    ...options,
  });

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

beforeEach(async () => {
  issuer = await FakeIssuer.create();
  clock = new ManualClock();
  logs = collectingLogger();
});

describe('headers', () => {
  it('takes a token from each place clients put it', async () => {
    const identity = make();
    const token = await issuer.sign();
    const basic = `Basic ${Buffer.from(`anyone:${token}`).toString('base64')}`;
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { authorization: `bearer  ${token} ` },
      { authorization: basic },
      { 'x-api-key': token },
      { authorization: `Bearer ${token}`, 'x-api-key': token },
    ]) {
      expect((await identity.identify(headers, '127.0.0.1')).principal.subject).toBe('alice');
    }
  });

  it('refuses a call without a token', async () => {
    for (const headers of [
      {},
      { authorization: '' },
      { authorization: 'Bearer ' },
      { authorization: 'Basic Ong=' },
      { 'x-api-key': ' ' },
    ]) {
      expect(await codeOf(make().identify(headers, '::1'))).toMatch(/token_missing|token_invalid/);
    }
    expect(await codeOf(make().identify({ authorization: 'Basic' }, '::1'))).toBe('token_invalid');
    expect(await codeOf(make().identify({ authorization: `Basic ${Buffer.from('u:').toString('base64')}` }, '::1'))).toBe('token_missing');
  });

  it('lets two tokens pass only when both verify and name the same identity', async () => {
    const identity = make();
    const [alice, again, bob, agent] = await Promise.all([
      issuer.sign({ jti: 'a' }),
      issuer.sign({ jti: 'b' }),
      issuer.sign({ sub: 'bob' }),
      issuer.sign({ act: { sub: 'agent' } }),
    ]);
    const both = (one: string, other: string) => codeOf(identity.identify({ authorization: `Bearer ${one}`, 'x-api-key': other }, '::1'));
    expect(await both(alice, again)).toBe('accepted');
    expect(await both(alice, bob)).toBe('token_conflict');
    expect(await both(alice, agent)).toBe('token_conflict');
    expect(await both(alice, 'sk-ant-something')).toBe('token_conflict');
    expect(await both('sk-ant-something', 'sk-ant-other')).toBe('token_conflict');
  });
});

describe('service keys', () => {
  it('passes until its expiry and not after', async () => {
    const { key, hash } = createServiceKey();
    const expires = new Date(NOW_MS + 1000).toISOString();
    const identity = make({ serviceKeys: [{ name: 'nightly', hash, groups: ['ci'], expires }] });
    const { principal } = await identity.identify({ 'x-api-key': key }, '::1');
    expect(principal).toMatchObject({ issuer: 'affiant:service-key', subject: 'nightly', kind: 'service_key', groups: ['ci'] });
    expect(await codeOf(identity.verify(createServiceKey().key))).toBe('token_invalid');
    clock.ms += 1000;
    expect(await codeOf(identity.verify(key))).toBe('token_expired');
  });

  it('refuses a configuration that holds the key itself', () => {
    const { key } = createServiceKey();
    expect(() => make({ serviceKeys: [{ name: 'x', hash: key, groups: [], expires: '2030-01-01' }] })).toThrow(/sha256/);
  });
});

describe('throttling', () => {
  it('answers failures of one address with auth_throttled, and never a valid token or an expired one', async () => {
    const identity = make({ failuresPerMinute: 3 });
    const from = (token: string, address: string) => codeOf(identity.identify({ 'x-api-key': token }, address));
    for (let attempt = 0; attempt < 3; attempt++) expect(await from(`wrong-${attempt}`, '10.0.0.1')).toBe('token_invalid');
    expect(await from('wrong-4', '10.0.0.1')).toBe('auth_throttled');
    expect(await from(await issuer.sign(), '10.0.0.1')).toBe('accepted');
    expect(await from(await issuer.sign({ exp: NOW_MS / 1000 - 1 }), '10.0.0.1')).toBe('token_expired');
    expect(await from('wrong-5', '10.0.0.2')).toBe('token_invalid');
    clock.ms += 60_000;
    expect(await from('wrong-6', '10.0.0.1')).toBe('token_invalid');
  });

  it('counts an IPv6 host by its network', () => {
    expect(networkOf('2001:db8:0:1::5')).toBe(networkOf('2001:db8:0:1:aaaa:bbbb:cccc:dddd'));
    expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0::/64');
    expect(networkOf('2001:db8:0:1::5')).not.toBe(networkOf('2001:db8:0:2::5'));
    expect(networkOf('::ffff:10.0.0.1')).toBe('10.0.0.1');
  });
});

describe('keys of the issuer', () => {
  it('reads discovery and keys once for many tokens', async () => {
    const identity = make();
    await Promise.all(['a', 'b', 'c'].map(async (jti) => identity.verify(await issuer.sign({ jti }))));
    expect(issuer.fetches).toEqual([`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/jwks`]);
  });

  it('stops believing a withdrawn key within ten minutes, remembered tokens included', async () => {
    const identity = make();
    await identity.verify(await issuer.sign({ jti: 'first' }));
    const token = await issuer.sign();
    clock.ms += 4 * 60_000;
    await identity.verify(token);
    await issuer.rotate('k2');
    clock.ms += 6 * 60_000 + 1;
    expect(await codeOf(identity.verify(token))).toBe('token_invalid');
  });

  it('takes a rotated key up as soon as the cool-down allows', async () => {
    const identity = make();
    await identity.verify(await issuer.sign());
    await issuer.rotate('k2');
    const token = await issuer.sign({ jti: 'new' });
    expect(await codeOf(identity.verify(token))).toBe('token_invalid');
    clock.ms += 30_000;
    expect(await codeOf(identity.verify(token))).toBe('accepted');
  });

  it('does not let a flood of unknown keys fetch', async () => {
    const identity = make();
    await identity.verify(await issuer.sign());
    const fetched = issuer.fetches.length;
    for (let n = 0; n < 20; n++) await codeOf(identity.verify(await issuer.sign({}, { kid: `flood-${n}` })));
    expect(issuer.fetches.length).toBe(fetched);
  });

  it('goes on with the last good keys in an outage, and says so', async () => {
    const identity = make();
    await identity.verify(await issuer.sign());
    issuer.down = true;
    clock.ms += 3_000_000;
    const late = { iat: clock.ms / 1000, exp: clock.ms / 1000 + 600, jti: 'late' };
    expect(await codeOf(identity.verify(await issuer.sign(late)))).toBe('accepted');
    expect(logs.lines.map(({ level }) => level)).toContain('error');
    clock.ms += 24 * 3_600_000;
    const tooLate = { iat: clock.ms / 1000, exp: clock.ms / 1000 + 600, jti: 'too late' };
    expect(await codeOf(identity.verify(await issuer.sign(tooLate)))).toBe('issuer_unavailable');
  });

  it('refuses with issuer_unavailable when there never were keys, and recovers', async () => {
    const identity = make();
    issuer.down = true;
    const token = await issuer.sign();
    expect(await codeOf(identity.verify(token))).toBe('issuer_unavailable');
    issuer.down = false;
    expect(await codeOf(identity.verify(token))).toBe('accepted');
  });

  it('refuses a discovery document of another issuer', async () => {
    issuer.document = { issuer: `${ISSUER}/`, jwks_uri: `${ISSUER}/jwks` };
    expect(await codeOf(make().verify(await issuer.sign()))).toBe('issuer_unavailable');
    issuer.document = { issuer: ISSUER, jwks_uri: 'http://idp.example.com/jwks' };
    expect(await codeOf(make().verify(await issuer.sign()))).not.toBe('accepted');
  });
});

describe('configuration', () => {
  it.each([
    [{ algorithms: ['RS256', 'HS256'] }],
    [{ algorithms: ['none'] }],
    [{ algorithms: [] }],
    [{ issuer: 'http://idp.example.com' }],
    [{ jwks_uri: 'http://idp.example.com/jwks' }],
    [{ issuer: 'idp' }],
  ])('refuses %j', (change) => {
    expect(() => make({ issuers: [{ ...issuerConfig, ...change }] })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('forgets a token when its issuer leaves the configuration', async () => {
    const identity = make();
    const token = await issuer.sign();
    await identity.verify(token);
    expect(() => identity.update({ issuers: [{ ...issuerConfig, algorithms: ['HS256'] }], serviceKeys: [] })).toThrow();
    expect(await codeOf(identity.verify(token))).toBe('accepted');
    identity.update({ issuers: [], serviceKeys: [] });
    expect(await codeOf(identity.verify(token))).toBe('token_invalid');
  });

  it('chooses by audience when one issuer is configured twice', async () => {
    const identity = make({ issuers: [issuerConfig, { ...issuerConfig, name: 'ci', audience: 'affiant-ci', groups_claim: 'roles' }] });
    const { principal } = await identity.verify(await issuer.sign({ aud: 'affiant-ci', roles: ['deploy'] }));
    expect(principal.groups).toEqual(['deploy']);
  });
});
