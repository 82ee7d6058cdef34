import { encodeOriginals, type SealingKey } from '#content-keys';
import type { EventCodec } from '#events';
import type { OriginalsEvent } from '#ledger-store';

/** A request event of session `s1` whose body keeps one value, masked in that segment, sealed under that key. */
export function sealedRequest(codec: EventCodec, exchange: string, segment: Buffer, key: SealingKey, value: string): OriginalsEvent {
  const list = encodeOriginals([{ segments: [segment.toString('hex')], values: [{ placeholder: '[US_SSN:1]', value }] }]);
  const envelope = {
    event_id: '01990000-0000-7000-8000-000000000000',
    source_id: 'gateway',
    boot_epoch: 1,
    seq: 1,
    prev_hash: Buffer.alloc(32),
    occurred_at: 1,
    clock_offset_us: 0,
    build: '0',
    session_id: 's1',
    exchange_id: exchange,
    principal: null,
    connection: 'claude',
  };
  const body = {
    segments: [{ sha256: segment, bytes_length: 3, media_type: 'application/json', inline: null }],
    original_digest: null,
    original_length: 3,
    masked_length: 3,
    complete: true,
    masks: [],
    content_key: null,
    sealed_originals: { key_id: key.id, values: 1, bytes: key.seal(list) },
  };
  const event = {
    envelope,
    protocol: 'anthropic',
    operation: 'messages',
    method: 'POST',
    path: '/v1/messages',
    model: 'm',
    stream: false,
    tools: [],
    user_agent: null,
    client_address: null,
    correlation: [],
    joins_exchange: null,
    body,
  };
  return { event_id: envelope.event_id, exchange_id: exchange, raw: codec.encode('request', event) };
}
