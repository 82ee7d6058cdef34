import { Gauge, type Registry } from 'prom-client';
import { BoundedLabel } from './bounded.js';
import type { MetricsReading } from './reading.js';

const SOURCES = 64;
const CONSUMERS = 64;
const SINKS = 32;

/** Name, help and labels of every gauge; docs/reference/metrics.md is checked against it. */
const GAUGES = {
  ledgerUp: ['affiant_ledger_up', '1 while ingest and sequencer of this process run, 0 while engine or worker are away'],
  ledgerLeader: ['affiant_ledger_leader', "1 while this process holds the sequencer's lock"],
  ledgerHalted: ['affiant_ledger_halted', '1 when the ledger stopped for good because it holds something else than the log says'],
  ledgerLag: [
    'affiant_ledger_lag_events',
    'Durable events that are not queryable (ingest), or not queryable and sealed (unsealed)',
    'stage',
  ],
  sealedEvents: ['affiant_ledger_sealed_events', 'Leaves in the Merkle log'],
  sealedRound: ['affiant_ledger_sealed_round', 'Number of the last sealed round'],
  lastSeal: ['affiant_ledger_last_seal_timestamp_seconds', 'When the last checkpoint was signed, Unix time'],
  gap: ['affiant_ledger_gap_events', 'Sequence numbers of a source that are missing before what is there', 'source'],
  gapSince: ['affiant_ledger_gap_since_timestamp_seconds', 'When the gap of a source was first seen, Unix time', 'source'],
  witnesses: ['affiant_ledger_witnesses', 'Witnesses that are configured; 0: nobody vouches for the log'],
  cosignedEvents: ['affiant_ledger_cosigned_events', 'Leaves that the newest cosigned checkpoint covers'],
  lastQuorum: ['affiant_ledger_last_quorum_timestamp_seconds', 'When a quorum of witnesses last cosigned, Unix time'],
  lastCosignature: ['affiant_ledger_last_cosignature_timestamp_seconds', 'When a witness last cosigned, Unix time', 'witness'],
  authorities: ['affiant_ledger_timestamp_authorities', 'Time-stamp authorities that are configured; 0: nobody says when'],
  stampInterval: ['affiant_ledger_timestamp_interval_seconds', 'How often the newest checkpoint is to be stamped'],
  stampRenewBefore: ['affiant_ledger_timestamp_renew_before_seconds', 'How long before the end of its certificate a stamp is renewed'],
  stampedEvents: ['affiant_ledger_timestamped_events', 'Leaves of the largest checkpoint an authority has stamped', 'authority'],
  lastStamp: ['affiant_ledger_last_stamp_timestamp_seconds', 'When an authority last stamped, Unix time', 'authority'],
  stampFailing: ['affiant_ledger_timestamp_failing', '1 while an authority did not stamp when it was last asked', 'authority'],
  stampExpires: ['affiant_ledger_stamp_expires_timestamp_seconds', "When the first of an authority's stamps ends, Unix time", 'authority'],
  journalPending: ['affiant_journal_pending_bytes', 'Journal bytes the ledger has not acknowledged'],
  journalHighWater: ['affiant_journal_high_water_bytes', 'Pending bytes above which calls are refused'],
  journalDurable: ['affiant_journal_durable_seq', 'Highest sequence number on stable storage'],
  shipperLag: ['affiant_shipper_lag_events', 'Events durable in the journal that Kafka has not acknowledged'],
  shipperUnacknowledged: [
    'affiant_shipper_unacknowledged_events',
    "Events durable in the journal that the ledger's frontier has not passed",
  ],
  shipperLastError: ['affiant_shipper_last_error_timestamp_seconds', 'When sending to Kafka last failed, Unix time'],
  clockOffset: ['affiant_clock_offset_seconds', 'Drift of the wall clock against the monotonic clock since the start'],
  holdsPending: ['affiant_holds_pending', 'Calls that wait for an approver'],
  holdsOldest: ['affiant_holds_oldest_timestamp_seconds', 'When the call that waits longest was held, Unix time'],
  inFlight: ['affiant_exchanges_in_flight', 'Calls being served'],
  draining: ['affiant_gateway_draining', '1 from the first sign of a shutdown'],
  consumerLag: ['affiant_kafka_consumer_lag_records', 'Records between the committed offset and the end of a topic', 'group', 'topic'],
  sinkLag: ['affiant_siem_sink_lag_events', 'Events a SIEM sink has not delivered', 'sink'],
  sinkLastError: ['affiant_siem_sink_last_error_timestamp_seconds', 'When a SIEM sink last failed, Unix time', 'sink'],
} as const satisfies Record<string, readonly [name: string, help: string, ...labels: string[]]>;

type GaugeName = keyof typeof GAUGES;

/** The gauges of one process, set anew from each reading. */
export class Gauges {
  readonly #gauges: ReadonlyMap<GaugeName, Gauge>;
  readonly #sources = new BoundedLabel(SOURCES);
  readonly #consumers = new BoundedLabel(CONSUMERS);
  readonly #sinks = new BoundedLabel(SINKS);

