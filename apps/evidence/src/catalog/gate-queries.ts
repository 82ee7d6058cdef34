import type { QueryTemplate } from './control.js';
import { at, inPeriod, instant } from './check.js';

/** Stated interval of gateway.heartbeat is 60 s; a hole of three intervals is a gap. */
export const HEARTBEAT_LIMIT_S = 180;

/** What the six gates are computed from. */
export const GATE_QUERIES: readonly QueryTemplate[] = [
  {
    id: 'g1-sources',
    title: 'Continuity of every source, from its first record to the snapshot',
    sql: `SELECT
  source_id, count() AS events, uniqExact(seq) AS distinct_seqs, uniqExact(event_id) AS distinct_ids,
  min(seq) AS first_seq, max(seq) AS last_seq,
  max(seq) - uniqExact(seq) AS missing, count() - uniqExact(seq) AS duplicates,
  uniqExact(boot_epoch) AS starts, ${instant('max(occurred_at)')} AS last_heard
FROM ${at('events')}
GROUP BY source_id
ORDER BY source_id`,
  },
  {
    id: 'g1-gaps',
    title: 'Gaps in the sequence numbers',
    sql: `SELECT source_id, previous + 1 AS gap_from, seq - 1 AS gap_to, seq - previous - 1 AS length
FROM (
  SELECT source_id, seq, lagInFrame(seq, 1, toUInt64(0)) OVER (PARTITION BY source_id ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS previous
  FROM ${at('events')}
)
WHERE seq > previous + 1
ORDER BY source_id, gap_from
LIMIT 100`,
  },
  {
    id: 'g1-heartbeats',
    title: 'Signs of life of every gateway in the period',
    sql: `SELECT source_id, count() AS signs, countIf(kind = 'gateway.heartbeat') AS heartbeats,
  toUInt64(max(if(kind = 'gateway.started' OR before = 0, 0, now_s - before))) AS longest_silence_s
FROM (
  SELECT source_id, kind, toUnixTimestamp(occurred_at) AS now_s,
    lagInFrame(toUnixTimestamp(occurred_at), 1, toUInt32(0)) OVER (PARTITION BY source_id ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
  FROM ${at('control')}
  WHERE ${inPeriod('occurred_at')} AND kind IN ('gateway.started', 'gateway.heartbeat', 'gateway.stopped')
)
GROUP BY source_id
ORDER BY source_id`,
  },
  {
    id: 'g2-payloads',
    title: 'Payload digests and leaves, recomputed from the exact bytes received',
    sql: `SELECT count() AS leaves,
  countIf(lower(hex(SHA256(raw))) != payload_hash) AS wrong_payloads,
  countIf(lower(hex(SHA256(concat(char(0), leaf)))) != leaf_hash) AS wrong_leaves,
  uniqExact(leaf_index) AS positions, ifNull(max(leaf_index) + 1, 0) AS size
FROM ${at('leaves')}`,
  },
  {
    id: 'g2-chain',
    title: 'Links of every source: each record names the digest of the one before it',
    sql: `SELECT count() AS records,
  countIf(seq > 1 AND previous_seq = seq - 1 AND prev_hash != previous_hash) AS wrong_links,
  countIf(seq > 1 AND previous_seq != seq - 1) AS links_over_a_gap,
  countIf(seq = 1 AND prev_hash != repeat('0', 64)) AS wrong_starts
FROM (
  SELECT seq, prev_hash,
    lagInFrame(seq, 1, toUInt64(0)) OVER w AS previous_seq,
    lagInFrame(payload_hash, 1, '') OVER w AS previous_hash
  FROM ${at('events')}
  WINDOW w AS (PARTITION BY source_id ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)`,
  },
  {
    id: 'g5-watermark',
    title: 'Last record of every source of traffic in the snapshot',
    sql: `SELECT source_id, toUnixTimestamp64Micro(max(occurred_at)) AS watermark_us, ${instant('max(occurred_at)')} AS last_heard,
  argMax(kind, seq) = 'gateway.stopped' AS stopped
FROM (
  SELECT source_id, seq, occurred_at, JSONExtractString(data, 'kind') AS kind
  FROM ${at('events')}
  WHERE source_id IN (SELECT DISTINCT source_id FROM ${at('control')} WHERE kind = 'gateway.started')
)
GROUP BY source_id
ORDER BY source_id`,
  },
];
