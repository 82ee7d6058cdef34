import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkNote, parseTrustPolicy, readCheckpoint, type TrustPolicy } from '#tlog';
import { signerOf } from '../../../libs/signing/src/memory-signer.fixture.js';
import { bundleEntry } from '../../../test/support/bundle-entry.js';
import { TestLog } from './testing.fixture.js';

const KILLS = 8;
const key = signerOf('log.example/ledger');
let directory: string;
let script: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'witness-'));
  script = await bundleEntry(fileURLToPath(new URL('./witness-child.fixture.ts', import.meta.url)), 'witness-child');
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await rm(script, { force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly vkey: string;
}

async function start(state: string): Promise<Running> {
  const child = spawn(process.execPath, [script, state, 'witness.example/w1', key.name, key.vkey], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  for await (const text of child.stdout!.setEncoding('utf8') as AsyncIterable<string>) {
    printed += text;
    if (printed.includes('\n')) break;
  }
  const [, url, vkey] = /ready: (\S+), key (\S+)\n/.exec(printed) ?? [];
  if (url === undefined || vkey === undefined) throw new Error(`the witness did not start: ${printed}`);
  return { child, url, vkey };
}

async function end({ child }: Running, signal: NodeJS.Signals): Promise<number | null> {
  const closed = once(child, 'exit');
  child.kill(signal);
  const [code] = (await closed) as [number | null];
  return code;
}

const post = (url: string, body: string | Buffer, path = '/add-checkpoint'): Promise<Response> =>
  fetch(url + path, { method: 'POST', body });

/** Null when the witness is gone before its answer was whole. */
async function ask(url: string, body: string): Promise<{ readonly status: number; readonly text: string } | null> {
  try {
    const response = await post(url, body);
    return { status: response.status, text: await response.text() };
  } catch {
    return null;
  }
}

describe('a witness as a process', () => {
  it('speaks HTTP as the specification says, and bounds what it takes', async () => {
    const state = join(directory, 'http');
    const witness = await start(state);
    const log = new TestLog(key);
    await log.grow(20);
    try {
      const answer = await post(witness.url, await log.request(0, 7));
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
      expect(await answer.text()).toMatch(/^\u2014 witness\.example\/w1 \S+\n$/u);
      const behind = await post(witness.url, await log.request(0, 9));
      expect([behind.status, behind.headers.get('content-type'), await behind.text()]).toEqual([409, 'text/x.tlog.size', '7\n']);

      expect((await post(witness.url, 'x'.repeat(600_000))).status).toBe(413);
      expect((await post(witness.url, '', '/other')).status).toBe(404);
      expect((await fetch(`${witness.url}/add-checkpoint`)).status).toBe(405);
      expect((await fetch(`${witness.url}/livez`)).status).toBe(200);
      expect((await post(witness.url, Buffer.from([0xff, 0x00]))).status).toBe(400);

      // Somebody who says nothing, and somebody who goes away in the middle, hinder nobody.
      const { port } = new URL(witness.url);
      const silent = connect(Number(port), '127.0.0.1');
      const rude = connect(Number(port), '127.0.0.1');
      await Promise.all([once(silent, 'connect'), once(rude, 'connect')]);
      rude.write('POST /add-checkpoint HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nold 7\n');
      rude.destroy();
      expect((await post(witness.url, await log.request(7, 20))).status).toBe(200);
      silent.destroy();

      expect((await readFile(join(state, 'keys', 'witness.vkey'), 'utf8')).trim()).toBe(witness.vkey);
    } finally {
      expect(await end(witness, 'SIGTERM')).toBe(0);
    }
    // Its key is made once.
    const again = await start(state);
    expect(again.vkey).toBe(witness.vkey);
    await end(again, 'SIGTERM');
  });

  it(`cosigns one history only, over ${KILLS} kill -9 while two are shown to it`, async () => {
    const state = join(directory, 'killed');
    const logs = [new TestLog(key), new TestLog(key, 'other')];
    for (const log of logs) await log.grow(5_000);
    const cosigned: { readonly history: number; readonly size: number; readonly root: string }[] = [];
    let policy: TrustPolicy | null = null;

    for (let round = 0; round < KILLS; round += 1) {
      const witness = await start(state);
      policy ??= parseTrustPolicy(`log ${key.vkey}\nwitness W ${witness.vkey}\nquorum W\n`);
      const trusted = policy;
      let answers = 0;
      // Killed after some answers, in the middle of the next: how many is a number, not a time.
      const enough = 3 + Math.floor(Math.random() * 30);
      let heard = (): void => undefined;
      const heardEnough = new Promise<void>((resolve) => (heard = resolve));
      // Both histories, as fast as it answers; which is first in is for chance.
      const show = async (history: number): Promise<void> => {
        const log = logs[history]!;
        let from = 0;
        for (let size = 0; ;) {
          const to = Math.min(size + 1 + Math.floor(Math.random() * 3), 5_000);
          const note = await log.note(to);
          const body = await log.request(from, to, note);
          const answer = await ask(witness.url, body);
          if (answer === null) return heard();
          const { status, text } = answer;
          answers += 1;
          if (answers === enough) heard();
          if (status === 409) from = Number(text);
          if (status === 200) {
            const { head } = checkNote(trusted, note + text);
            cosigned.push({ history, size: head.size, root: head.root.toString('hex') });
            from = to;
          }
          size = from;
        }
      };
      const shows = [show(0), show(1)];
      await Promise.race([heardEnough, ...shows]);
      await end(witness, 'SIGKILL');
      await Promise.all(shows);
    }

    expect(cosigned.length).toBeGreaterThan(KILLS);
    // One history, and its size never goes back: each answer came after the one before it was durable.
    expect(new Set(cosigned.map(({ history }) => history)).size).toBe(1);
    const sizes = cosigned.map(({ size }) => size);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    // What is stored is at least what was told.
    const [file] = (await readdir(join(state, 'heads'))).filter((name) => !name.startsWith('.'));
    const stored = readCheckpoint(await readFile(join(state, 'heads', file!)));
    expect(stored.size).toBeGreaterThanOrEqual(Math.max(...sizes));
    console.log(`${KILLS} kills, ${cosigned.length} cosignatures, last size ${stored.size}`);
  });
});