  constructor(registry: Registry) {
    this.#gauges = new Map(
      Object.entries(GAUGES).map(([key, [name, help, ...labelNames]]) => [
        key as GaugeName,
        new Gauge({ name, help, labelNames, registers: [registry] }),
      ]),
    );
    this.clear();
  }

  /** Takes every series away: nothing is known. */
  clear(): void {
    for (const [key, gauge] of this.#gauges) {
      gauge.reset();
      // A gauge without labels is reset to 0, which would be a statement.
      if (GAUGES[key].length === 2) gauge.remove();
    }
  }

  /** Synchronous, so that no scrape sees half of two readings. */
  fill(reading: MetricsReading): void {
    this.clear();
    this.#ledger(reading.ledger);
    this.#anchor(reading.anchor);
    this.#stamps(reading.stamps);
    this.#set('journalPending', reading.journal?.pendingBytes);
    this.#set('journalHighWater', reading.journal?.highWaterBytes);
    this.#set('journalDurable', reading.journal?.durableSeq);
    this.#set('shipperLag', reading.shipper?.lag);
    this.#set('shipperUnacknowledged', reading.shipper?.unacknowledged);
    this.#set('shipperLastError', seconds(reading.shipper?.lastErrorUs));
    this.#set('clockOffset', seconds(reading.clock?.offsetUs));
    this.#set('holdsPending', reading.holds?.pending);
    this.#set('holdsOldest', seconds(reading.holds?.oldestUs));
    this.#set('inFlight', reading.gateway?.inFlight);
    this.#set('draining', flag(reading.gateway?.draining));
    for (const { group, topic, lag } of reading.consumers ?? [])
      this.#add('consumerLag', lag, { group: this.#consumers.of(group), topic: this.#consumers.of(topic) });
    for (const { sink, lag, lastErrorUs } of reading.sinks ?? []) {
      this.#add('sinkLag', lag, { sink: this.#sinks.of(sink) });
      this.#set('sinkLastError', seconds(lastErrorUs), { sink: this.#sinks.of(sink) });
    }
  }

  #ledger(ledger: MetricsReading['ledger']): void {
    if (ledger === undefined) return;
    this.#set('ledgerUp', flag(ledger.up));
    this.#set('ledgerLeader', flag(ledger.leader));
    this.#set('ledgerHalted', flag(ledger.halted));
    if (!ledger.up) return;
    this.#set('ledgerLag', ledger.ingestLag, { stage: 'ingest' });
    this.#set('ledgerLag', ledger.unsealed, { stage: 'unsealed' });
    this.#set('sealedEvents', ledger.sealedSize);
    this.#set('sealedRound', ledger.sealedRound);
    this.#set('lastSeal', seconds(ledger.lastSealUs));
    for (const { source, missing, sinceUs } of ledger.gaps ?? []) {
      this.#add('gap', missing, { source: this.#sources.of(source) });
      this.#set('gapSince', seconds(sinceUs), { source: this.#sources.of(source) });
    }
  }

  #anchor(anchor: MetricsReading['anchor']): void {
    if (anchor === undefined) return;
    this.#set('witnesses', anchor.witnesses.length);
    if (anchor.witnesses.length === 0) return;
    this.#set('cosignedEvents', anchor.size);
    this.#set('lastQuorum', seconds(anchor.lastUs));
    // At most 32 are configured: their names need no bound of their own.
    for (const { name, lastUs } of anchor.witnesses) this.#set('lastCosignature', seconds(lastUs), { witness: name });
  }

  /** At most two are configured: their names need no bound of their own. */
  #stamps(stamps: MetricsReading['stamps']): void {
    if (stamps === undefined) return;
    this.#set('authorities', stamps.authorities.length);
    if (stamps.authorities.length === 0) return;
    this.#set('stampInterval', stamps.intervalMs / 1_000);
    this.#set('stampRenewBefore', stamps.renewBeforeMs / 1_000);
    for (const { name: authority, lastUs, failing, size, expiresUs } of stamps.authorities) {
      this.#set('stampedEvents', size, { authority });
      this.#set('lastStamp', seconds(lastUs), { authority });
      this.#set('stampFailing', flag(failing !== null), { authority });
      this.#set('stampExpires', seconds(expiresUs), { authority });
    }
  }

  #set(key: GaugeName, value: number | null | undefined, labels: Readonly<Record<string, string>> = {}): void {
    if (value !== null && value !== undefined) this.#gauges.get(key)?.set(labels, value);
  }

  /** Sums what shares its labels, which only `other` does. */
  #add(key: GaugeName, value: number | null, labels: Readonly<Record<string, string>>): void {
    if (value !== null) this.#gauges.get(key)?.inc(labels, value);
  }
}

const seconds = (microseconds: number | null | undefined): number | null =>
  microseconds === null || microseconds === undefined ? null : microseconds / 1e6;

const flag = (value: boolean | undefined): number | null => (value === undefined ? null : Number(value));
