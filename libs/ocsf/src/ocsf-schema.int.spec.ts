import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventCodec, type DecodedEvent } from '#events';
import { arbitraryOf } from '../../events/src/schema-arbitrary.fixture.js';
import { ocsfValidator } from '../../../test/support/ocsf/validate.mjs';
import { missing } from '../../../test/support/tools.mjs';
import { ocsfRecord } from './record.js';
import { SAMPLES } from './sample-events.fixture.js';

const codec = new EventCodec();
const origin = 'affiant.local/ledger';

function line(type: DecodedEvent['type'], event: object): string {
  const framed = codec.encode(type, event);
  return ocsfRecord(codec.decode(framed), framed, origin).json;
}

/** Whatever the Avro schemas allow, with the kinds and verdicts that the mapping knows mixed in. */
function anyEvents(): string[] {
  const kinds = SAMPLES.flatMap(({ event }) => ('kind' in event ? [event.kind] : []));
  const verdicts = ['allow', 'mask', 'hold', 'block'];
  return SAMPLES.filter(({ type }, index) => SAMPLES.findIndex((other) => other.type === type) === index).flatMap(({ type }) => {
    const schema = codec.schemas.find(({ name }) => name === codec.schemas.find((each) => codec.typeOf(frameOf(each.id)) === type)?.name);
    const events = fc.sample(arbitraryOf(schema?.schema ?? {}), { numRuns: 40, seed: 7 }) as { kind?: string; verdict?: string }[];
    return events.map((event, index) => {
      const known = {
        ...('kind' in event && index % 4 !== 0 ? { kind: kinds[index % kinds.length] } : {}),
        ...('verdict' in event ? { verdict: verdicts[index % 4] } : {}),
      };
      return line(type, { ...event, ...known });
    });
  });
}

function frameOf(id: number): Buffer {
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(id, 1);
  return frame;
}

it('every mapped event validates against OCSF 1.9.0', { timeout: 300_000 }, () => {
  const validate = ocsfValidator();
  if (validate === null) return missing('Python with the OCSF schema', 'the mapping is not validated');
  const samples = SAMPLES.map(({ type, event }) => line(type, event));
  const others = anyEvents();
  const found = validate([...samples, ...others]);
  expect(found.problems).toEqual([]);
  expect(found.events).toBe(samples.length + others.length);
  expect(Object.keys(found.classes)).toEqual([
    '3002 Authentication',
    '3004 Entity Management',
    '6002 Application Lifecycle',
    '6003 API Activity',
    '6005 Datastore Activity',
    '6008 Application Error',
  ]);
  // The judge refuses what is wrong.
  const good = JSON.parse(samples[0] ?? '') as Record<string, unknown>;
  const bad = [
    { ...good, unknown_attribute: 1 },
    { ...good, api: undefined },
    { ...good, activity_id: 98 },
    { ...good, time: 'now' },
    { ...good, attestation_list: [{ uid: 'x' }] },
    { ...good, severity: 'Low' },
  ];
  expect(validate(bad.map((event) => JSON.stringify(event))).invalid).toBe(bad.length);
});
