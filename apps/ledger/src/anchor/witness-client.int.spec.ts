import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cosign, parseNote } from '#tlog';
import { signerOf } from '../../../../libs/signing/src/memory-signer.fixture.js';
import { AnchorWorld } from './testing.fixture.js';
import { WitnessClient } from './witness-client.js';

const key = signerOf('witness.test/w');
const stranger = signerOf('witness.test/w');

let server: Server;
let url: string;
let world: AnchorWorld;
let answer: (body: string, response: ServerResponse) => void;
let asked: string[];

beforeEach(async () => {
  asked = [];
  world = new AnchorWorld();
  await world.grow(20);
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${body.split('\n')[0]}`);
      answer(body, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const client = (timeoutMs = 60_000): WitnessClient =>
  new WitnessClient({ name: 'w', url: `${url}/prefix/`, vkey: key.cosignerVkey, timeoutMs });
const ask = (one = client()): Promise<string> => {
  const sealed = world.sealed!;
  return one.cosign({
    note: sealed.note,
    size: sealed.tree_size,
    proofFrom: async (size) => (size === 0 ? [] : [Buffer.alloc(32, size)]),
    signal,
  });
};
const { signal } = new AbortController();
const failed = expect.objectContaining({ code: 'witness_failed' });
const text = (): string => parseNote(world.sealed!.note).text;

describe('a witness client', () => {
  it('goes on from the size the witness names, and remembers the one it cosigned', async () => {
    const one = client();
    answer = (body, response) => {
      if (body.startsWith('old 7\n') || body.startsWith('old 20\n')) void cosign(text(), key, 5).then((line) => response.end(line));
      else response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('7\n');
    };
    const line = await ask(one);
    expect(line).toBe(await cosign(text(), key, 5));
    expect(one.timestampIn(world.sealed!.note + line)).toBe(5);
    await ask(one);
    expect(asked).toEqual(['POST /prefix/add-checkpoint old 0', 'POST /prefix/add-checkpoint old 7', 'POST /prefix/add-checkpoint old 20']);
  });

  it('takes its own line out of many', async () => {
    const lines = [await cosign(text(), stranger, 1), await cosign(text(), key, 2), await cosign(text(), key, 3)];
    answer = (_, response) => response.end(lines.join(''));
    expect(await ask()).toBe(lines[1]);
  });

  it.each<[string, (response: ServerResponse) => void | Promise<void>]>([
    ['nothing', (response) => void response.end()],
    ['no line', (response) => void response.end('hello\n')],
    ['bytes that are not UTF-8', (response) => void response.end(Buffer.of(0xff, 0xfe, 0x0a))],
    ['a line of another key', async (response) => void response.end(await cosign(text(), stranger, 1))],
    [
      'a cosignature of another checkpoint',
      async (response) => void response.end(await cosign(text().replace('\n20\n', '\n21\n'), key, 1)),
    ],
    ['a plain signature', async (response) => void response.end(`\u2014 ${key.name} ${Buffer.alloc(76).toString('base64')}\n`)],
    ['a text smuggled in before the line', async (response) => void response.end(`x\n\n${await cosign(text(), key, 1)}`)],
    ['more than it may say', (response) => void response.end('x'.repeat(300_000))],
    ['a size without end', (response) => void response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('9'.repeat(400))],
    ['a negative size', (response) => void response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('-1\n')],
    ['a size beyond ours', (response) => void response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('21\n')],
    ['the same size for ever', (response) => void response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('3\n')],
    ['409 without a size', (response) => void response.writeHead(409).end('3\n')],
    ['422', (response) => void response.writeHead(422).end('no\u001b[31m\n')],
    ['a redirect', (response) => void response.writeHead(307, { location: `${url}/elsewhere` }).end()],
    ['a broken connection', (response) => void response.destroy()],
  ])('refuses %s', async (_, say) => {
    answer = (_body, response) => void say(response);
    await expect(ask()).rejects.toEqual(failed);
    expect(asked.length).toBeLessThanOrEqual(3);
  });

  it('does not wait for ever', async () => {
    answer = () => undefined;
    await expect(ask(client(50))).rejects.toMatchObject({ code: 'witness_failed', message: 'it does not answer in time' });
  });

  it('tells that nobody is there', async () => {
    const nowhere = new WitnessClient({ name: 'w', url: 'http://127.0.0.1:1', vkey: key.cosignerVkey, timeoutMs: 60_000 });
    await expect(ask(nowhere)).rejects.toEqual(failed);
  });
});
