import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EventCodec, SystemClock, SystemIds, SYSTEM_CONTEXT, type EventDraft } from '#events';
import { JournalRecorder, openJournal, type FileJournal } from '#journal';

/**
 * Appends per second, waiting time and CPU of the journal: `node dist/test/load/journal.js [directory]`, on the disk of that directory.
 * Raw appends of 1 KiB at 1, 64 and 256 writers, then whole events of 1, 4, 64 and 256 kB (envelope, Avro, hash chain, encryption, CRC).
 */
const root = await mkdtemp(join(process.argv[2] ?? '/var/tmp', 'journal-bench-'));

async function measure(
  name: string,
  writers: number,
  calls: number,
  prepare: (journal: FileJournal) => () => Promise<unknown>,
): Promise<void> {
  const directory = join(root, name.replaceAll(' ', '-'));
  const { journal } = await openJournal({
    directory,
    sourceId: 'bench',
    key: randomBytes(32),
    segmentBytes: 64 << 20,
    highWaterBytes: 8 * 2 ** 30,
  });
  const call = prepare(journal);
  const run = async (count: number, waits: number[]): Promise<void> => {
    let left = count;
    const writer = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const from = performance.now();
        await call();
        waits.push(performance.now() - from);
      }
    };
    await Promise.all(Array.from({ length: writers }, writer));
  };
  await run(Math.ceil(calls / 5), []);
  const waits: number[] = [];
  const cpu = process.cpuUsage();
  const from = performance.now();
  await run(calls, waits);
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  waits.sort((a, b) => a - b);
  const at = (share: number): string => (waits[Math.floor(waits.length * share)] ?? 0).toFixed(2);
  console.log(
    `${name.padEnd(22)} ${String(writers).padStart(4)} writers ${Math.round(calls / seconds)
      .toString()
      .padStart(
        8,
      )}/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  CPU ${((user + system) / calls).toFixed(1)} µs (user ${(user / calls).toFixed(1)})`,
  );
  await journal.close();
  await rm(directory, { recursive: true });
}

const payload = randomBytes(1024);
for (const [writers, calls] of [
  [1, 5_000],
  [64, 150_000],
  [256, 200_000],
] as const) {
  await measure('raw 1 KiB', writers, calls, (journal) => () => journal.append([{ topic: 0, payload }]));
}

const eventOf = (bytes: number): EventDraft => ({
  type: 'request',
  context: {
    ...SYSTEM_CONTEXT,
    session_id: '0190a0b0-0000-7000-8000-000000000000',
    exchange_id: '0190a0b0-0000-7000-8000-000000000001',
    connection: 'claude',
    principal: {
      issuer: 'https://idp.example.com',
      subject: 'alice@example.com',
      kind: 'user',
      groups: ['engineering', 'everyone'],
      actor: null,
      token_digest: 'a'.repeat(64),
      token_expires_at: 1_800_000_000_000_000,
      authenticated_by: null,
    },
  },
  event: {
    protocol: 'anthropic',
    operation: 'messages',
    method: 'POST',
    path: '/v1/messages',
    model: 'claude-sonnet',
    stream: true,
    tools: ['Bash', 'Read', 'Write'],
    user_agent: 'claude-cli/2.0',
    client_address: '127.0.0.1',
    correlation: [{ name: 'x-session', value: 'abc' }],
    joins_exchange: null,
    body: {
      segments: [{ sha256: randomBytes(32), bytes_length: bytes, media_type: 'application/json', inline: randomBytes(bytes) }],
      original_digest: 'b'.repeat(64),
      original_length: bytes,
      masked_length: bytes,
      complete: true,
      masks: [{ entity: 'us_ssn', rule: 'us_ssn@1', policy: 'customer-data', count: 2 }],
      content_key: null,
      sealed_originals: null,
    },
  },
});
const codec = new EventCodec();
for (const [bytes, writers, calls] of [
  [1_024, 64, 60_000],
  [4_096, 1, 3_000],
  [4_096, 16, 30_000],
  [4_096, 64, 60_000],
  [65_536, 16, 6_000],
  [262_144, 8, 1_500],
] as const) {
  const draft = [eventOf(bytes)];
  await measure(`event ${bytes} B`, writers, calls, (journal) => {
    const recorder = new JournalRecorder({ journal, codec, clock: new SystemClock(), ids: new SystemIds() });
    return () => recorder.record(draft);
  });
}
await rm(root, { recursive: true, force: true });
