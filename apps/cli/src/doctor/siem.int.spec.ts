import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createPlainServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig, type SecretRef, type SiemConfig } from '#config';
import { makeCertificates } from '../../../../test/support/engines/kafka-tls.mjs';
import { checksOf } from './checks-of.js';
import { runChecks } from './run-checks.js';
import { siemChecks } from './siem.js';
import type { CheckResult } from './check.js';

const CHANNEL = '6f1d2c7e-7d0a-4a52-8c8e-6c2f5d0a9b11';
let directory: string;
let ca: string;
let count = 0;
const servers: (Server | NetServer)[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'affiant-doctor-siem-'));
  ({ ca } = makeCertificates(directory));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function secret(value: string): SecretRef {
  const file = join(directory, `secret-${(count += 1)}`);
  writeFileSync(file, value, { mode: 0o600 });
  return { file };
}

async function listen<T extends Server | NetServer>(server: T): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const look = async (config: SiemConfig): Promise<CheckResult> => (await runChecks(siemChecks(config)))[0]!;

describe('a syslog receiver', () => {
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const heard: Buffer[] = [];
  const receiver = (options: TlsOptions = {}): Promise<number> =>
    listen(
      createTlsServer({ cert: read('broker.pem'), key: read('broker.key'), ...options }, (socket) => {
        socket.on('data', (chunk) => heard.push(chunk)).on('error', () => undefined);
      }).on('tlsClientError', () => undefined),
    );

  it('is connected to over TLS, and hears nothing', async () => {
    const port = await receiver();
    const found = await look({ syslog: { address: `127.0.0.1:${port}`, tls: { ca: secret(ca) } } });
    expect(found.id).toBe('siem.syslog');
    // The certificates of the tests may be made for a few days only.
    expect(['ok', 'warn']).toContain(found.status);
    expect(found.detail).toMatch(/^connected, TLSv1\.[23].*certificate .*\d+ days$/);
    expect(heard).toEqual([]);
  });

  it('whose certificate we do not trust, that wants one of us, or that is not there, is told', async () => {
    const port = await receiver();
    expect(await look({ syslog: { address: `127.0.0.1:${port}`, tls: {} } })).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/no syslog connection to 127\.0\.0\.1:\d+: .*(self.signed|unable to)/i),
      remedy: expect.stringContaining('siem.syslog'),
    });
    // TLS 1.2 refuses within the handshake, so that nothing here depends on who is faster.
    const mutual = await receiver({ maxVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true, ca });
    expect(await look({ syslog: { address: `127.0.0.1:${mutual}`, tls: { ca: secret(ca) } } })).toMatchObject({ status: 'fail' });
    expect(await look({ syslog: { address: '127.0.0.1:1' } })).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('in the clear is tried on this machine only', async () => {
    const port = await listen(createPlainServer((socket) => void socket.resume().on('error', () => undefined)));
    expect(await look({ syslog: { address: `127.0.0.1:${port}` } })).toMatchObject({ status: 'ok', detail: 'connected, without TLS' });
    expect(await look({ syslog: { address: 'siem.example.com:514' } })).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('loopback only'),
    });
  });
});

describe('a Splunk collector', () => {
  const asked: string[] = [];
  async function collector(health: number, ack: { readonly status: number; readonly body: object }): Promise<string> {
    const port = await listen(
      createServer((request, response) => {
        asked.push(`${request.method} ${request.url?.split('?')[0]}`);
        request.resume();
        const isToken = request.headers.authorization === 'Splunk the-token';
        const json = (status: number, body: object): void =>
          void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        if (request.url === '/services/collector/health') return json(health, { text: 'HEC is healthy', code: 17 });
        if (!isToken) return json(403, { text: 'Invalid token', code: 4 });
        json(ack.status, ack.body);
      }),
    );
    return `http://127.0.0.1:${port}`;
  }
  const taken = { status: 200, body: { acks: { '0': false } } };
  const of = (url: string, token = 'the-token'): SiemConfig => ({ splunk_hec: { url, token: secret(token), channel: CHANNEL } });

  it('is healthy and takes the token; no event is sent', async () => {
    expect(await look(of(await collector(200, taken)))).toMatchObject({ id: 'siem.splunk-hec', status: 'ok' });
    expect(asked).toEqual(['GET /services/collector/health', 'POST /services/collector/ack']);
  });

  it('that is full, refuses the token, has no acknowledgement, or does not answer, is told, without the token', async () => {
    const found = [
      await look(of(await collector(503, taken))),
      await look(of(await collector(200, taken), 'hunter2')),
      await look(of(await collector(200, { status: 400, body: { text: 'ACK is disabled', code: 14 } }))),
      await look(of('http://127.0.0.1:1')),
    ];
    expect(found.map(({ status }) => status)).toEqual(['fail', 'fail', 'fail', 'fail']);
    expect(found.map(({ detail }) => detail)).toEqual([
      expect.stringContaining('answers 503'),
      'the HEC does not take the token: it answers 403',
      'the HEC token has no indexer acknowledgement',
      expect.stringContaining('does not answer'),
    ]);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});

it('is among the checks of either size when the configuration has receivers', () => {
  const siem = 'siem: { syslog: { address: 127.0.0.1:514 } }';
  const ids = (text: string): string[] => checksOf(parseConfig(text, 'test.yaml'), directory).map(({ id }) => id);
  expect(ids(siem)).toContain('siem.syslog');
  expect(ids(`${siem}\nredis: { url: { file: /nowhere/redis } }`)).toContain('siem.syslog');
  expect(ids('{}')).not.toContain('siem.syslog');
});
