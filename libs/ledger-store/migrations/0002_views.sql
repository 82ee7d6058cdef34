-- The views people query. Each statement that says {{at}} makes two views: one over everything taken in, and its twin `<name>_at` with the
-- parameter tree_size, which sees only events whose leaf index is below it. A twin gives the same answer for ever.

-- What belongs to a tree size, as one row of parallel arrays: per source the last seq inside it. A checkpoint event is no leaf; it belongs
-- where the first checkpoint of the greatest tree size not above the parameter has it behind its frontier. {{within}} applies it.
CREATE VIEW IF NOT EXISTS ledger.bounds_at AS
SELECT arrayPushBack(groupArray(source_id), '') AS sources, arrayPushBack(groupArray(upto), 0) AS seqs
FROM
(
    SELECT source_id, max(last) AS upto
    FROM
    (
        SELECT toString(source_id) AS source_id, least(seq_to, toUInt64(seq_from + ({tree_size:UInt64} - index_from) - 1)) AS last
        FROM ledger.leaf_runs
        WHERE index_from < {tree_size:UInt64}
        UNION ALL
        SELECT frontier.1 AS source_id, frontier.2 AS last
        FROM
        (
            SELECT arrayJoin(arrayZip(frontier_sources, frontier_seqs)) AS frontier
            FROM ledger.checkpoints
            WHERE (tree_size, round) IN
            (
                SELECT tree_size, min(round)
                FROM ledger.checkpoints
                WHERE tree_size <= {tree_size:UInt64}
                GROUP BY tree_size
                ORDER BY tree_size DESC
                LIMIT 1
            )
        )
    )
    GROUP BY source_id
    ORDER BY source_id
);

CREATE VIEW IF NOT EXISTS audit.events{{at}} AS
SELECT
    e.source_id AS source_id,
    e.boot_epoch AS boot_epoch,
    e.seq AS seq,
    if(e.seq <= r.seq_to, toUInt64(r.index_from + e.seq - r.seq_from), NULL) AS leaf_index,
    e.topic AS topic,
    e.event_type AS event_type,
    e.event_id AS event_id,
    e.occurred_at AS occurred_at,
    e.ingested_at AS ingested_at,
    e.clock_offset_us AS clock_offset_us,
    e.build AS build,
    e.session_id AS session_id,
    e.exchange_id AS exchange_id,
    e.connection AS connection,
    e.principal_issuer AS principal_issuer,
    e.principal_subject AS principal_subject,
    e.principal_kind AS principal_kind,
    e.principal_groups AS principal_groups,
    e.principal_actor AS principal_actor,
    e.token_digest AS token_digest,
    lower(hex(e.payload_hash)) AS payload_hash,
    lower(hex(e.prev_hash)) AS prev_hash,
    lower(hex(e.schema_sha256)) AS schema_sha256,
    e.data AS data
FROM ledger.events AS e
ASOF LEFT JOIN ledger.leaf_runs AS r ON e.source_id = r.source_id AND e.seq >= r.seq_from
WHERE true{{within}};

-- Read from the events, not from ledger.leaves: a join would read every event's bytes to show one.
CREATE VIEW IF NOT EXISTS audit.leaves{{at}} AS
SELECT
    toUInt64(r.index_from + e.seq - r.seq_from) AS leaf_index,
    e.source_id AS source_id,
    e.seq AS seq,
    e.event_id AS event_id,
    e.exchange_id AS exchange_id,
    lower(hex(SHA256(concat(char(0), e.leaf)))) AS leaf_hash,
    e.leaf AS leaf,
    lower(hex(e.payload_hash)) AS payload_hash,
    e.raw AS raw
FROM ledger.events AS e
ASOF INNER JOIN ledger.leaf_runs AS r ON e.source_id = r.source_id AND e.seq >= r.seq_from
WHERE e.seq <= r.seq_to{{within}};

