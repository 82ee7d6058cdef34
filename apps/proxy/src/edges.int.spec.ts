import { connect } from 'node:net';
import { once } from 'node:events';
import { request as httpRequest, type ClientRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerStream } from './testing/fake-upstream.js';
import { connection, Rig } from './testing/rig.js';

let rig: Rig;
let refusedCodes: string[];

beforeEach(async () => {
  refusedCodes = [];
  rig = await Rig.start({ drainTimeout: 300, options: { hooks: { refused: (code) => void refusedCodes.push(code) } } });
});
afterEach(() => rig.stop());

const outcomes = (): string[] => rig.recorder.of('response').map(({ event }) => event.outcome);

/** Writes raw bytes on one connection and returns all that comes back until the gateway closes it, or `enough` says so. */
async function raw(text: string | Buffer, enough: (got: string) => boolean = () => false): Promise<string> {
  const socket = connect(rig.gateway.port, '127.0.0.1');
  let got = '';
  socket.on('data', (part) => {
    got += part.toString();
    if (enough(got)) socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return got;
}

describe('paths', () => {
  it.each([
    ['POST', '/v1/messages/batches'],
    ['GET', '/v1/messages/batches/b1/results'],
    ['GET', '/v1/files/f1/content'],
    ['POST', '/v1/oauth/token'],
    ['DELETE', '/v1/models'],
    ['POST', '/v1/messages/'],
    ['POST', '/v1/messages%2f'],
    ['POST', '/c/claude/../claude/v1/messages'],
    ['POST', '/c/claude//v1/messages'],
    ['PUT', '/v1/messages'],
  ])('%s %s is refused and counted', async (method, path) => {
    const answer = await rig.post(undefined, { method, path: path.startsWith('/c/') ? path : `/c/claude${path}` });
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('path_denied');
    await rig.recorder.until(() => rig.recorder.controls('path.refused').length === 1);
    expect(rig.upstream.heard).toHaveLength(0);
    expect(rig.recorder.of('request')).toHaveLength(0);
  });

  it('answers probes without identity', async () => {
    for (const path of ['/livez', '/readyz'])
      expect((await rig.post(undefined, { method: 'GET', path, headers: { authorization: '' } })).status).toBe(200);
    for (const path of ['/', '/c/claude', '/c/claude/'])
      expect((await rig.post(undefined, { method: 'HEAD', path, headers: { authorization: '' } })).status).toBe(200);
    expect(rig.recorder.of('control').map(({ event }) => event.kind)).toEqual([
      'policy.published',
      'connection.registered',
      'connection.registered',
      'gateway.started',
    ]);
  });

  it('serves bare paths on the first connection and refuses unknown ones', async () => {
    expect((await rig.post({ text: 'a' }, { path: '/v1/messages?beta=true' })).status).toBe(200);
    expect((await rig.post({ text: 'a' }, { path: '/c/none/v1/messages' })).status).toBe(404);
  });

  it('refuses upgrades and CONNECT', async () => {
    const upgrade = await raw('GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(upgrade).toMatch(/^HTTP\/1\.1 403 /);
    expect(upgrade).toContain('upgrade_denied');
    expect(await raw('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    await rig.recorder.until(() => rig.recorder.controls('path.refused').length === 2);
  });

  it('tells the composition root each refusal once, by its code', async () => {
    await rig.post({ text: 'a' });
    await rig.post({ text: 'a' }, { path: '/c/none/v1/messages' });
    await rig.post({ text: 'a' }, { path: '/c/closed/v1/messages' });
    await rig.post('not json');
    await raw('GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(refusedCodes).toEqual(['connection_unknown', 'connection_denied', 'body_invalid', 'upgrade_denied']);
  });

  it('forwards GETs without a body', async () => {
    expect((await rig.post(undefined, { method: 'GET', path: '/c/claude/v1/models?limit=1000' })).status).toBe(200);
    expect(rig.upstream.heard[0]).toMatchObject({ method: 'GET', url: '/v1/models?limit=1000', body: '' });
    expect(rig.recorder.of('request')[0]?.event).toMatchObject({ operation: 'models', path: '/v1/models' });
  });
});

describe('identity', () => {
  it('refuses in the protocol format and counts', async () => {
    const conflict = await rig.post({ text: 'a' }, { headers: { 'x-api-key': 'bob' } });
    expect(conflict.status).toBe(401);
    expect(conflict.body).toContain('token_conflict');
    expect((await rig.post({ text: 'a' }, { headers: { authorization: 'Bearer bad' } })).status).toBe(401);
    await rig.recorder.until(() => rig.recorder.controls('identity.refused').length === 2);
    expect(rig.recorder.of('request')).toHaveLength(0);
  });

  it('records a denied connection as an exchange, by digest only', async () => {
    const answer = await rig.post({ text: 'SECRET' }, { path: '/c/closed/v1/messages' });
    expect(answer.status).toBe(403);
    expect(answer.headers['affiant-exchange-id']).toBe(rig.recorder.of('request')[0]?.context.exchange_id);
    expect(rig.recorder.of('request')[0]?.event.body).toMatchObject({ segments: [], original_length: 17, complete: true });
    expect(rig.recorder.of('request')[0]?.event.body.original_digest).toMatch(/^v2:[0-9a-f]{64}$/);
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'refused', status: 403, error_code: 'connection_denied' });
  });

  it('never lets a flood of refusals fill the journal, and loses none from the count', async () => {
    await Promise.all(Array.from({ length: 200 }, () => rig.post({ text: 'a' }, { headers: { authorization: 'Bearer bad' } })));
    await rig.gateway.drain();
    const events = rig.recorder.controls('identity.refused');
    expect(events.length).toBeLessThan(30);
    const counts = events.map(({ event }) => Number(event.attributes.find(({ name }) => name === 'count')?.value));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(200);
  });
});

describe('bodies', () => {
  it.each([
    ['malformed JSON', '{"text": '],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
    ['nothing', ''],
  ])('refuses %s with 400 and stays up', async (_name, body) => {
    const answer = await rig.post(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('body_invalid');
    expect(rig.recorder.of('request')[0]?.event.body.segments).toEqual([]);
    expect(outcomes()).toEqual(['refused']);
    expect((await rig.post({ text: 'a' })).status).toBe(200);
  });

  it('refuses 33 MB by Content-Length and the connection stays usable', async () => {
    const big = Buffer.alloc(33 * 1024 * 1024, 0x20);
    const head = `POST /c/claude/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Length: ${big.length}\r\n\r\n`;
    const next = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const got = await raw(Buffer.concat([Buffer.from(head), big, Buffer.from(next)]));
    expect(got).toMatch(/^HTTP\/1\.1 413 /);
    expect(got).toContain('HTTP/1.1 200 OK');
    expect(rig.recorder.of('request')[0]?.event.body).toMatchObject({
      original_length: big.length,
      complete: false,
      original_digest: null,
    });
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ status: 413, error_code: 'body_too_large' });
  });

  it('refuses 33 MB of chunks', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 0x20);
    const head = 'POST /c/claude/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nTransfer-Encoding: chunked\r\n\r\n';
    const parts = Array.from({ length: 33 }, () => [Buffer.from('100000\r\n'), chunk, Buffer.from('\r\n')]).flat();
    const got = await raw(Buffer.concat([Buffer.from(head), ...parts, Buffer.from('0\r\n\r\n')]), (text) =>
      text.includes('body_too_large'),
    );
    expect(got).toMatch(/^HTTP\/1\.1 413 /);
    expect((await rig.post({ text: 'a' })).status).toBe(200);
  });

  it('refuses encoded bodies and bodies on GET', async () => {
    expect((await rig.post({ text: 'a' }, { headers: { 'content-encoding': 'gzip' } })).status).toBe(400);
    expect((await rig.post({ text: 'a' }, { method: 'GET', path: '/c/claude/v1/models' })).status).toBe(400);
  });

  it('carries a large body in segment events ahead of the request', async () => {
    await rig.post({ text: 'a', pad: 'x'.repeat(3_000_000) });
    const segments = rig.recorder.of('segment');
    expect(segments.length).toBeGreaterThan(10);
    for (const { event } of segments)
      expect(event.segments.reduce((sum, { inline }) => sum + (inline?.length ?? 0), 0)).toBeLessThanOrEqual(256 * 1024);
    const cited = rig.recorder.of('request')[0]?.event.body.segments ?? [];
    expect(cited.every(({ inline }) => inline === null)).toBe(true);
    const carried = segments.map(({ event }) => rig.textOf(event)).join('');
    expect(carried).toBe(rig.upstream.heard[0]?.body);
    expect(rig.recorder.drafts.findIndex(({ type }) => type === 'request')).toBeGreaterThan(
      rig.recorder.drafts.findLastIndex(({ type }) => type === 'segment'),
    );
    await rig.post({ text: 'a', pad: 'x'.repeat(3_000_000) });
    expect(rig.recorder.of('segment')).toHaveLength(segments.length);
    expect(rig.recorder.of('request')[1]?.event.body.segments).toEqual(cited);
  });

  it('carries a large body in smaller steps while a small call is under way, and only then', async () => {
    const segmentsACommit = (from: number): number[] =>
      rig.recorder.commits
        .slice(from)
        .map((drafts) => drafts.filter(({ type }) => type === 'segment').length)
        .filter((segments) => segments > 0);
    const answer = rig.upstream.answer;
    let heard: () => void = () => undefined;
    let release: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (heard = resolve));
    rig.upstream.answer = (call) => {
      if (call.body.length > 10_000) return answer(call);
      release = () => void answer(call);
      heard();
    };
    const small = rig.post({ text: 'small' });
    await waiting;
    await rig.post({ text: 'beside', pad: 'x'.repeat(3_000_000) });
    expect(Math.max(...segmentsACommit(0))).toBe(1);
    release();
    expect((await small).status).toBe(200);
    const before = rig.recorder.commits.length;
    rig.upstream.answer = answer;
    await rig.post({ text: 'alone', pad: 'y'.repeat(3_000_000) });
    expect(Math.max(...segmentsACommit(before))).toBeGreaterThan(1);
  });

  it('refuses above the bytes in flight', async () => {
    const small = await Rig.start({ limits: { bodies_in_flight: 1000 } });
    expect((await small.post({ text: 'a', pad: 'x'.repeat(2000) })).status).toBe(529);
    expect((await small.post({ text: 'a', pad: 'x'.repeat(500) })).status).toBe(200);
    expect((await small.post({ text: 'a', pad: 'x'.repeat(500) })).status).toBe(200);
    await small.stop();
  });
});

