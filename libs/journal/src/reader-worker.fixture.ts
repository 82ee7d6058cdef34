import { parentPort, workerData } from 'node:worker_threads';
import { JournalReader } from './reader.js';
import type { Watermarks } from './watermarks.js';

/** Worker of the reader test: follows the source up to a seq and tells what it saw. */
const { directory, key, watermarks, until } = workerData as { directory: string; key: Uint8Array; watermarks: Watermarks; until: number };
const reader = new JournalReader({ directory, sourceId: 's', key: Buffer.from(key), watermark: watermarks.get('s') as SharedArrayBuffer });
// The sleep of waitBeyond does not keep a thread alive.
const alive = setInterval(() => {}, 1_000);
let count = 0;
let sum = 0;
let dense = true;
while (count < until) {
  const records = await reader.read(count + 1, { maxRecords: 100, maxBytes: 1 << 20 });
  if (records.length === 0) await reader.waitBeyond(count, 1_000);
  for (const { seq, payload } of records) {
    dense &&= seq === count + 1;
    count += 1;
    sum += Number(payload.toString());
  }
}
await reader.close();
clearInterval(alive);
parentPort?.postMessage({ count, dense, sum });