-- A request has exactly one response event, and each decision phase one verdict; so joins take any match. Requests are on the left, so that
-- filters on who and when reach the table.
CREATE VIEW IF NOT EXISTS audit.exchanges{{at}} AS
SELECT
    e.exchange_id AS exchange_id,
    e.session_id AS session_id,
    e.connection AS connection,
    e.fields.protocol AS protocol,
    e.fields.operation AS operation,
    e.fields.method AS method,
    e.fields.path AS path,
    e.fields.model AS model,
    toUInt8(e.fields.stream) AS stream,
    e.fields.tools AS tools,
    e.fields.user_agent AS user_agent,
    e.occurred_at AS started_at,
    if(p.seq > 0, p.occurred_at, NULL) AS finished_at,
    e.principal_issuer AS principal_issuer,
    e.principal_subject AS principal_subject,
    e.principal_kind AS principal_kind,
    e.principal_groups AS principal_groups,
    e.principal_actor AS principal_actor,
    e.token_digest AS token_digest,
    d.verdict AS verdict,
    d.policies AS policies,
    d.policy_version AS policy_version,
    d.policy_digest AS policy_digest,
    p.outcome AS outcome,
    p.status AS status,
    if(p.seq > 0, p.upstream_status, NULL) AS upstream_status,
    p.stop_reason AS stop_reason,
    p.tool_calls AS tool_calls,
    if(p.seq > 0, p.input_tokens, NULL) AS input_tokens,
    if(p.seq > 0, p.output_tokens, NULL) AS output_tokens,
    if(p.seq > 0, p.first_byte_us, NULL) AS first_byte_us,
    if(p.seq > 0, p.duration_us, NULL) AS duration_us,
    arraySum(e.fields.body.masks.count) AS request_masks,
    p.masks AS response_masks,
    e.fields.body.original_length AS request_length,
    p.original_length AS response_length,
    p.error_code AS error_code,
    e.fields.joins_exchange AS joins_exchange,
    e.source_id AS source_id,
    e.seq AS request_seq,
    if(e.seq <= q.seq_to, toUInt64(q.index_from + e.seq - q.seq_from), NULL) AS request_leaf_index,
    if(p.seq > 0 AND p.seq <= z.seq_to, toUInt64(z.index_from + p.seq - z.seq_from), NULL) AS response_leaf_index
FROM ledger.events AS e
LEFT ANY JOIN
(
    SELECT
        e.exchange_id AS exchange_id,
        e.source_id AS source_id,
        e.seq AS seq,
        e.occurred_at AS occurred_at,
        e.fields.outcome AS outcome,
        e.fields.status AS status,
        e.fields.upstream_status AS upstream_status,
        e.fields.stop_reason AS stop_reason,
        e.fields.tool_calls AS tool_calls,
        e.fields.input_tokens AS input_tokens,
        e.fields.output_tokens AS output_tokens,
        e.fields.first_byte_us AS first_byte_us,
        e.fields.duration_us AS duration_us,
        e.fields.error_code AS error_code,
        arraySum(e.fields.body.masks.count) AS masks,
        e.fields.body.original_length AS original_length
    FROM ledger.events AS e
    WHERE e.event_type = 'response'{{within}}
) AS p ON p.exchange_id = e.exchange_id
LEFT ANY JOIN
(
    SELECT
        e.exchange_id AS exchange_id,
        argMax(e.fields.verdict, e.seq) AS verdict,
        arrayDistinct(argMax(e.fields.rules.policy, e.seq)) AS policies,
        argMax(e.fields.policy_version, e.seq) AS policy_version,
        argMax(e.fields.policy_digest, e.seq) AS policy_digest
    FROM ledger.events AS e
    WHERE e.event_type = 'decision' AND e.fields.kind = 'verdict' AND e.fields.phase != 'response'{{within}}
    GROUP BY e.exchange_id
) AS d ON d.exchange_id = e.exchange_id
ASOF LEFT JOIN ledger.leaf_runs AS q ON e.source_id = q.source_id AND e.seq >= q.seq_from
ASOF LEFT JOIN ledger.leaf_runs AS z ON p.source_id = z.source_id AND p.seq >= z.seq_from
WHERE e.event_type = 'request'{{within}};