describe('slow and large streams', () => {
  it('stops reading the upstream while the client takes nothing, and delivers every byte after', async () => {
    // More than the kernel's socket buffers of both connections can take in (they grow to some 20 MB on loopback).
    const line = `${'x'.repeat(1023)}\n`;
    const lines = 64 * 1024;
    const wide = await Rig.start({ limits: { response_bytes: 128 * 1024 * 1024 } });
    let written = 0;
    wide.upstream.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (): void => {
        while (written < lines) {
          written += 1;
          if (!response.write(line)) return void response.once('drain', more);
        }
        response.end('end\n');
      };
      more();
    };
    let length = 0;
    const heldBack = await new Promise<number>((resolve, reject) => {
      let atRest = 0;
      const headers = { authorization: 'Bearer alice', 'content-type': 'application/json' };
      const request = httpRequest({ host: '127.0.0.1', port: wide.gateway.port, path: '/c/claude/v1/messages', method: 'POST', headers });
      request.on('error', reject);
      request.on('response', (response) => {
        response.pause();
        untilStill(() => written).then((count) => {
          atRest = count;
          response.resume();
        }, reject);
        response.on('data', (part: Buffer) => (length += part.length));
        response.on('end', () => resolve(atRest));
      });
      request.end(JSON.stringify({ stream: true, text: 'a' }));
    });
    expect(heldBack).toBeLessThan(lines);
    expect(length).toBe(lines * 1024 + 4);
    const { event } = wide.recorder.of('response')[0] ?? {};
    expect(event).toMatchObject({ outcome: 'completed', body: { masked_length: length, complete: true } });
    expect(event?.timeline.length).toBeLessThanOrEqual(1024);
    expect(event?.timeline.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(length);
    await wide.stop();
  });

  it('lets a client that is still sending read why it was refused', async () => {
    const answer = await rig.post({ text: 'a', pad: 'x'.repeat(5_000_000) }, { headers: { authorization: 'Bearer bad' } });
    expect(answer.status).toBe(401);
    expect(answer.broken).toBe(false);
  });
});

