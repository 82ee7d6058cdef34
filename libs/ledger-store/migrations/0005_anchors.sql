-- Checkpoints that a quorum of witnesses has cosigned (docs/adr/0072-anchoring.md).

CREATE TABLE IF NOT EXISTS ledger.anchors
(
    tree_size UInt64 COMMENT 'Leaves in the tree it covers',
    root_hash String COMMENT 'Root of the tree, lower hex',
    note String COMMENT 'C2SP tlog-checkpoint with the cosignatures of the witnesses',
    anchored_at DateTime64(6, 'UTC') COMMENT 'When the quorum was met, by the clock of the ledger',
    witness_names Array(String) COMMENT 'Witnesses that cosigned, as the configuration names them; parallel to witness_times',
    witness_times Array(DateTime64(0, 'UTC')) COMMENT 'When each cosigned, by its own clock'
)
ENGINE = MergeTree
ORDER BY tree_size
SETTINGS non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Cosigned checkpoints, one row each';
