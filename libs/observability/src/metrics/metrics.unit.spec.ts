import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '#config';
import { createMetrics, type Metrics } from './metrics.js';
import type { MetricsReading } from './reading.js';

const whole: MetricsReading = {
  ledger: {
    up: true,
    leader: true,
    halted: false,
    ingestLag: 3,
    unsealed: 7,
    sealedSize: 100,
    sealedRound: 9,
    lastSealUs: 1_700_000_000_500_000,
    gaps: [{ source: 'proxy-1', missing: 2, sinceUs: 1_700_000_000_000_000 }],
  },
  anchor: {
    quorum: 1,
    size: 90,
    lastUs: 1_700_000_003_000_000,
    witnesses: [
      { name: 'audit', lastUs: 1_700_000_004_000_000 },
      { name: 'other', lastUs: null },
    ],
  },
  stamps: {
    intervalMs: 3_600_000,
    renewBeforeMs: 86_400_000,
    authorities: [
      { name: 'first', lastUs: 1_700_000_005_000_000, failing: null, size: 80, expiresUs: 1_800_000_000_000_000 },
      { name: 'second', lastUs: null, failing: 'away', size: 0, expiresUs: null },
    ],
  },
  journal: { pendingBytes: 10, highWaterBytes: 100, durableSeq: 42 },
  shipper: { lag: 1, unacknowledged: 2, resent: 5, lastErrorUs: 1_700_000_001_000_000 },
  clock: { offsetUs: -1_500 },
  holds: { pending: 1, oldestUs: 1_700_000_002_000_000 },
  gateway: { inFlight: 4, draining: false },
  consumers: [{ group: 'affiant.ledger', topic: 'affiant.request.v1', lag: 11 }],
  sinks: [{ sink: 'syslog', lag: 12, lastErrorUs: null }],
};

const of = (read: () => MetricsReading | Promise<MetricsReading>): Metrics => createMetrics({ service: 'proxy', version: '1.2.3', read });

