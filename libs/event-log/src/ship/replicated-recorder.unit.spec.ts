import { describe, expect, it } from 'vitest';
import { SYSTEM_CONTEXT, type EventDraft, type EventRecorder } from '#events';
import { ReplicatedRecorder } from './replicated-recorder.js';

const asked: number[] = [];
let reached = true;

function recorder(): ReplicatedRecorder {
  asked.length = 0;
  let seq = 0;
  const inner: EventRecorder = {
    sourceId: 'proxy-a',
    bootEpoch: 1,
    record: async (drafts) => drafts.map(() => ({ event_id: '', source_id: 'proxy-a', seq: (seq += 1), payload_hash: Buffer.alloc(32) })),
  };
  const shipper = {
    replicatedThrough: async (through: number) => {
      asked.push(through);
      return reached;
    },
  };
  return new ReplicatedRecorder({ recorder: inner, shipper, isReplicated: (name) => name === 'strict', timeoutMs: 10 });
}

const draft = (type: EventDraft['type'], connection: string | null, event: object = {}): EventDraft =>
  ({ type, context: { ...SYSTEM_CONTEXT, connection }, event }) as unknown as EventDraft;

describe('ReplicatedRecorder', () => {
  it('waits for the last event of a replicated connection, and for nothing else', async () => {
    reached = true;
    const strict = recorder();
    await strict.record([draft('request', 'loose'), draft('control', null), draft('segment', 'strict')]);
    expect(asked).toEqual([]);
    await strict.record([draft('request', 'strict'), draft('decision', 'strict'), draft('control', null)]);
    expect(asked).toEqual([5]);
  });

  it('refuses with a code of its own, and lets the refusal be recorded without waiting', async () => {
    reached = false;
    const strict = recorder();
    await expect(strict.record([draft('request', 'strict')])).rejects.toMatchObject({ code: 'replication_timeout', status: 503 });
    await strict.record([draft('response', 'strict', { error_code: 'replication_timeout' })]);
    expect(asked).toEqual([1]);
  });
});
