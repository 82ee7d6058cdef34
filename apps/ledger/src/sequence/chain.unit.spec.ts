import { describe, expect, it } from 'vitest';
import { payloadHash, TOPICS } from '#events';
import type { LogRecord } from '#event-log';
import type { ReadEvent } from '../read-event.js';
import { SourceChains } from './chain.js';

const hashOf = (text: string): Buffer => payloadHash(Buffer.from(text));
const conflict = expect.objectContaining({ code: 'ledger_conflict' });

function event(seq: number, text: string, previous: string | null, type: ReadEvent['type'] = 'control'): ReadEvent {
  return {
    type,
    source_id: 'gateway',
    boot_epoch: 1,
    seq,
    occurred_at: 1,
    payload_hash: hashOf(text),
    prev_hash: previous === null ? Buffer.alloc(32) : hashOf(previous),
    schema_sha256: Buffer.alloc(32),
    leaf: Buffer.alloc(0),
    problem: null,
    tells: null,
  };
}

const record: LogRecord = { topic: TOPICS.control, partition: 'gateway', offset: 1, value: Buffer.alloc(0) };
const fresh = (): SourceChains => new SourceChains({ frontiers: {}, heads: {} });

describe('the chain of a source', () => {
  it('goes from seq 1, each event on the bytes of the one before, over what cannot be decoded', () => {
    const chains = fresh();
    expect(chains.accept(event(1, 'a', null), record)).toBe('next');
    expect(chains.accept(event(2, 'b', 'a'), record)).toBe('next');
    expect(chains.accept(event(3, 'garbage', null, 'undecodable'), record)).toBe('next');
    expect(chains.accept(event(4, 'd', 'garbage'), record)).toBe('next');
  });

  it('goes on from the sealed head', () => {
    const chains = new SourceChains({ frontiers: { gateway: 7 }, heads: { gateway: hashOf('g').toString('hex') } });
    expect(() => chains.accept(event(8, 'h', 'x'), record)).toThrow(conflict);
    expect(chains.accept(event(8, 'h', 'g'), record)).toBe('next');
  });

  it('drops what comes again, and refuses another content for the same seq', () => {
    const chains = fresh();
    chains.accept(event(1, 'a', null), record);
    chains.accept(event(2, 'b', 'a'), record);
    expect(chains.accept(event(1, 'a', null), record)).toBe('duplicate');
    expect(chains.accept(event(2, 'b', 'a'), record)).toBe('duplicate');
    expect(() => chains.accept(event(2, 'B', 'a'), record)).toThrow(conflict);
  });

  it.each([
    ['a gap', event(3, 'c', 'b')],
    ['a break', event(2, 'b', 'x')],
    ['a gap before what cannot be decoded', event(3, 'garbage', null, 'undecodable')],
  ])('refuses %s', (_, bad) => {
    const chains = fresh();
    chains.accept(event(1, 'a', null), record);
    expect(() => chains.accept(bad, record)).toThrow(conflict);
  });

  it('refuses a first event that is not the first, but takes what has a place only', () => {
    expect(() => fresh().accept(event(2, 'b', 'a'), record)).toThrow(conflict);
    expect(() => fresh().accept(event(1, 'a', 'x'), record)).toThrow(conflict);
    expect(() => fresh().accept(event(900, 'garbage', null, 'undecodable'), record)).toThrow(conflict);
    for (const seq of [0, 1, 900, 7]) {
      const place = { ...event(seq, 'garbage', null, 'undecodable'), source_id: 'affiant.request.v1/3' };
      expect(fresh().accept(place, record)).toBe('unchained');
    }
  });
});