CREATE VIEW IF NOT EXISTS audit.decisions{{at}} AS
SELECT
    e.event_id AS event_id,
    e.exchange_id AS exchange_id,
    e.session_id AS session_id,
    e.connection AS connection,
    e.occurred_at AS occurred_at,
    e.fields.kind AS kind,
    e.fields.phase AS phase,
    e.fields.verdict AS verdict,
    e.fields.rules.policy AS policies,
    e.fields.rules.action AS actions,
    e.fields.rules.reason AS reasons,
    e.fields.policy_version AS policy_version,
    e.fields.policy_digest AS policy_digest,
    e.fields.subject_digest AS subject_digest,
    e.fields.approval.approval_id AS approval_id,
    e.fields.approval.approver_group AS approver_group,
    e.fields.approval.quorum AS quorum,
    e.fields.approval.granted AS granted,
    if(e.fields.approval.expires_at = 0, NULL, fromUnixTimestamp64Micro(e.fields.approval.expires_at, 'UTC')) AS approval_expires_at,
    e.fields.approval.decided_by.issuer AS decided_by_issuer,
    e.fields.approval.decided_by.subject AS decided_by_subject,
    e.fields.approval.reason AS approval_reason,
    e.principal_issuer AS principal_issuer,
    e.principal_subject AS principal_subject,
    e.principal_kind AS principal_kind,
    e.principal_groups AS principal_groups,
    e.principal_actor AS principal_actor,
    e.source_id AS source_id,
    e.seq AS seq,
    if(e.seq <= r.seq_to, toUInt64(r.index_from + e.seq - r.seq_from), NULL) AS leaf_index
FROM ledger.events AS e
ASOF LEFT JOIN ledger.leaf_runs AS r ON e.source_id = r.source_id AND e.seq >= r.seq_from
WHERE e.event_type = 'decision'{{within}};

CREATE VIEW IF NOT EXISTS audit.approvals{{at}} AS
SELECT
    d.approval_id AS approval_id,
    argMinIf(d.exchange_id, d.seq, d.kind = 'approval_requested') AS exchange_id,
    argMinIf(d.session_id, d.seq, d.kind = 'approval_requested') AS session_id,
    argMinIf(d.connection, d.seq, d.kind = 'approval_requested') AS connection,
    argMinIf(d.principal_issuer, d.seq, d.kind = 'approval_requested') AS requester_issuer,
    argMinIf(d.principal_subject, d.seq, d.kind = 'approval_requested') AS requester_subject,
    argMinIf(d.approver_group, d.seq, d.kind = 'approval_requested') AS approver_group,
    argMinIf(d.quorum, d.seq, d.kind = 'approval_requested') AS quorum,
    arrayDistinct(argMinIf(d.policies, d.seq, d.kind = 'approval_requested')) AS policies,
    minIf(d.occurred_at, d.kind = 'approval_requested') AS requested_at,
    if(countIf(d.final) > 0, minIf(d.occurred_at, d.final), NULL) AS decided_at,
    multiIf(
        countIf(d.kind = 'approval_released') > 0, 'released',
        countIf(d.kind = 'approval_denied') > 0, 'denied',
        countIf(d.kind IN ('approval_expired', 'approval_orphaned')) > 0, 'expired',
        countIf(d.final) > 0, 'granted',
        'pending') AS state,
    arrayMap(step -> step.2, arraySort(groupArrayIf((d.seq, toString(d.decided_by_subject)), d.kind IN ('approval_granted', 'approval_denied')))) AS deciders,
    arrayMap(step -> step.2, arraySort(groupArrayIf((d.seq, d.approval_reason), d.kind IN ('approval_granted', 'approval_denied')))) AS decision_reasons,
    if(countIf(d.kind = 'approval_released') > 0, minIf(d.occurred_at, d.kind = 'approval_released'), NULL) AS released_at,
    argMinIf(d.subject_digest, d.seq, d.kind = 'approval_requested') AS subject_digest,
    argMinIf(d.subject_digest, d.seq, d.kind = 'approval_released') AS released_digest,
    if(countIf(d.final) > 0,
        dateDiff('microsecond', minIf(d.occurred_at, d.kind = 'approval_requested'), minIf(d.occurred_at, d.final)),
        NULL) AS wait_us
FROM
(
    SELECT *, kind IN ('approval_denied', 'approval_expired', 'approval_orphaned') OR (kind = 'approval_granted' AND granted >= quorum) AS final
    FROM audit.decisions{{call}}
    WHERE approval_id != ''
) AS d
GROUP BY d.approval_id
HAVING countIf(d.kind = 'approval_requested') > 0;

CREATE VIEW IF NOT EXISTS audit.sessions{{at}} AS
SELECT
    x.session_id AS session_id,
    x.connection AS connection,
    x.principal_issuer AS principal_issuer,
    x.principal_subject AS principal_subject,
    min(x.started_at) AS started_at,
    max(coalesce(x.finished_at, x.started_at)) AS last_at,
    count() AS exchanges,
    countIf(x.verdict = 'block') AS blocked,
    countIf(x.verdict = 'hold') AS held,
    sum(x.request_masks + x.response_masks) AS masked_values,
    sum(coalesce(x.input_tokens, 0)) AS input_tokens,
    sum(coalesce(x.output_tokens, 0)) AS output_tokens
