import { describe, expect, it } from 'vitest';
import { EventCodec, payloadHash, TOPICS } from '#events';
import { decodeLeaf } from '#tlog';
import { fuzz } from '../../../../test/support/fuzz.mjs';
import { EventReader } from '../read-event.js';
import { answerDraft } from '../testing/answer-draft.js';
import { MemoryEventLog } from '../testing/memory-event-log.js';
import { MemoryRecorder } from '../testing/memory-recorder.js';
import { controlDraft } from '../testing/world.js';
import { buildRow } from './build-row.js';

describe('whatever bytes stand in the event log', () => {
  it('become a row and a leaf over exactly these bytes', async () => {
    const log = new MemoryEventLog();
    await new MemoryRecorder(log, new EventCodec(), 'gateway').record([
      controlDraft('ledger.gap'),
      controlDraft('hold.placed'),
      answerDraft(),
    ]);
    const reader = new EventReader(new EventCodec());
    const kinds = new Set<string>();
    await fuzz({
      name: 'record',
      seeds: log.partitions.get('gateway')!.map(({ value }) => value),
      codes: [],
      parse: (value) => {
        for (const topic of [TOPICS.control, TOPICS.response]) {
          const record = { topic, partition: 'affiant.control.v1/0', offset: 7, value };
          const read = reader.read(record);
          const row = buildRow(record, read, 0);
          expect(row.payload_hash.equals(payloadHash(value))).toBe(true);
          kinds.add(row.event_type);
          const leaf = read.event.type === 'checkpoint' ? null : decodeLeaf(row.leaf);
          expect(leaf === null || leaf.payload_hash.equals(row.payload_hash)).toBe(true);
        }
      },
    });
    expect([...kinds].sort()).toEqual(expect.arrayContaining(['control', 'response', 'undecodable']));
  });
});
