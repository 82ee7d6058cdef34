import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../../../test/support/engines/kafka-tls.mjs';
import { hasRsyslog, startRsyslog, type TestRsyslog } from '../../../../../test/support/engines/rsyslog.mjs';
import { records, seqOf } from '../testing.fixture.js';
import { openSiemSinks } from './open-sinks.js';
import { SyslogSink } from './syslog-sink.js';

const origin = { hostname: 'test-host', procId: '1' };

async function until(what: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!what()) {
    if (Date.now() > end) throw new Error(`timed out: ${what.toString()}`);
    await delay(20);
  }
}

describe.skipIf(!hasRsyslog(['lmnsd_ossl']))('to rsyslog over TLS', () => {
  let directory: string;
  let material: { ca: string; cert: string; key: string };
  let receiver: TestRsyslog;
  let sink: SyslogSink;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'syslog-sink-'));
    const { ca } = makeCertificates(directory);
    const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
    material = { ca, cert: read('broker.pem'), key: read('broker.key') };
    receiver = await startRsyslog({ tls: material });
    sink = new SyslogSink({ host: '127.0.0.1', port: receiver.port, tls: async () => ({ ca }), origin, settle: 100 });
  });
  afterAll(async () => {
    await sink?.close();
    await receiver?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('every record arrives whole and in order, and after the receiver was killed and came back none is missing', async () => {
    const sent = records(1, 600);
    await sink.deliver(sent.slice(0, 300));
    await until(() => receiver.messages().length === 300);
    expect(receiver.messages()).toEqual(sent.slice(0, 300).map(({ json }) => json));

    await receiver.kill();
    await expect(sink.deliver(sent.slice(300, 400))).rejects.toMatchObject({ code: 'siem_failed' });
    await receiver.start();
    await sink.deliver(sent.slice(300, 400));
    await sink.deliver(sent.slice(400));
    await until(() => new Set(receiver.messages().map(seqOf)).size === 600);
    // What was sent again is the same to the byte.
    expect(new Set(receiver.messages()).size).toBe(600);
  });

  it('a receiver whose certificate is not of the authority gets nothing', async () => {
    const before = receiver.messages().length;
    const distrusting = new SyslogSink({ host: '127.0.0.1', port: receiver.port, tls: async () => ({}), origin, settle: 1 });
    await expect(distrusting.deliver(records(900, 900))).rejects.toMatchObject({
      code: 'siem_failed',
      message: expect.stringContaining('certificate') as string,
    });
    expect(receiver.messages().length).toBe(before);
  });
});

describe('over a connection that breaks', () => {
  const open: { close: () => void }[] = [];
  afterEach(() => open.splice(0).forEach((each) => each.close()));

  async function listen(onSocket: (socket: Socket) => void): Promise<number> {
    const server = createServer(onSocket);
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  }

  /** Frames of RFC 6587 octet counting. */
  function unframe(text: string): string[] {
    const messages: string[] = [];
    for (let at = 0; at < text.length;) {
      const blank = text.indexOf(' ', at);
      const length = Number(text.slice(at, blank));
      messages.push(text.slice(blank + 1, blank + 1 + length));
      at = blank + 1 + length;
    }
    return messages;
  }

  it('frames are RFC 5424 and octet-counted; what was written shortly before the break is written again', async () => {
    const connections: { text: string; socket: Socket }[] = [];
    const port = await listen((socket) => {
      const connection = { text: '', socket };
      connections.push(connection);
      socket.on('error', () => undefined).on('data', (data) => (connection.text += data.toString('latin1')));
    });
    const sink = new SyslogSink({ host: '127.0.0.1', port, tls: null, origin, settle: 20 });
    await sink.deliver(records(1, 3));
    connections[0]?.socket.destroy();
    await delay(50);
    await sink.deliver(records(4, 5));
    await until(() => unframe(connections[1]?.text ?? '').length === 5);
    const message = /^<110>1 2026-09-10T\d\d:\d\d:\d\d\.\d{3}Z test-host affiant 1 control\.gateway\.heartbeat - (\{.*\})$/;
    expect(unframe(connections[1]?.text ?? '').map((text) => seqOf(message.exec(text)?.[1] ?? ''))).toEqual([1, 2, 3, 4, 5]);
    await sink.close();
  });

  it('a break within the settling time is a failure: nothing counts as taken', async () => {
    const port = await listen((socket) => socket.on('error', () => undefined).once('data', () => socket.destroy()));
    const sink = new SyslogSink({ host: '127.0.0.1', port, tls: null, origin, settle: 2_000 });
    await expect(sink.deliver(records(1, 3))).rejects.toMatchObject({ code: 'siem_failed' });
    await sink.close();
  });

  it('syslog in the clear to another machine is refused', () => {
    const sinksFor = (address: string): unknown => openSiemSinks({ syslog: { address } });
    expect(() => sinksFor('siem.example.com:514')).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    expect(sinksFor('127.0.0.1:514')).toHaveLength(1);
    expect(sinksFor('[::1]:514')).toHaveLength(1);
  });
});