describe('aborts', () => {
  it('records nothing of a call whose body never came whole', async () => {
    await new Promise<void>((resolve) => {
      void rig.post('{}', {
        headers: { 'content-length': '100' },
        onRequest: (request) => {
          request.on('error', () => resolve());
          request.once('socket', (socket) => socket.once('connect', () => setImmediate(() => request.destroy())));
        },
      });
    });
    await rig.post({ text: 'a' });
    expect(rig.recorder.of('request')).toHaveLength(1);
  });

  it('aborts the upstream when the client goes, and records what was sent', async () => {
    rig.upstream.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('one\ntw');
    };
    let request: ClientRequest | undefined;
    void rig.post(
      { stream: true, text: 'a' },
      { onRequest: (made) => (request = made).on('response', (response) => response.once('data', () => request?.destroy())) },
    );
    const heard = await rig.upstream.call(1);
    await heard.closed;
    await rig.recorder.until(() => rig.recorder.of('response').length === 1);
    const { event } = rig.recorder.of('response')[0] ?? {};
    expect(event).toMatchObject({ outcome: 'client_gone', status: 200, body: { complete: false, masked_length: 4 } });
  });

  it('aborts an upstream that has not answered yet', async () => {
    rig.upstream.answer = () => undefined;
    let request: ClientRequest | undefined;
    void rig.post({ text: 'a' }, { onRequest: (made) => (request = made) });
    const heard = await rig.upstream.call(1);
    request?.destroy();
    await heard.closed;
    await rig.recorder.until(() => rig.recorder.of('response').length === 1);
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'client_gone', status: 0, upstream_status: null });
  });

  it('cuts the stream when the upstream breaks off', async () => {
    rig.upstream.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('one\nha', () => response.destroy());
    };
    expect(await rig.post({ stream: true, text: 'a' })).toMatchObject({ status: 200, body: 'one\n', broken: true });
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'upstream_gone', error_code: 'upstream_unreachable' });
  });

  it('says 502 when nothing listens there', async () => {
    rig.connections = [connection('claude', 'http://127.0.0.1:9')];
    const answer = await rig.post({ text: 'a' });
    expect(answer).toMatchObject({ status: 502 });
    expect(answer.body).toContain('upstream_unreachable');
    expect(outcomes()).toEqual(['upstream_gone']);
  });

  it('refuses inside the stream what does not parse', async () => {
    rig.upstream.answer = ({ response }) => answerStream(response, 'one\nbad\nSECRET\nend\n');
    expect((await rig.post({ stream: true, text: 'a' })).status).toBe(502);
    const answer = await rig.streamInTwo({ stream: true, text: 'a' }, 'one\n', 'bad\nSECRET\nend\n');
    expect(answer.body).toBe('one\nerror:stream_invalid\n');
    expect(outcomes()).toEqual(['stream_error', 'stream_error']);
  });

  it('passes an error event of the upstream and records it', async () => {
    rig.upstream.answer = ({ response }) => answerStream(response, 'one\nerror\n');
    expect((await rig.post({ stream: true, text: 'a' })).body).toBe('one\nerror\n');
    expect(rig.recorder.of('response')[0]?.event).toMatchObject({ outcome: 'stream_error', error_code: 'overloaded_error' });
  });
});

