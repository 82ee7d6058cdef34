import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { hasTsa, startTsa, type TestTsa, type TestTsaOptions } from '../../../test/support/engines/tsa.mjs';
import { formatCertificates, readCertificates } from './chain.js';
import { requestTimestamp } from './http-authority.js';
import { verifyStamp } from './verify.js';

const DATA = Buffer.from('ledger.example/affiant\n42\nq1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0x1C=\n');

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return error instanceof AffiantError ? `${error.code}: ${error.message}` : `another error: ${String(error)}`;
  }
};

describe.skipIf(!hasTsa())('time stamps of a real authority', () => {
  let tsa: TestTsa;
  let roots: Buffer[];
  let good: Buffer;
  const ask = (at: TestTsa, trusted = readCertificates(at.rootPem)) =>
    requestTimestamp({ name: 'test', url: at.url, roots: trusted, timeout: 120_000 }, DATA);

  beforeAll(async () => {
    tsa = await startTsa();
    roots = readCertificates(tsa.rootPem);
    good = (await ask(tsa)).response;
  });
  afterAll(async () => tsa.stop());

  it('are asked for and verified, and say what they say', async () => {
    const before = Date.now();
    const { response, verified } = await ask(tsa);
    expect(verified.genTime).toBeGreaterThan(before - 120_000);
    expect(verified.genTime).toBeLessThan(Date.now() + 120_000);
    expect(verified).toMatchObject({ authority: 'O=Tests, CN=Test Authority', hash: 'sha256', policy: '1.3.6.1.4.1.13762.3' });
    expect(verified.expiresAt).toBeGreaterThan(Date.now() + 3_000 * 86_400_000);
    expect(verified.chain).toHaveLength(2);
    expect(await verifyStamp({ response, data: DATA, roots })).toEqual(verified);
    expect(readCertificates(formatCertificates(verified.chain))).toEqual(verified.chain);
  });

  it('are good with SHA-512 too, and openssl agrees', async () => {
    const { response, verified } = await requestTimestamp({ name: 'test', url: tsa.url, roots, hash: 'sha512' }, DATA);
    expect(verified.hash).toBe('sha512');
    const directory = mkdtempSync(join(tmpdir(), 'affiant-stamp-'));
    try {
      writeFileSync(join(directory, 'data'), DATA);
      writeFileSync(join(directory, 'stamp.tsr'), response);
      const args = ['ts', '-verify', '-data', 'data', '-in', 'stamp.tsr', '-CAfile', tsa.rootFile];
      expect(execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' })).toContain('Verification: OK');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('are refused over other bytes, for another request, without a root, and by another root', async () => {
    const other = await startTsa({ name: 'Other' });
    try {
      const strange = readCertificates(other.rootPem);
      expect(await codeOf(verifyStamp({ response: good, data: Buffer.concat([DATA, DATA]), roots }))).toMatch(
        /timestamp_invalid.*other bytes/,
      );
      expect(await codeOf(verifyStamp({ response: good, data: DATA, roots, nonce: Buffer.alloc(16, 1) }))).toMatch(/nonce/);
      expect(await codeOf(verifyStamp({ response: good, data: DATA, roots: [] }))).toMatch(/pinned root/);
      expect(await codeOf(verifyStamp({ response: good, data: DATA, roots: strange }))).toMatch(/pinned root/);
      expect(await codeOf(verifyStamp({ response: good, data: DATA, roots: [...strange, ...roots] }))).toBe('accepted');
      // An answer to an older request, replayed.
      tsa.behave(() => ({ body: good }));
      expect(await codeOf(ask(tsa))).toMatch(/timestamp_invalid.*nonce/);
    } finally {
      tsa.behave(null);
      await other.stop();
    }
  });

  it.each<[string, TestTsaOptions, RegExp]>([
    ['with a CA between', { intermediate: true }, /^accepted$/],
    ['with a signature by SHA-512', { digest: 'sha512' }, /^accepted$/],
    ['with a signature by SHA-1', { digest: 'sha1' }, /not SHA-2/],
  ])('%s', async (_, options, verdict) => {
    const one = await startTsa(options);
    try {
      expect(await codeOf(ask(one))).toMatch(verdict);
    } finally {
      await one.stop();
    }
  });

  it('that do not come are an authority that is away, whatever it does instead', async () => {
    const answers: [string, Parameters<TestTsa['behave']>[0], RegExp][] = [
      ['breaks off', () => null, /timestamp_unavailable.*does not answer/],
      ['answers 503', () => ({ status: 503 }), /timestamp_unavailable.*HTTP 503/],
      ['redirects', () => ({ status: 302 }), /timestamp_unavailable/],
      ['says nothing', () => ({ body: '' }), /timestamp_invalid/],
      ['sends a page', () => ({ body: '<html>sorry</html>' }), /timestamp_invalid/],
      ['sends without end', () => ({ body: Buffer.alloc(300 * 1024) }), /timestamp_unavailable.*too large/],
      // SEQUENCE { SEQUENCE { INTEGER 2 } }: a refusal.
      ['refuses', () => ({ body: Buffer.from('30053003020102', 'hex') }), /timestamp_unavailable.*rejection/],
      ['grants nothing', () => ({ body: Buffer.from('30053003020100', 'hex') }), /timestamp_invalid.*no token/],
    ];
    try {
      for (const [what, behave, verdict] of answers) {
        tsa.behave(behave);
        expect(await codeOf(ask(tsa)), what).toMatch(verdict);
      }
    } finally {
      tsa.behave(null);
    }
    expect(await codeOf(requestTimestamp({ name: 'gone', url: 'http://127.0.0.1:1/', roots }, DATA))).toMatch(/timestamp_unavailable/);
  });

  it.each([
    ['ECDSA', {}],
    ['RSA', { key: ['rsa:2048'] }],
  ] as [string, TestTsaOptions][])('with a bit flipped are refused with a typed error: %s', async (_kind, options) => {
    const one = await startTsa(options);
    try {
      const trusted = readCertificates(one.rootPem);
      const { response } = await ask(one, trusted);
      const loose: number[] = [];
      // The end in full: what stands around the signature is not signed.
      const places = [...response.keys()].filter((at) => at % 3 === 0 || at > response.length - 330);
      for (const at of places) {
        const bytes = Buffer.from(response);
        bytes[at]! ^= 1 << ((at * 5) % 8);
        const said = await codeOf(verifyStamp({ response: bytes, data: DATA, roots: trusted }));
        if (said === 'accepted') loose.push(at);
        else expect(said).toMatch(/^timestamp_(invalid|unavailable): /);
      }
      expect(loose).toEqual([]);
    } finally {
      await one.stop();
    }
  });

  it('cut short or made longer anywhere are refused with a typed error', async () => {
    for (let length = 0; length < good.length; length += 1) {
      expect(await codeOf(verifyStamp({ response: good.subarray(0, length), data: DATA, roots }))).toMatch(/^timestamp_/);
    }
    expect(await codeOf(verifyStamp({ response: Buffer.concat([good, Buffer.of(0)]), data: DATA, roots }))).toMatch(/^timestamp_invalid/);
    const nested = Buffer.concat([Buffer.alloc(60_000, Buffer.from('3080', 'hex')), good]);
    expect(await codeOf(verifyStamp({ response: nested, data: DATA, roots }))).toMatch(/^timestamp_invalid/);
  });
});