/** The affiant series of one scrape: `name{labels}` without the service label -> value. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const { contentType, body } = await metrics.text();
  expect(contentType).toContain('version=0.0.4');
  const series = body.split('\n').filter((line) => line.startsWith('affiant_') && !line.startsWith('affiant_build_info'));
  return new Map(
    series.map((line) => {
      expect(line).toContain('service="proxy"');
      const at = line.lastIndexOf(' ');
      return [
        line
          .slice(0, at)
          .replace(/,?service="proxy"/, '')
          .replace('{}', ''),
        Number(line.slice(at + 1)),
      ];
    }),
  );
}

describe('a scrape', () => {
  it('shows every part of a reading', async () => {
    const series = await scrape(of(() => whole));
    expect(Object.fromEntries(series)).toMatchObject({
      affiant_ledger_up: 1,
      affiant_ledger_leader: 1,
      affiant_ledger_halted: 0,
      'affiant_ledger_lag_events{stage="ingest"}': 3,
      'affiant_ledger_lag_events{stage="unsealed"}': 7,
      affiant_ledger_sealed_events: 100,
      affiant_ledger_sealed_round: 9,
      affiant_ledger_last_seal_timestamp_seconds: 1_700_000_000.5,
      'affiant_ledger_gap_events{source="proxy-1"}': 2,
      'affiant_ledger_gap_since_timestamp_seconds{source="proxy-1"}': 1_700_000_000,
      affiant_ledger_witnesses: 2,
      affiant_ledger_cosigned_events: 90,
      affiant_ledger_last_quorum_timestamp_seconds: 1_700_000_003,
      'affiant_ledger_last_cosignature_timestamp_seconds{witness="audit"}': 1_700_000_004,
      affiant_ledger_timestamp_authorities: 2,
      affiant_ledger_timestamp_interval_seconds: 3_600,
      affiant_ledger_timestamp_renew_before_seconds: 86_400,
      'affiant_ledger_timestamped_events{authority="first"}': 80,
      'affiant_ledger_last_stamp_timestamp_seconds{authority="first"}': 1_700_000_005,
      'affiant_ledger_timestamp_failing{authority="first"}': 0,
      'affiant_ledger_timestamp_failing{authority="second"}': 1,
      'affiant_ledger_stamp_expires_timestamp_seconds{authority="first"}': 1_800_000_000,
      affiant_journal_pending_bytes: 10,
      affiant_journal_high_water_bytes: 100,
      affiant_journal_durable_seq: 42,
      affiant_shipper_lag_events: 1,
      affiant_shipper_unacknowledged_events: 2,
      affiant_shipper_resent_events_total: 5,
      affiant_shipper_last_error_timestamp_seconds: 1_700_000_001,
      affiant_clock_offset_seconds: -0.0015,
      affiant_holds_pending: 1,
      affiant_holds_oldest_timestamp_seconds: 1_700_000_002,
      affiant_exchanges_in_flight: 4,
      affiant_gateway_draining: 0,
      'affiant_kafka_consumer_lag_records{group="affiant.ledger",topic="affiant.request.v1"}': 11,
      'affiant_siem_sink_lag_events{sink="syslog"}': 12,
    });
  });

  it('leaves out what is not known, and never says 0 for it', async () => {
    let reading: MetricsReading = whole;
    const metrics = of(() => reading);
    await scrape(metrics);
    reading = { ledger: { ...whole.ledger!, up: false }, holds: { pending: null, oldestUs: null } };
    const names = [...(await scrape(metrics)).keys()];
    expect(names.filter((name) => !name.includes('_total'))).toEqual([
      'affiant_ledger_up',
      'affiant_ledger_leader',
      'affiant_ledger_halted',
    ]);
  });

  it('goes on without gauges when the process cannot read its state', async () => {
    let fails = false;
    const metrics = of(() => {
      if (fails) throw new Error('the catalogue is away');
      return whole;
    });
    metrics.refused('policy_blocked');
    await scrape(metrics);
    fails = true;
    const series = await scrape(metrics);
    expect(series.get('affiant_scrape_failures_total')).toBe(1);
    expect(series.get('affiant_refusals_total{code="policy_blocked"}')).toBe(1);
    expect(series.has('affiant_journal_pending_bytes')).toBe(false);
  });

  it('counts what was sent again once, however often it is scraped', async () => {
    const metrics = of(() => whole);
    await scrape(metrics);
    expect((await scrape(metrics)).get('affiant_shipper_resent_events_total')).toBe(5);
  });
});

describe('labels', () => {
  it('are bounded: codes by the closed union, outcomes, sources and groups by number', async () => {
    const gaps = Array.from({ length: 100 }, (_, i) => ({ source: `source-${i}`, missing: 1, sinceUs: null }));
    const metrics = of(() => ({ ledger: { ...whole.ledger!, gaps } }));
    metrics.refused('token_expired');
    for (let i = 0; i < 100; i += 1) {
      metrics.refused(`made-up-${i}`);
      metrics.shipperFailed(`made-up-${i}`);
      metrics.exchangeEnded(`outcome-${i}`);
      metrics.consumerFailed(`group-${i}`);
    }
    const series = await scrape(metrics);
    const count = (name: string): number => [...series.keys()].filter((key) => key.startsWith(`${name}{`)).length;
    expect(series.get('affiant_refusals_total{code="other"}')).toBe(100);
    expect([count('affiant_refusals_total'), count('affiant_shipper_errors_total'), count('affiant_exchanges_total')]).toEqual([2, 1, 17]);
    expect([count('affiant_ledger_gap_events'), count('affiant_kafka_consumer_failures_total')]).toEqual([65, 65]);
    expect(series.get('affiant_ledger_gap_events{source="other"}')).toBe(36);
  });
});

it('has every metric in docs/reference/metrics.md, and no other', () => {
  const reference = readFileSync(join(packageRoot, 'docs/reference/metrics.md'), 'utf8');
  const written = [...reference.matchAll(/^\| `(affiant_\w+)/gm)].map((match) => match[1]);
  const ours = of(() => ({}))
    .names()
    .filter((name) => name.startsWith('affiant_'));
  expect([...new Set(written)].sort()).toEqual([...ours].sort());
});