describe('shutdown and reload', () => {
  it('finishes streams within the drain timeout, refuses new calls, cuts what is left', async () => {
    rig.upstream.answer = ({ response, body }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('one\n');
      if (body.includes('quick')) setTimeout(() => response.end('end\n'), 50);
    };
    const quick = rig.post({ stream: true, text: 'quick' });
    const stuck = rig.post({ stream: true, text: 'stuck' });
    await rig.upstream.call(2);
    const idle = connect(rig.gateway.port, '127.0.0.1');
    await once(idle, 'connect');
    const drained = rig.gateway.drain();
    expect(await quick).toMatchObject({ body: 'one\nend\n', broken: false });
    expect(await stuck).toMatchObject({ broken: true });
    await drained;
    idle.destroy();
    expect(outcomes().sort()).toEqual(['aborted', 'completed']);
    expect(rig.recorder.drafts.at(-1)).toMatchObject({ type: 'control', event: { kind: 'gateway.stopped' } });
  });

  it('says draining on a kept connection', async () => {
    rig.upstream.answer = () => undefined;
    const socket = connect(rig.gateway.port, '127.0.0.1');
    let got = '';
    socket.on('data', (part) => (got += part.toString()));
    const call = (text: string): string =>
      `POST /c/claude/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    socket.write(call('{"text":"a"}'));
    const heard = await rig.upstream.call(1);
    const drained = rig.gateway.drain();
    heard.response.writeHead(200, { 'content-type': 'application/json' });
    heard.response.end('{}');
    await Promise.all([drained, once(socket, 'close')]);
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
    expect(got.toLowerCase()).toContain('connection: close');
  });

  it('swaps connections and policies under running calls', async () => {
    rig.upstream.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('one\n');
    };
    const running = rig.post({ stream: true, text: 'a' });
    const heard = await rig.upstream.call(1);
    rig.connections = [connection('other', 'http://127.0.0.1:9')];
    rig.policies.publish('2', () => ({ action: 'block', rules: [] }));
    expect((await rig.post({ text: 'a' })).status).toBe(404);
    heard.response.end('end\n');
    expect(await running).toMatchObject({ body: 'one\nend\n', broken: false });
    expect(rig.recorder.controls('policy.published')).toHaveLength(2);
  });
});

/** The value once it has stopped changing: looked at until four looks in a row are the same. */
async function untilStill(look: () => number): Promise<number> {
  for (let same = 0, last = -1; ;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    same = look() === last ? same + 1 : 0;
    last = look();
    if (same >= 4) return last;
  }
}
