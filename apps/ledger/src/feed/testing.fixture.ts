import { EventCodec, type DecodedEvent } from '#events';
import { ocsfRecord, type OcsfRecord } from '#ocsf';

const codec = new EventCodec();

/** A control event of one source; its content is a function of source and seq. */
export function controlEvent(seq: number, source = 'gateway'): Extract<DecodedEvent, { type: 'control' }> {
  return {
    type: 'control',
    event: {
      envelope: {
        event_id: `0199b3c0-0000-7000-8000-${String(seq).padStart(12, '0')}`,
        source_id: source,
        boot_epoch: 1,
        seq,
        prev_hash: Buffer.alloc(32),
        occurred_at: 1_789_000_000_000_000 + seq,
        clock_offset_us: 0,
        build: '0',
        session_id: null,
        exchange_id: null,
        principal: null,
        connection: null,
      },
      kind: 'gateway.heartbeat',
      outcome: 'success',
      subject: 'grüße',
      attributes: [],
      detail: null,
    },
  };
}

export function records(from: number, to: number): OcsfRecord[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const decoded = controlEvent(from + index);
    const framed = codec.encode('control', decoded.event);
    return ocsfRecord(codec.decode(framed), framed, 'test/ledger');
  });
}

export function seqOf(line: string): number {
  return (JSON.parse(line) as { metadata: { sequence: number } }).metadata.sequence;
}
