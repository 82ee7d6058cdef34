import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '#events';
import { createLogger } from '#observability';
import { checkNote, parseTrustPolicy } from '#tlog';
import { signerOf } from '../../../libs/signing/src/memory-signer.fixture.js';
import { HeadStore } from './head-store.js';
import { TestLog } from './testing.fixture.js';
import { Witness, type Answer } from './witness.js';

const key = signerOf('log.example/ledger');
const nextKey = signerOf('log.example/ledger');
const stranger = signerOf('log.example/other');
const signer = signerOf('witness.example/w1');
const logger = createLogger('test', { level: 'silent' });
const clock = Object.assign(new SystemClock(), { nowMs: () => 1_700_000_000_900 });
const logs = [key, nextKey].map(({ name, vkey }) => ({ origin: name, vkey }));
const policy = parseTrustPolicy(`log ${key.vkey}\nlog ${nextKey.vkey}\nwitness W ${signer.cosignerVkey}\nquorum W\n`);

let directory: string;
let log: TestLog;
let witness: Witness;

const open = async (): Promise<Witness> => new Witness({ signer, logs, heads: await HeadStore.open(directory), clock, logger });
const ask = (body: string | Buffer): Promise<Answer> => witness.addCheckpoint(Buffer.from(body));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'witness-'));
  log = new TestLog(key);
  await log.grow(700);
  witness = await open();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('add-checkpoint', () => {
  it('cosigns a first checkpoint, and each that extends it', async () => {
    for (const [from, to] of [
      [0, 3],
      [3, 3],
      [3, 300],
      [300, 700],
    ] as const) {
      const answer = await ask(await log.request(from, to));
      expect(answer).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
      const checked = checkNote(policy, (await log.note(to)) + answer.body);
      expect(checked).toMatchObject({ head: { size: to }, witnesses: [{ name: 'W', timestamp: 1_700_000_000 }] });
    }
  });

  it('tells its size when the client thinks of another, also after a restart', async () => {
    expect(await ask(await log.request(5, 9))).toEqual({ status: 409, type: 'text/x.tlog.size', body: '0\n' });
    await ask(await log.request(0, 300));
    witness = await open();
    for (const [from, to] of [
      [0, 700],
      [299, 700],
      [301, 700],
      [0, 200],
      [200, 200],
      [200, 300],
    ] as const)
      expect(await ask(await log.request(from, to))).toEqual({ status: 409, type: 'text/x.tlog.size', body: '300\n' });
  });

  it('refuses another history for ever, and keeps the proof of it', async () => {
    await ask(await log.request(0, 300));
    const fork = new TestLog(key, 'other');
    await fork.grow(700);
    expect(await ask(await fork.request(300, 300))).toMatchObject({ status: 422 });
    expect(await readdir(join(directory, 'forks'))).toHaveLength(1);
    expect(await ask(await fork.request(300, 700))).toMatchObject({ status: 422 });
    witness = await open();
    expect(await ask(await fork.request(300, 700))).toMatchObject({ status: 422 });
    expect(await ask(await fork.request(0, 700))).toMatchObject({ status: 409, body: '300\n' });
    expect(await ask(await log.request(300, 700))).toMatchObject({ status: 200 });
  });

  it('refuses a proof that does not fit, and a proof where none may be', async () => {
    const proof = `${Buffer.alloc(32).toString('base64')}\n`;
    const note = await log.note(300);
    expect(await ask(`old 0\n${proof}\n${note}`)).toMatchObject({ status: 422 });
    await ask(`old 0\n\n${note}`);
    for (const bad of ['', proof, proof.repeat(63)])
      expect(await ask(`old 300\n${bad}\n${await log.note(700)}`)).toMatchObject({ status: 422 });
    expect(await ask(`old 300\n${proof}\n${note}`)).toMatchObject({ status: 422 });
    expect(await ask(await log.request(300, 700))).toMatchObject({ status: 200 });
  });

  it('takes an empty tree, but only with the empty root', async () => {
    const empty = new TestLog(key);
    expect(await ask(await empty.request(0, 0))).toMatchObject({ status: 200 });
    const text = `${key.name}\n0\n${Buffer.alloc(32, 1).toString('base64')}\n`;
    const { signNote } = await import('#tlog');
    expect(await ask(`old 0\n\n${await signNote(text, [key])}`)).toMatchObject({ status: 422 });
  });

  it('answers 404 for a log it does not watch', async () => {
    expect(await ask(await new TestLog(stranger).request(0, 0))).toMatchObject({ status: 404 });
  });

  it('answers 403 without a good signature by a key of the log', async () => {
    const other = signerOf(key.name);
    expect(await ask(await log.request(0, 3, await log.note(3, [other])))).toMatchObject({ status: 403 });
    const good = await log.note(3);
    const damaged = good.replace(/(\u2014 \S+ \S{20})(\S)/u, (_, head: string, one: string) => head + (one === 'A' ? 'B' : 'A'));
    expect(await ask(`old 0\n\n${damaged}`)).toMatchObject({ status: 403 });
    // A known key that has signed badly spoils the note, whoever else has signed.
    const both = (await log.note(3, [nextKey])) + damaged.slice(damaged.lastIndexOf('\n\n') + 2);
    expect(await ask(`old 0\n\n${both}`)).toMatchObject({ status: 403 });
  });

  it('follows a log over the change of its key', async () => {
    expect(await ask(await log.request(0, 3))).toMatchObject({ status: 200 });
    expect(await ask(await log.request(3, 300, await log.note(300, [key, nextKey])))).toMatchObject({ status: 200 });
    expect(await ask(await log.request(300, 700, await log.note(700, [nextKey])))).toMatchObject({ status: 200 });
  });

  it('cosigns one of many that race, and never goes back', async () => {
    await ask(await log.request(0, 10));
    const sizes = [400, 300, 200, 100, 50];
    const answers = await Promise.all(sizes.map(async (size) => ask(await log.request(10, size))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const size = sizes[answers.findIndex(({ status }) => status === 200)]!;
    for (const answer of answers.filter(({ status }) => status !== 200)) expect(answer).toMatchObject({ status: 409, body: `${size}\n` });
  });

  it('refuses what does not fit into its queue instead of keeping it', async () => {
    const body = Buffer.from(await log.request(0, 3));
    const answers = await Promise.all(Array.from({ length: 40 }, () => witness.addCheckpoint(body)));
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(24);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await ask(await log.request(3, 5))).toMatchObject({ status: 200 });
  });

  it('cosigns nothing of a log whose stored head is damaged', async () => {
    await ask(await log.request(0, 3));
    const [file] = await readdir(join(directory, 'heads'));
    await writeFile(join(directory, 'heads', file!), '');
    await expect(ask(await log.request(0, 3))).rejects.toMatchObject({ code: 'ledger_conflict' });
  });

  it('does not start with a key that is of another log', async () => {
    const heads = await HeadStore.open(directory);
    expect(() => new Witness({ signer, logs: [{ origin: 'a', vkey: key.vkey }], heads, clock, logger })).toThrow(
      expect.objectContaining({ code: 'key_invalid' }),
    );
  });
});

describe('hostile bodies', () => {
  it.each([
    ['empty', ''],
    ['no old line', '\nx\n'],
    ['old without size', 'old \n\n'],
    ['leading zero', 'old 03\n\n'],
    ['sign', 'old +3\n\n'],
    ['negative', 'old -1\n\n'],
    ['hexadecimal', 'old 0x3\n\n'],
    ['beyond 2^53', 'old 9007199254740993\n\n'],
    ['no newline', 'old 3'],
    ['carriage return', 'old 3\r\n\r\n'],
    ['short hash', 'old 3\nAAAA\n\n'],
    ['loose base64', `old 3\n${'A'.repeat(42)}B=\n\n`],
    ['a proof without end', `old 3\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}\n`],
    ['a line without end', `old 3\n${'A'.repeat(100_000)}`],
    ['no note', 'old 0\n\n'],
    ['NUL', 'old 0\n\n\u0000'],
    ['many lines', 'old 0\n\n' + '\n'.repeat(100_000)],
  ])('answers 400 to %s', async (_, head) => {
    expect(
      await ask(head.endsWith('\n\n') && head.length < 100 ? head + (head === 'old 0\n\n' ? '' : await log.note(3)) : head),
    ).toMatchObject({ status: 400 });
  });

  it('answers 400 when the old size is larger than the checkpoint', async () => {
    expect(await ask(`old 4\n\n${await log.note(3)}`)).toMatchObject({ status: 400 });
  });

  it('cosigns no mutation of a request as another text', async () => {
    const good = Buffer.from(await log.request(0, 300));
    const text = await log.text(300);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(good);
        changed[at]! ^= flip;
        const { status } = await witness.addCheckpoint(changed);
        // Only what a reader ignores may differ, and nothing of a note with one signature is ignored.
        expect([400, 403, 404, 409, 422]).toContain(status);
      }),
      { numRuns: 300 },
    );
    expect(checkNote(policy, `${text}\n${(await log.note(300)).split('\n\n')[1]!}${(await ask(good)).body}`).quorumMet).toBe(true);
  });

  it('answers anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await ask(Buffer.from(bytes))).toMatchObject({ status: 400 });
      }),
    );
  });
});
