import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventCodec, payloadHash } from '#events';
import { bundleEntry } from '../../../test/support/bundle-entry.js';
import { JournalReader } from './reader.js';
import { recoverSource } from './recover-source.js';

const ROUNDS = 20;
const key = randomBytes(32);
const codec = new EventCodec();
let directory: string;
let script: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'crash-'));
  script = await bundleEntry(fileURLToPath(new URL('./crash-child.fixture.ts', import.meta.url)), 'crash-child');
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await rm(script, { force: true });
});

/** Runs the child, kills it a random moment after its first words, and answers what it had acknowledged. */
async function runAndKill(): Promise<Map<number, string>> {
  const child = spawn(process.execPath, [script, directory, key.toString('hex')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await once(child.stdout, 'data');
  setTimeout(() => child.kill('SIGKILL'), Math.random() * 150);
  await once(child, 'close');
  const acknowledged = new Map<number, string>();
  // The last line may be cut by the kill; the others are promises kept.
  for (const line of printed.split('\n').slice(0, -1)) {
    const [seq = '', hash = ''] = line.split(' ');
    if (seq !== 'open') acknowledged.set(Number(seq), hash);
  }
  return acknowledged;
}

it(`loses nothing that was acknowledged in ${ROUNDS} kills, and stays dense and chained`, { timeout: 120_000 }, async () => {
  const acknowledged = new Map<number, string>();
  let torn = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const [seq, hash] of await runAndKill()) {
      expect(acknowledged.get(seq), `seq ${seq} was used twice`).toBeUndefined();
      acknowledged.set(seq, hash);
    }
    // Every other round the child itself recovers from the crash; here the test does, as a restart would.
    if (round % 2 === 0) {
      const source = await recoverSource({ directory, sourceId: 'gateway', key, segmentBytes: 250_000, highWaterBytes: 1 << 30, codec });
      torn += source.tornBytes > 0 ? 1 : 0;
      expect(source.lastEpoch).toBe(round + round / 2 - 1);
      expect(source.journal.nextSeq).toBeGreaterThan(Math.max(...acknowledged.keys()));
      await source.journal.close();
    }
  }

  const reader = new JournalReader({ directory, sourceId: 'gateway', key });
  const first = await reader.firstSeq();
  let expected = first;
  let previous: Buffer | null = null;
  let epoch = 0;
  const answered = new Set<string | null>();
  for (let records = await reader.read(first, { maxRecords: 500, maxBytes: 1 << 22 }); records.length > 0;) {
    for (const { seq, payload } of records) {
      const decoded = codec.decode(payload);
      const { envelope } = decoded.event;
      const hash = payloadHash(payload);
      expect(seq).toBe(expected);
      expect(envelope.seq).toBe(seq);
      expect(envelope.boot_epoch).toBeGreaterThanOrEqual(epoch);
      if (previous !== null) expect(envelope.prev_hash.equals(previous)).toBe(true);
      if (decoded.type === 'response') {
        expect(answered.has(envelope.exchange_id), `${envelope.exchange_id} has two responses`).toBe(false);
        answered.add(envelope.exchange_id);
      }
      if (acknowledged.has(seq)) expect(acknowledged.get(seq)).toBe(hash.toString('hex'));
      acknowledged.delete(seq);
      previous = hash;
      epoch = envelope.boot_epoch;
      expected += 1;
    }
    records = await reader.read(expected, { maxRecords: 500, maxBytes: 1 << 22 });
  }
  await reader.close();
  expect([...acknowledged.keys()].filter((seq) => seq >= first)).toEqual([]);
  expect(expected - first).toBeGreaterThan(100);
  const { journal, openExchanges } = await recoverSource({
    directory,
    sourceId: 'gateway',
    key,
    segmentBytes: 250_000,
    highWaterBytes: 1 << 30,
    codec,
  });
  expect(openExchanges.filter(({ exchange_id }) => answered.has(exchange_id))).toEqual([]);
  await journal.close();
  console.log(`${ROUNDS} kills, ${expected - 1} events, ${torn} torn tails met by the test, oldest retained ${first}`);
});
