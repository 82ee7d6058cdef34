-- audit.bodies joins the segments of each body instead of giving every body the texts of its whole session: these are as many times as large as the session
-- has bodies, so a session of some hundred turns did not fit the memory of a query (docs/adr/0093-cost-of-a-session.md).

DROP VIEW IF EXISTS audit.bodies;

DROP VIEW IF EXISTS audit.bodies_at;

-- Joined within the session, because a segment that an earlier event of the session carried is sent by digest alone. Filters on session_id reach both sides,
-- on exchange_id the side of the bodies. A sealed segment whose content is not there is erased: content is always there before its event.
-- Few bodies a block: joined, a block is as large as all of them written out.
CREATE VIEW IF NOT EXISTS audit.bodies{{at}} AS
SELECT
    exchange_id,
    session_id,
    direction,
    occurred_at,
    if(erased, '[erased]', arrayStringConcat(arrayMap(part -> part.2, arraySort(part -> part.1, parts)))) AS body,
    resolved,
    complete,
    original_length,
    masked_length,
    original_digest,
    erased
FROM
(
    SELECT
        one.exchange_id AS exchange_id,
        one.session_id AS session_id,
        one.direction AS direction,
        one.occurred_at AS occurred_at,
        groupArray((one.place, segment.content)) AS parts,
        min(one.place = 0 OR segment.held) AS resolved,
        one.complete AS complete,
        one.original_length AS original_length,
        one.masked_length AS masked_length,
        one.original_digest AS original_digest,
        max(one.place > 0 AND segment.sealed AND NOT segment.held) AS erased
    FROM
    (
        SELECT
            e.source_id AS source_id,
            e.seq AS seq,
            e.exchange_id AS exchange_id,
            e.session_id AS session_id,
            if(e.session_id = '', e.exchange_id, '') AS lone,
            CAST(e.event_type, 'String') AS direction,
            e.occurred_at AS occurred_at,
            toUInt8(e.fields.body.complete) AS complete,
            e.fields.body.original_length AS original_length,
            e.fields.body.masked_length AS masked_length,
            e.fields.body.original_digest AS original_digest,
            digest,
            place
        FROM ledger.events AS e
        LEFT ARRAY JOIN e.segment_sha256 AS digest, arrayEnumerate(e.segment_sha256) AS place
        WHERE e.event_type IN ('request', 'response'){{within}}
    ) AS one
    LEFT ANY JOIN
    (
        SELECT session_id, lone, digest, anyIf(text, is_text) AS content, max(is_text) AS held, max(NOT is_text) AS sealed
        FROM
        (
            SELECT
                e.session_id AS session_id,
                if(e.session_id = '', e.exchange_id, '') AS lone,
                digest,
                text,
                e.content_key = '' AS is_text
            FROM ledger.events AS e
            ARRAY JOIN e.segment_sha256 AS digest, e.segment_content AS text, e.segment_inline AS is_carried
            WHERE e.event_type IN ('request', 'response', 'segment') AND is_carried{{within}}
            UNION ALL
            SELECT
                e.session_id AS session_id,
                if(e.session_id = '', e.exchange_id, '') AS lone,
                digest,
                text,
                true AS is_text
            FROM ledger.content AS e
            ARRAY JOIN e.segment_sha256 AS digest, e.segment_content AS text
            WHERE true{{within}}
        )
        GROUP BY session_id, lone, digest
    ) AS segment ON segment.session_id = one.session_id AND segment.lone = one.lone AND segment.digest = one.digest
    GROUP BY
        one.source_id, one.seq, exchange_id, session_id, direction, occurred_at, complete, original_length, masked_length, original_digest
    SETTINGS max_block_size = 8, min_joined_block_size_rows = 0, min_joined_block_size_bytes = 0
);

ALTER TABLE audit.bodies MODIFY COMMENT 'One row per request or response event with its masked body. Filter by session_id, and by exchange_id for some of its bodies.';

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
