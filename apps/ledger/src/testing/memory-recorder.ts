import { payloadHash, type EventCodec, type EventDraft, type EventRecorder, type Receipt } from '#events';
import type { MemoryEventLog } from './memory-event-log.js';

const ZERO_HASH = Buffer.alloc(32);

/** Recorder of one source straight into the memory event log. Ids and times are a pure function of source and seq. */
export class MemoryRecorder implements EventRecorder {
  /** A test that starts the source anew raises it. */
  bootEpoch = 1;

  constructor(
    private readonly log: MemoryEventLog,
    private readonly codec: EventCodec,
    readonly sourceId: string,
  ) {}

  async record(drafts: readonly EventDraft[]): Promise<readonly Receipt[]> {
    return drafts.map((draft) => this.#append(draft));
  }

  /** Puts bytes that are no event where the next event would be. */
  corrupt(value: Buffer): void {
    this.log.append(this.sourceId, 'affiant.request.v1', value);
  }

  #append(draft: EventDraft): Receipt {
    const records = this.log.partitions.get(this.sourceId) ?? [];
    const seq = records.length + 1;
    const last = records.at(-1);
    const event_id = `00000000-0000-7000-8000-${seq.toString(16).padStart(12, '0')}`;
    const envelope = {
      event_id,
      source_id: this.sourceId,
      boot_epoch: this.bootEpoch,
      seq,
      prev_hash: last === undefined ? ZERO_HASH : payloadHash(last.value),
      occurred_at: 1_790_000_000_000_000 + seq,
      clock_offset_us: 0,
      build: 'test',
      ...draft.context,
    };
    const event = { envelope, ...draft.event };
    const value = this.codec.encode(draft.type, event);
    this.log.append(this.sourceId, this.codec.topicOf(draft.type, event), value);
    return { event_id, source_id: this.sourceId, seq, payload_hash: payloadHash(value) };
  }
}
