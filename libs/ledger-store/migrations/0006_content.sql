-- The text of bodies whose events carry it sealed (docs/adr/0084-sealed-content.md). It is derived, can be deleted when a key is destroyed, and is the only
-- table besides ledger.events that holds any.

ALTER TABLE ledger.events ADD COLUMN IF NOT EXISTS content_key String DEFAULT ''
    COMMENT 'Id of the key that seals the segments this event carries; empty when they are not sealed' CODEC(ZSTD(1));

-- A part that a deletion has replaced goes from the disk within seconds, not after the eight minutes of the engine.
CREATE TABLE IF NOT EXISTS ledger.content
(
    source_id LowCardinality(String) COMMENT 'The journal that wrote the event',
    seq UInt64 COMMENT 'Its number there' CODEC(Delta, ZSTD(1)),
    occurred_at DateTime64(6, 'UTC') COMMENT 'When it happened, by the clock of the source' CODEC(Delta, ZSTD(1)),
    session_id String COMMENT 'Session of the event; empty when none' CODEC(ZSTD(1)),
    exchange_id String COMMENT 'UUIDv7 of the exchange' CODEC(ZSTD(1)),
    content_key String COMMENT 'Id of the key that seals it in the event' CODEC(ZSTD(1)),
    segment_sha256 Array(FixedString(32)) COMMENT 'Digests of the sealed segments that the event carries' CODEC(ZSTD(1)),
    segment_content Array(String) COMMENT 'Masked content of these segments' CODEC(ZSTD(1)),
    INDEX key_filter content_key TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (session_id, source_id, seq)
SETTINGS non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1, min_bytes_for_wide_part = 67108864, old_parts_lifetime = 1,
    cleanup_delay_period = 2, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 5
COMMENT 'Opened content of sealed events, one row per event that carries any; gone when its key is';

DROP VIEW IF EXISTS audit.bodies;

DROP VIEW IF EXISTS audit.bodies_at;

-- Grouped by session, because a segment that an earlier event of the session carried is sent by digest alone. Filter by session_id: only
-- that filter reaches the tables. A sealed segment whose content is not there is erased: content is always there before its event.
CREATE VIEW IF NOT EXISTS audit.bodies{{at}} AS
SELECT
    part.1 AS exchange_id,
    session_id,
    part.2 AS direction,
    part.3 AS occurred_at,
    if(arrayExists(digest -> has(sealed, digest) AND NOT has(digests, digest), part.4), '[erased]',
        arrayStringConcat(arrayMap(digest -> contents[indexOf(digests, digest)], part.4))) AS body,
    arrayAll(digest -> has(digests, digest), part.4) AS resolved,
    toUInt8(part.5) AS complete,
    part.6 AS original_length,
    part.7 AS masked_length,
    part.8 AS original_digest,
    arrayExists(digest -> has(sealed, digest) AND NOT has(digests, digest), part.4) AS erased
FROM
(
    SELECT
        session_id,
        lone,
        groupArrayIf(one, is_body) AS parts,
        groupArrayArray(carried) AS sealed,
        groupArrayArray(hashes) AS digests,
        groupArrayArray(texts) AS contents
    FROM
    (
        SELECT
            e.session_id AS session_id,
            if(e.session_id = '', e.exchange_id, '') AS lone,
            e.event_type IN ('request', 'response') AS is_body,
            (e.exchange_id, toString(e.event_type), e.occurred_at, e.segment_sha256, e.fields.body.complete, e.fields.body.original_length,
                e.fields.body.masked_length, e.fields.body.original_digest) AS one,
            arrayFilter((digest, inline) -> inline AND e.content_key != '', e.segment_sha256, e.segment_inline) AS carried,
            arrayFilter((digest, inline) -> inline AND e.content_key = '', e.segment_sha256, e.segment_inline) AS hashes,
            arrayFilter((content, inline) -> inline AND e.content_key = '', e.segment_content, e.segment_inline) AS texts
        FROM ledger.events AS e
        WHERE e.event_type IN ('request', 'response', 'segment'){{within}}
        UNION ALL
        SELECT
            e.session_id AS session_id,
            if(e.session_id = '', e.exchange_id, '') AS lone,
            false AS is_body,
            ('', '', e.occurred_at, e.segment_sha256, false, toUInt64(0), toUInt64(0), '') AS one,
            emptyArrayString()::Array(FixedString(32)) AS carried,
            e.segment_sha256 AS hashes,
            e.segment_content AS texts
        FROM ledger.content AS e
        WHERE true{{within}}
    )
    GROUP BY session_id, lone
)
ARRAY JOIN parts AS part;

ALTER TABLE audit.bodies MODIFY COMMENT 'One row per request or response event with its masked body. Filter by session_id: only that filter reaches the tables.';

ALTER TABLE audit.bodies_at MODIFY COMMENT 'The rows of audit.bodies inside a tree size; parameter tree_size';

ALTER TABLE audit.bodies
    COMMENT COLUMN exchange_id 'UUIDv7 of the exchange; empty when the event belongs to none',
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify; empty when none',
    COMMENT COLUMN direction 'request or response',
    COMMENT COLUMN occurred_at 'When it happened, by the clock of the source, microseconds, UTC',
    COMMENT COLUMN body 'Masked body, put together from its segments; [erased] when a key of it was destroyed',
    COMMENT COLUMN resolved '1 when every segment was found in the session',
    COMMENT COLUMN complete '0 when the body ended early and only what was received is here',
    COMMENT COLUMN original_length 'Bytes before masking',
    COMMENT COLUMN masked_length 'Bytes after masking',
    COMMENT COLUMN original_digest 'Hex HMAC-SHA-256 of the original bytes; empty when none',
    COMMENT COLUMN erased '1 when the key of a segment was destroyed: its content is gone, its event and proofs are not';
