-- The ledger's own tables: append-only, deduplicated by insert token, fsynced before an insert is acknowledged.
--
-- Partition = month of occurred_at, a pure function of the event: the same batch replayed on another day still meets the partition
-- that remembers its token. Order = exchange first: exchange ids are UUIDv7, so this is also time order, the events of one exchange
-- lie together, and grouping by exchange needs no hash table of the whole history. `seq` and `occurred_at` grow along with it, so their
-- min-max indexes prune range reads. Parts stay compact up to 64 MB: a wide part would fsync hundreds of files per insert.

CREATE TABLE IF NOT EXISTS ledger.events
(
    source_id LowCardinality(String) COMMENT 'The journal that wrote the event',
    boot_epoch UInt32 COMMENT 'Grows by one at every start of the source',
    seq UInt64 COMMENT 'Dense per source, starts at 1' CODEC(Delta, ZSTD(1)),
    topic LowCardinality(String) COMMENT 'Topic the event came on',
    event_type LowCardinality(String) COMMENT 'request, segment, decision, response, control, checkpoint, dead_letter or undecodable',
    event_id String COMMENT 'UUIDv7' CODEC(ZSTD(1)),
    occurred_at DateTime64(6, 'UTC') COMMENT 'When it happened, by the clock of the source; 1970-01-01 when undecodable' CODEC(Delta, ZSTD(1)),
    ingested_at DateTime64(6, 'UTC') COMMENT 'When the ledger took it in' CODEC(Delta, ZSTD(1)),
    clock_offset_us Int64 COMMENT 'Wall clock minus monotonic clock drift since the start of the source' CODEC(ZSTD(1)),
    build LowCardinality(String) COMMENT 'Version of the program that wrote it',
    session_id String COMMENT 'Correlation sent by the client or derived; empty when none' CODEC(ZSTD(1)),
    exchange_id String COMMENT 'UUIDv7 of the exchange; empty when none' CODEC(ZSTD(1)),
    connection LowCardinality(String) COMMENT 'Connection of the configuration; empty when none',
    principal_issuer LowCardinality(String) COMMENT 'Issuer of the verified token',
    principal_subject LowCardinality(String) COMMENT 'Subject of the verified token',
    principal_kind LowCardinality(String) COMMENT 'user, workload, service_key or system',
    principal_groups Array(LowCardinality(String)) COMMENT 'Groups of the verified token',
    principal_actor LowCardinality(String) COMMENT 'The agent that acts for the subject; empty when none',
    token_digest String COMMENT 'Hex SHA-256 of the token id' CODEC(ZSTD(1)),
    data String COMMENT 'Type-specific fields without bodies, JSON' CODEC(ZSTD(1)),
    segment_sha256 Array(FixedString(32)) COMMENT 'Digests of the body segments' CODEC(ZSTD(1)),
    segment_length Array(UInt64) COMMENT 'Lengths of the body segments, bytes' CODEC(ZSTD(1)),
    segment_inline Array(Bool) COMMENT 'Whether this event carries the segment itself' CODEC(ZSTD(1)),
    segment_content Array(String) COMMENT 'Masked content of the segments this event carries' CODEC(ZSTD(1)),
    raw String COMMENT 'The exact bytes of the event as received: Confluent framing and Avro' CODEC(ZSTD(1)),
    payload_hash FixedString(32) COMMENT 'SHA-256 of raw' CODEC(NONE),
    prev_hash FixedString(32) COMMENT 'SHA-256 of the previous event of the source' CODEC(NONE),
    schema_sha256 LowCardinality(FixedString(32)) COMMENT 'SHA-256 of the Avro schema it was written with',
    leaf String COMMENT 'Leaf of the event in the tree; empty for a checkpoint' CODEC(NONE),
    fields MATERIALIZED JSONExtract(data, 'Tuple(
        protocol LowCardinality(String),
        operation LowCardinality(String),
        method LowCardinality(String),
        path LowCardinality(String),
        model LowCardinality(String),
        stream Bool,
        tools Array(LowCardinality(String)),
        user_agent LowCardinality(String),
        client_address LowCardinality(String),
        joins_exchange String,
        body Tuple(
            original_digest String,
            original_length UInt64,
            masked_length UInt64,
            complete Bool,
            masks Array(Tuple(
                entity LowCardinality(String),
                rule LowCardinality(String),
                policy LowCardinality(String),
                count UInt64))),
        direction LowCardinality(String),
        kind LowCardinality(String),
        phase LowCardinality(String),
        verdict LowCardinality(String),
        rules Array(Tuple(
            policy LowCardinality(String),
            action LowCardinality(String),
            reason String)),
        policy_version LowCardinality(String),
        policy_digest LowCardinality(String),
        subject_digest String,
        approval Tuple(
            approval_id String,
            approver_group LowCardinality(String),
            quorum UInt32,
            granted UInt32,
            expires_at Int64,
            decided_by Tuple(
                issuer LowCardinality(String),
                subject LowCardinality(String)),
            reason String),
        outcome LowCardinality(String),
        status UInt16,
        upstream_status Nullable(UInt16),
        stop_reason LowCardinality(String),
        tool_calls Array(LowCardinality(String)),
        input_tokens Nullable(UInt64),
        output_tokens Nullable(UInt64),
        first_byte_us Nullable(UInt64),
        duration_us UInt64,
        error_code LowCardinality(String),
        subject String,
        attributes Array(Tuple(
            name LowCardinality(String),
            value String)),
        detail String)')
        COMMENT 'Typed fields derived from data at insert, read by the audit views' CODEC(ZSTD(1)),
    INDEX seq_range seq TYPE minmax GRANULARITY 1,
    INDEX time_range occurred_at TYPE minmax GRANULARITY 1,
    INDEX session_filter session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX type_filter event_type TYPE set(8) GRANULARITY 1,
    CONSTRAINT payload_hash_is_of_raw CHECK SHA256(raw) = payload_hash
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (exchange_id, source_id, seq)
SETTINGS non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1, min_bytes_for_wide_part = 67108864
COMMENT 'Every event the ledger took in, one row each';;

CREATE TABLE IF NOT EXISTS ledger.leaves
(
    leaf_index UInt64 COMMENT 'Position in the tree, from 0' CODEC(Delta, ZSTD(1)),
    source_id LowCardinality(String) COMMENT 'The journal that wrote the event',
    seq UInt64 COMMENT 'Its number there' CODEC(Delta, ZSTD(1)),
    leaf_hash FixedString(32) COMMENT 'RFC 6962 leaf hash: SHA-256 of a zero byte and the leaf' CODEC(NONE),
    leaf String COMMENT 'Leaf bytes' CODEC(NONE),
    round UInt64 COMMENT 'Round of the sequencer' CODEC(Delta, ZSTD(1)),
    CONSTRAINT leaf_hash_is_of_leaf CHECK SHA256(concat(char(0), leaf)) = leaf_hash
)
ENGINE = MergeTree
ORDER BY leaf_index
SETTINGS non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'The leaves of the tree in order';

-- Leaves of one source come in seq order, so a run of neighbours is one row here. Views find an event's leaf index, and what belongs to
-- a tree size, from these few rows instead of joining every leaf.
CREATE TABLE IF NOT EXISTS ledger.leaf_runs
(
    source_id LowCardinality(String) COMMENT 'The journal that wrote the events',
    seq_from UInt64 COMMENT 'First seq of the run' CODEC(Delta, ZSTD(1)),
    seq_to UInt64 COMMENT 'Last seq of the run' CODEC(Delta, ZSTD(1)),
    index_from UInt64 COMMENT 'Leaf index of seq_from; the others follow one by one' CODEC(Delta, ZSTD(1)),
    round UInt64 COMMENT 'Round of the sequencer' CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (source_id, seq_from)
SETTINGS non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Runs of leaves whose seqs and indexes are both consecutive';

CREATE TABLE IF NOT EXISTS ledger.checkpoints
(
    round UInt64 COMMENT 'Round of the sequencer that sealed it',
    tree_size UInt64 COMMENT 'Leaves in the tree',
    root_hash String COMMENT 'Root of the tree, lower hex',
    note String COMMENT 'C2SP tlog-checkpoint: a signed note',
    sealed_at DateTime64(6, 'UTC') COMMENT 'When it was sealed',
    frontier_sources Array(String) COMMENT 'Sources, parallel to frontier_seqs',
    frontier_seqs Array(UInt64) COMMENT 'Every seq of the source up to this one is in the tree or is a checkpoint event'
)
ENGINE = MergeTree
ORDER BY round
SETTINGS non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Signed tree heads, one row each';
