import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { records } from '../testing.fixture.js';
import { HecSink } from './hec-sink.js';

const CHANNEL = '4f1c1b5e-5d0f-4d53-9c5a-3b1f1b0e7a11';
const TOKEN = 'a-token';

interface HecEvent {
  readonly time: number;
  readonly host: string;
  readonly sourcetype: string;
  readonly fields: { readonly event_id: string };
  readonly event: { readonly metadata: { readonly uid: string; readonly sequence: number } };
}

/** The HEC with indexer acknowledgement as Splunk documents it: an id per request and channel; its status is true once, then forgotten. */
class FakeHec {
  readonly indexed: HecEvent[] = [];
  readonly requests: string[] = [];
  /** Consumed one per event request. */
  readonly script: ('ok' | 'busy' | 'no-ack' | 'never' | 'indexed-then-reset' | 'garbage')[] = [];
  #next = 0;
  readonly #acks = new Map<number, boolean>();
  readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const url = new URL(request.url ?? '', 'http://x');
      const answer = (status: number, value: object): void =>
        void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      this.requests.push(url.pathname);
      if (request.headers.authorization !== `Splunk ${TOKEN}`) return answer(403, { text: 'Invalid token', code: 4 });
      if (url.searchParams.get('channel') !== CHANNEL || request.headers['x-splunk-request-channel'] !== CHANNEL)
        return answer(400, { text: 'Data channel is missing', code: 10 });
      if (url.pathname === '/services/collector/ack') {
        const { acks } = JSON.parse(body) as { acks: number[] };
        const status = Object.fromEntries(acks.map((id) => [String(id), this.#acks.get(id) ?? false]));
        for (const id of acks) if (this.#acks.get(id) === true) this.#acks.delete(id);
        return answer(200, { acks: status });
      }
      const mode = this.script.shift() ?? 'ok';
      if (mode === 'busy') return answer(503, { text: 'Server is busy', code: 9 });
      if (mode === 'garbage') return void response.end('<html>');
      const ackId = this.#next++;
      if (mode !== 'never') this.indexed.push(...body.split('\n').map((line) => JSON.parse(line) as HecEvent));
      if (mode === 'indexed-then-reset') return void request.socket.destroy();
      if (mode === 'no-ack') return answer(200, { text: 'Success', code: 0 });
      this.#acks.set(ackId, mode !== 'never');
      answer(200, { text: 'Success', code: 0, ackId });
    });
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
}

let hec: FakeHec;
let sink: HecSink;

beforeEach(async () => {
  hec = new FakeHec();
  await new Promise<void>((resolve) => hec.server.listen(0, '127.0.0.1', resolve));
  sink = new HecSink({ url: hec.url, channel: CHANNEL, token: async () => TOKEN, tls: null, ackTimeout: 700 });
});
afterEach(async () => {
  await sink.close();
  hec.server.closeAllConnections();
  hec.server.close();
});

it('resolves only when the indexer has acknowledged, and carries the event id as an indexed field', async () => {
  const sent = records(1, 3);
  await sink.deliver(sent);
  expect(hec.requests).toEqual(['/services/collector/event', '/services/collector/ack']);
  expect(hec.indexed.map(({ fields, event }) => [fields.event_id, event.metadata.uid])).toEqual(sent.map(({ uid }) => [uid, uid]));
  expect(hec.indexed[0]).toMatchObject({ host: 'gateway', sourcetype: 'affiant:ocsf', time: 1_789_000_000 });
});

it.each(['busy', 'no-ack', 'never', 'garbage'] as const)(
  'fails when the collector is %s, and the same batch then goes through',
  async (mode) => {
    hec.script.push(mode);
    await expect(sink.deliver(records(1, 2))).rejects.toMatchObject({ code: 'siem_failed' });
    await sink.deliver(records(1, 2));
    expect(new Set(hec.indexed.map(({ event }) => event.metadata.sequence))).toEqual(new Set([1, 2]));
  },
);

it('what was indexed before the connection broke is doubled under the same event id', async () => {
  hec.script.push('indexed-then-reset');
  await expect(sink.deliver(records(1, 2))).rejects.toMatchObject({ code: 'siem_failed' });
  await sink.deliver(records(1, 2));
  expect(hec.indexed).toHaveLength(4);
  expect(new Set(hec.indexed.map((event) => JSON.stringify(event))).size).toBe(2);
});

it('says what the collector says, never the token', async () => {
  const wrong = new HecSink({ url: `${hec.url}/services/collector/event`, channel: CHANNEL, token: async () => 'wrong-token', tls: null });
  const error = (await wrong.deliver(records(1, 1)).catch((cause: unknown) => cause)) as Error;
  expect(error.message).toContain('403');
  expect(String(error)).not.toContain('wrong-token');
  await wrong.close();
});

it('does not go on waiting for an acknowledgement when it is closed', async () => {
  hec.script.push('never');
  const slow = new HecSink({ url: hec.url, channel: CHANNEL, token: async () => TOKEN, tls: null, ackTimeout: 60_000 });
  const delivered = slow.deliver(records(1, 1));
  delivered.catch(() => undefined);
  while (!hec.requests.includes('/services/collector/ack')) await new Promise((resolve) => setTimeout(resolve, 10));
  await slow.close();
  await expect(delivered).rejects.toMatchObject({ code: 'siem_failed' });
});