FROM audit.exchanges{{call}} AS x
WHERE x.session_id != ''
GROUP BY x.session_id, x.connection, x.principal_issuer, x.principal_subject;

CREATE VIEW IF NOT EXISTS audit.masks{{at}} AS
SELECT
    e.exchange_id AS exchange_id,
    e.session_id AS session_id,
    e.connection AS connection,
    e.principal_subject AS principal_subject,
    e.occurred_at AS occurred_at,
    e.event_type AS direction,
    mask.entity AS entity,
    mask.rule AS rule,
    mask.policy AS policy,
    mask.count AS count,
    e.source_id AS source_id,
    e.seq AS seq,
    if(e.seq <= r.seq_to, toUInt64(r.index_from + e.seq - r.seq_from), NULL) AS leaf_index
FROM
(
    SELECT
        e.exchange_id, e.session_id, e.connection, e.principal_subject, e.occurred_at, e.event_type, e.source_id, e.seq,
        arrayJoin(e.fields.body.masks) AS mask
    FROM ledger.events AS e
    WHERE e.event_type IN ('request', 'response') AND notEmpty(e.fields.body.masks){{within}}
) AS e
ASOF LEFT JOIN ledger.leaf_runs AS r ON e.source_id = r.source_id AND e.seq >= r.seq_from;

CREATE VIEW IF NOT EXISTS audit.control{{at}} AS
SELECT
    e.event_id AS event_id,
    e.occurred_at AS occurred_at,
    e.fields.kind AS kind,
    e.fields.outcome AS outcome,
    e.fields.subject AS subject,
    CAST((e.fields.attributes.name, e.fields.attributes.value), 'Map(String, String)') AS attributes,
    e.fields.detail AS detail,
    e.exchange_id AS exchange_id,
    e.session_id AS session_id,
    e.connection AS connection,
    e.principal_issuer AS principal_issuer,
    e.principal_subject AS principal_subject,
    e.principal_kind AS principal_kind,
    e.principal_groups AS principal_groups,
    e.principal_actor AS principal_actor,
    e.source_id AS source_id,
    e.seq AS seq,
    if(e.seq <= r.seq_to, toUInt64(r.index_from + e.seq - r.seq_from), NULL) AS leaf_index
FROM ledger.events AS e
ASOF LEFT JOIN ledger.leaf_runs AS r ON e.source_id = r.source_id AND e.seq >= r.seq_from
WHERE e.event_type = 'control'{{within}};

CREATE VIEW IF NOT EXISTS audit.access{{at}} AS
SELECT *
FROM audit.control{{call}}
WHERE kind IN ('ledger.queried', 'packet.created', 'packet.downloaded', 'session.replayed', 'events.tailed', 'approval.viewed');

-- Grouped by session, because a segment that an earlier event of the session carried is sent by digest alone. Filter by session_id: only
-- that filter reaches the table.
CREATE VIEW IF NOT EXISTS audit.bodies{{at}} AS
SELECT
    part.1 AS exchange_id,
    session_id,
    part.2 AS direction,
    part.3 AS occurred_at,
    arrayStringConcat(arrayMap(digest -> contents[indexOf(digests, digest)], part.4)) AS body,
    arrayAll(digest -> has(digests, digest), part.4) AS resolved,
    toUInt8(part.5) AS complete,
    part.6 AS original_length,
    part.7 AS masked_length,
    part.8 AS original_digest
FROM
(
    SELECT
        e.session_id AS session_id,
        if(e.session_id = '', e.exchange_id, '') AS lone,
        groupArrayIf(
            (e.exchange_id, toString(e.event_type), e.occurred_at, e.segment_sha256, e.fields.body.complete, e.fields.body.original_length,
                e.fields.body.masked_length, e.fields.body.original_digest),
            e.event_type IN ('request', 'response')) AS parts,
        groupArrayArray(arrayFilter((digest, inline) -> inline, e.segment_sha256, e.segment_inline)) AS digests,
        groupArrayArray(arrayFilter((content, inline) -> inline, e.segment_content, e.segment_inline)) AS contents
    FROM ledger.events AS e
    WHERE e.event_type IN ('request', 'response', 'segment'){{within}}
    GROUP BY session_id, lone
)
ARRAY JOIN parts AS part;
