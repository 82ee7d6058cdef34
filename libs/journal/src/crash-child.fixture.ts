import { writeSync } from 'node:fs';
import { EventCodec, SystemClock, SystemIds } from '#events';
import { requestDraft, responseDraft, segmentDraft } from './event-drafts.fixture.js';
import { JournalRecorder } from './journal-recorder.js';
import { recoverSource } from './recover-source.js';

/**
 * Child of the crash test: recovers the source, then records exchanges from several writers until it is killed. After each durable call it
 * prints `<seq> <payload hash>` per event, `open <n>` at start; what is printed must survive.
 */
const [directory = '', keyHex = ''] = process.argv.slice(2);
const codec = new EventCodec();
const source = await recoverSource({
  directory,
  sourceId: 'gateway',
  key: Buffer.from(keyHex, 'hex'),
  segmentBytes: 250_000,
  highWaterBytes: 1 << 30,
  codec,
});
const recorder = new JournalRecorder({ ...source, codec, clock: new SystemClock(), ids: new SystemIds() });
const say = (line: string): number => writeSync(1, `${line}\n`);

const record = async (...drafts: Parameters<typeof recorder.record>[0]): Promise<void> => {
  const receipts = await recorder.record(drafts);
  say(receipts.map(({ seq, payload_hash }) => `${seq} ${payload_hash.toString('hex')}`).join('\n'));
};

say(`open ${source.openExchanges.length}`);
for (const { exchange_id } of source.openExchanges) await record(responseDraft(exchange_id, 5));

const writer = async (name: string): Promise<never> => {
  for (let count = 0; ; count += 1) {
    const id = `${process.pid}-${name}-${count}`;
    const bytes = Math.floor(Math.random() ** 4 * 60_000);
    await record(segmentDraft(id, 'request', bytes), requestDraft(id, 50));
    await record(responseDraft(id, bytes));
    if (name === '0' && count % 5 === 4) await recorder.acknowledge(source.journal.durableSeq - 50);
  }
};
await Promise.all(Array.from({ length: 8 }, (_, index) => writer(String(index))));
