import { describe, expect, it } from 'vitest';
import { EventCodec, payloadHash, type DecodedEvent } from '#events';
import { ocsfRecord, type OcsfRecord } from './record.js';
import { DECISION, envelope, PRINCIPAL, REQUEST, RESPONSE, SAMPLES, SECRET_TEXT } from './sample-events.fixture.js';

const codec = new EventCodec();
const origin = 'affiant.local/ledger';

function recordOf(type: DecodedEvent['type'], event: object): OcsfRecord {
  const framed = codec.encode(type, event);
  return ocsfRecord(codec.decode(framed), framed, origin);
}

describe('toOcsf', () => {
  it('takes its identity and its place from the event', () => {
    const { uid, sourceId, seq, event } = recordOf('request', REQUEST);
    expect({ uid, sourceId, seq }).toEqual({ uid: REQUEST.envelope.event_id, sourceId: 'gateway', seq: 1 });
    expect(event.metadata).toMatchObject({ uid, sequence: 1, log_source: 'gateway', log_name: 'affiant.request.v1', version: '1.9.0' });
    expect(event).toMatchObject({ class_uid: 6003, type_uid: 600399, activity_name: 'Request', time: 1_789_000_000_123 });
    expect(event).toMatchObject({ actor: { user: { uid: 'alice' } }, src_endpoint: { ip: '203.0.113.9' }, api: { operation: 'messages' } });
    expect(event).toMatchObject({ ai_agent: { uid: 'agent-7', ai_model: { name: 'claude-opus' } } });
  });

  it('is a function of the bytes: twice the same record, to the byte', () => {
    for (const { type, event } of SAMPLES) expect(recordOf(type, event).json).toBe(recordOf(type, event).json);
  });

  it('attests the chain of the source over the exact Avro bytes, and says over what', () => {
    const framed = codec.encode('response', RESPONSE);
    const { event } = recordOf('response', RESPONSE);
    expect(event['attestation_list']).toEqual([
      {
        uid: 'gateway:3',
        authority_uid: origin,
        chain_uid: `${origin}#gateway`,
        fingerprint: expect.objectContaining({ serialization_id: 99, value: payloadHash(framed).toString('hex') }) as object,
        prev_event: { uid: 'gateway:2', fingerprint: expect.objectContaining({ value: '07'.repeat(32) }) as object },
      },
    ]);
    expect(recordOf('request', REQUEST).event['attestation_list']).toEqual([expect.objectContaining({ prev_event: undefined })]);
  });

  it('never carries body text, published policy text or undecodable bytes', () => {
    for (const { type, event } of SAMPLES) expect(recordOf(type, event).json).not.toContain(SECRET_TEXT);
  });

  it('tells a block as an alert and a masked call as modified', () => {
    expect(recordOf('decision', { ...DECISION, verdict: 'block' }).event).toMatchObject({
      action: 'Denied',
      disposition: 'Blocked',
      is_alert: true,
      status: 'Failure',
    });
    expect(recordOf('decision', DECISION).event).toMatchObject({ action: 'Modified', is_alert: false, status: 'Success' });
  });

  it('names the approver as the actor and keeps the requester', () => {
    const step = SAMPLES.find(({ event }) => 'kind' in event && event.kind === 'approval_granted');
    const { event } = recordOf('decision', step?.event ?? {});
    expect(event).toMatchObject({
      actor: { user: { uid: 'bob' } },
      unmapped: { affiant: { requester: { subject: PRINCIPAL.subject }, approval: { approver_group: 'data-owners' } } },
    });
  });

  it('is one line of ASCII of bounded size, whatever the event holds', () => {
    const long = 'ü😀\u2028'.repeat(2_000);
    const { json } = recordOf('request', {
      ...REQUEST,
      envelope: envelope(1, { principal: { ...PRINCIPAL, groups: Array.from({ length: 200 }, () => long.slice(0, 300)) } }),
      path: long,
      user_agent: long,
      model: long,
      tools: Array.from({ length: 200 }, () => long),
      correlation: Array.from({ length: 200 }, () => ({ name: 'n', value: long })),
    });
    expect(json).toMatch(/^[\x20-\x7e]+$/);
    expect(json.length).toBeLessThan(256 * 1024);
    expect(JSON.parse(json)).toMatchObject({ unmapped: { affiant: { tools_count: 200 } } });
  });
});
