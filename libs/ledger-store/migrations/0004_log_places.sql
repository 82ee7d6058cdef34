-- Where each record stood in the event log. For rows from before these columns the log was the journals themselves: partition = source,
-- offset = seq; the defaults say so, and old parts are not rewritten.

ALTER TABLE ledger.events ADD COLUMN IF NOT EXISTS log_partition LowCardinality(String) DEFAULT toString(source_id)
    COMMENT 'Partition of the event log the record came from: the source, or topic/number of a broker';

ALTER TABLE ledger.events ADD COLUMN IF NOT EXISTS log_offset UInt64 DEFAULT seq
    COMMENT 'Offset of the record in its partition' CODEC(Delta, ZSTD(1));

ALTER TABLE ledger.events ADD INDEX IF NOT EXISTS log_range log_offset TYPE minmax GRANULARITY 1;

-- Many sources of every age write to a server side by side, so that neither order nor index above finds one source's seqs: a second
-- index by source and seq, which points into the part. The embedded engine has a handful of sources and does without.
{{server}} ALTER TABLE ledger.events ADD PROJECTION IF NOT EXISTS by_source (SELECT source_id, seq, _part_offset ORDER BY source_id, seq);
