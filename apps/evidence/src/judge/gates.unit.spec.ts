import { describe, expect, it } from 'vitest';
import type { Cell } from '../model/result.js';
import { Results } from '../model/result.js';
import type { GateId } from '../model/verdict.js';
import { sampleModel } from '../testing/sample-model.js';
import { judgeGates, type GateInput } from './gates.js';

type Rows = Record<string, readonly Readonly<Record<string, Cell>>[]>;

const sources = (changes: Record<string, Cell>): Rows => ({
  'g1-sources': [
    {
      source_id: 'gateway',
      events: 48_000,
      distinct_seqs: 48_000,
      distinct_ids: 48_000,
      first_seq: 1,
      last_seq: 48_000,
      missing: 0,
      duplicates: 0,
      starts: 1,
      ...changes,
    },
    {
      source_id: 'ledger',
      events: 211,
      distinct_seqs: 211,
      distinct_ids: 211,
      first_seq: 1,
      last_seq: 211,
      missing: 0,
      duplicates: 0,
      starts: 1,
    },
  ],
});

function gate(id: GateId, rows: Rows = {}, changes: Partial<GateInput> = {}): { verdict: string; text: string } {
  const { snapshot, period, integrity, runs } = sampleModel({ rows });
  const results = judgeGates({ results: new Results(runs), snapshot, period, integrity, populationSource: null, ...changes });
  const found = results.find((one) => one.id === id);
  return { verdict: found?.verdict ?? '', text: found?.reasons.join(' ') ?? '' };
}

const model = sampleModel();

describe('gates', () => {
  it('hold on sound results, save for the population source that is not there', () => {
    expect(model.gates.map(({ verdict }) => verdict)).toEqual(['PASS', 'PASS', 'INCONCLUSIVE', 'PASS', 'PASS', 'PASS']);
    expect(gate('G3', {}, { populationSource: 'the provider export of October' }).verdict).toBe('PASS');
  });

  it.each<[string, Record<string, Cell>, string]>([
    ['a hole', { missing: 2, distinct_seqs: 47_998 }, '2 sequence numbers missing'],
    ['duplicates', { events: 48_003, duplicates: 3 }, '3 records more'],
    ['a doubled event id', { distinct_ids: 47_999 }, '47999 event ids for 48000'],
    ['a source behind its frontier', { last_seq: 47_000 }, 'covers seq 48000, the ledger holds up to 47000'],
  ])('G1 finds %s', (_, changes, text) => {
    expect(gate('G1', sources(changes))).toMatchObject({ verdict: 'FINDING', text: expect.stringContaining(text) as string });
  });

  it('G1 finds a source the checkpoint names and the ledger lacks, and a silence', () => {
    expect(gate('G1', { 'g1-sources': sources({})['g1-sources']?.slice(0, 1) ?? [] }).verdict).toBe('FINDING');
    expect(gate('G1', { 'g1-heartbeats': [{ source_id: 'gateway', signs: 5, heartbeats: 4, longest_silence_s: 181 }] }).text).toContain(
      'silent for 181 s',
    );
    expect(gate('G1', { 'g1-heartbeats': [{ source_id: 'gateway', signs: 5, heartbeats: 4, longest_silence_s: 180 }] }).verdict).toBe(
      'PASS',
    );
  });

  it.each<[string, Rows]>([
    ['payloads', { 'g2-payloads': [{ records: 48_211, wrong_payloads: 1, wrong_links_in_leaves: 0 }] }],
    ['links in leaves', { 'g2-payloads': [{ records: 48_211, wrong_payloads: 0, wrong_links_in_leaves: 1 }] }],
    ['missing records', { 'g2-payloads': [{ records: 48_210, wrong_payloads: 0, wrong_links_in_leaves: 0 }] }],
    ['leaves', { 'g2-leaves': [{ leaves: 48_211, wrong_leaves: 1, positions: 48_211, size: 48_211 }] }],
    ['doubled positions', { 'g2-leaves': [{ leaves: 48_211, wrong_leaves: 0, positions: 48_210, size: 48_211 }] }],
    ['links', { 'g2-chain': [{ records: 48_211, wrong_links: 1, links_over_a_gap: 0, wrong_starts: 0 }] }],
    ['starts', { 'g2-chain': [{ records: 48_211, wrong_links: 0, links_over_a_gap: 0, wrong_starts: 1 }] }],
  ])('G2 finds wrong %s', (_, rows) => expect(gate('G2', rows).verdict).toBe('FINDING'));

  it('G2 finds another root, fewer leaves and a bad note', () => {
    const { integrity } = model;
    expect(gate('G2', {}, { integrity: { ...integrity, root_hash: 'cd'.repeat(32) } }).text).toContain('not the root');
    expect(gate('G2', {}, { integrity: { ...integrity, leaves: 3 } }).verdict).toBe('FINDING');
    expect(
      gate('G2', {}, { integrity: { ...integrity, note_verified: false, note_error: 'no signature by a trusted key' } }).text,
    ).toContain('no signature');
  });

  it('G4 and G6 count', () => {
    const row = { population: 10, exceptions: 1 };
    expect(gate('G4', { clock: [{ ...row, median_offset_microseconds: 1 }] }).text).toContain('1 of 10 events');
    expect(gate('G6', { 'record-fields': [row] }).text).toContain('1 of 10 events');
  });

  it('G5 finds a source that was not heard to the end, unless it had stopped, and says when the end was cut', () => {
    const early = { source_id: 'gateway', watermark_us: 1, last_heard: 'long ago', stopped: 0 };
    expect(gate('G5', { 'g5-watermark': [early] }).verdict).toBe('FINDING');
    expect(gate('G5', { 'g5-watermark': [{ ...early, stopped: 1 }] }).verdict).toBe('PASS');
    expect(gate('G5', {}, { period: { ...model.period, requested_to: '2027-01-01T00:00:00.000000Z' } }).text).toContain(
      'asked for up to 2027',
    );
  });
});
