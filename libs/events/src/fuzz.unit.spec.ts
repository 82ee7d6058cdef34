import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/support/fuzz.mjs';
import { EventCodec } from './codec.js';
import type { EventType } from './recorder.js';
import { arbitraryOf } from './schema-arbitrary.fixture.js';

const codec = new EventCodec();
const TYPES: EventType[] = ['request', 'segment', 'decision', 'response', 'control', 'checkpoint', 'dead_letter'];

describe('whatever bytes come, an event is decoded or refused', () => {
  it.each(TYPES.map((type, index) => ({ type, schema: codec.schemas[index]?.schema ?? {} })))('$type', async ({ type, schema }) => {
    const seeds = fc.sample(arbitraryOf(schema), { seed: 1, numRuns: 20 }).map((event) => codec.encode(type, event as object));
    const { accepted } = await fuzz({
      name: type,
      seeds,
      codes: ['event_invalid'],
      parse: (bytes) => {
        const { event } = codec.decode(bytes);
        // What was decoded is held by the event alone: nothing may point into bytes that somebody else goes on writing to.
        JSON.stringify(event);
        return codec.schemaSha256(bytes);
      },
    });
    expect(accepted).toBeGreaterThan(0);
  });
});
