import type { QueryTemplate } from './control.js';
import { at, inPeriod, instant } from './check.js';

/** Stated interval of gateway.heartbeat is 60 s; a hole of three intervals is a gap. */
export const HEARTBEAT_LIMIT_S = 180;

/** Every event that is a leaf below the tree size, with its exact bytes; `tree_index` is its position. */
export const EVENTS_IN_TREE = `FROM (
  SELECT e.raw AS raw, e.leaf AS leaf, e.payload_hash AS payload_hash, e.prev_hash AS prev_hash, toUInt64(r.index_from + e.seq - r.seq_from) AS tree_index
  FROM ledger.events AS e
  ASOF INNER JOIN ledger.leaf_runs AS r ON e.source_id = r.source_id AND e.seq >= r.seq_from
  WHERE e.leaf != '' AND e.seq <= r.seq_to
) AS records
WHERE tree_index < {tree_size}`;

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
    title: 'Payload digests, recomputed from the exact bytes received, and what the leaves say of them',
    sql: `SELECT count() AS records,
  countIf(SHA256(raw) != payload_hash OR SHA256(raw) != substring(leaf, 59, 32)) AS wrong_payloads,
  countIf(prev_hash != substring(leaf, 91, 32)) AS wrong_links_in_leaves
${EVENTS_IN_TREE}`,
  },
  {
    id: 'g2-leaves',
    title: 'Leaves, hashed again',
    sql: `SELECT count() AS leaves, countIf(SHA256(concat(char(0), leaf)) != leaf_hash) AS wrong_leaves,
  uniqExact(leaf_index) AS positions, ifNull(max(leaf_index) + 1, 0) AS size
FROM ledger.leaves
WHERE leaf_index < {tree_size}`,
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
