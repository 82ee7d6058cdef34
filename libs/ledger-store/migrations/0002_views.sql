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

CREATE VIEW IF NOT EXISTS audit.exchanges{{at}} AS
SELECT
    x.exchange_id AS exchange_id,
    x.session_id AS session_id,
    x.connection AS connection,
    x.protocol AS protocol,
    x.operation AS operation,
    x.method AS method,
    x.path AS path,
    x.model AS model,
    x.stream AS stream,
    x.tools AS tools,
    x.user_agent AS user_agent,
    x.started_at AS started_at,
    if(x.response_seq > 0, x.ended_at, NULL) AS finished_at,
    x.principal_issuer AS principal_issuer,
    x.principal_subject AS principal_subject,
    x.principal_kind AS principal_kind,
    x.principal_groups AS principal_groups,
    x.principal_actor AS principal_actor,
    x.token_digest AS token_digest,
    x.verdict AS verdict,
    arrayDistinct(x.policies) AS policies,
    x.policy_version AS policy_version,
    x.policy_digest AS policy_digest,
    x.outcome AS outcome,
    x.status AS status,
    x.upstream_status AS upstream_status,
    x.stop_reason AS stop_reason,
    x.tool_calls AS tool_calls,
    x.input_tokens AS input_tokens,
    x.output_tokens AS output_tokens,
    x.first_byte_us AS first_byte_us,
    if(x.response_seq > 0, x.duration_us, NULL) AS duration_us,
    x.request_masks AS request_masks,
    x.response_masks AS response_masks,
    x.request_length AS request_length,
    x.response_length AS response_length,
    x.error_code AS error_code,
    x.joins_exchange AS joins_exchange,
    x.source_id AS source_id,
    x.request_seq AS request_seq,
    if(x.request_seq <= q.seq_to, toUInt64(q.index_from + x.request_seq - q.seq_from), NULL) AS request_leaf_index,
    if(x.response_seq > 0 AND x.response_seq <= p.seq_to, toUInt64(p.index_from + x.response_seq - p.seq_from), NULL) AS response_leaf_index
FROM
(
    SELECT
        e.exchange_id AS exchange_id,
        argMinIf(e.session_id, e.seq, e.event_type = 'request') AS session_id,
        argMinIf(e.connection, e.seq, e.event_type = 'request') AS connection,
        argMinIf(e.fields.protocol, e.seq, e.event_type = 'request') AS protocol,
        argMinIf(e.fields.operation, e.seq, e.event_type = 'request') AS operation,
        argMinIf(e.fields.method, e.seq, e.event_type = 'request') AS method,
        argMinIf(e.fields.path, e.seq, e.event_type = 'request') AS path,
        argMinIf(e.fields.model, e.seq, e.event_type = 'request') AS model,
        argMinIf(toUInt8(e.fields.stream), e.seq, e.event_type = 'request') AS stream,
        argMinIf(e.fields.tools, e.seq, e.event_type = 'request') AS tools,
        argMinIf(e.fields.user_agent, e.seq, e.event_type = 'request') AS user_agent,
        argMinIf(e.occurred_at, e.seq, e.event_type = 'request') AS started_at,
        argMinIf(e.occurred_at, e.seq, e.event_type = 'response') AS ended_at,
        argMinIf(e.principal_issuer, e.seq, e.event_type = 'request') AS principal_issuer,
        argMinIf(e.principal_subject, e.seq, e.event_type = 'request') AS principal_subject,
        argMinIf(e.principal_kind, e.seq, e.event_type = 'request') AS principal_kind,
        argMinIf(e.principal_groups, e.seq, e.event_type = 'request') AS principal_groups,
        argMinIf(e.principal_actor, e.seq, e.event_type = 'request') AS principal_actor,
        argMinIf(e.token_digest, e.seq, e.event_type = 'request') AS token_digest,
        argMaxIf(e.fields.verdict, e.seq, e.event_type = 'decision' AND e.fields.kind = 'verdict' AND e.fields.phase != 'response') AS verdict,
        argMaxIf(e.fields.rules.policy, e.seq, e.event_type = 'decision' AND e.fields.kind = 'verdict' AND e.fields.phase != 'response') AS policies,
        argMaxIf(e.fields.policy_version, e.seq, e.event_type = 'decision' AND e.fields.kind = 'verdict' AND e.fields.phase != 'response') AS policy_version,
        argMaxIf(e.fields.policy_digest, e.seq, e.event_type = 'decision' AND e.fields.kind = 'verdict' AND e.fields.phase != 'response') AS policy_digest,
        argMinIf(e.fields.outcome, e.seq, e.event_type = 'response') AS outcome,
        argMinIf(e.fields.status, e.seq, e.event_type = 'response') AS status,
        argMinIf(e.fields.upstream_status, e.seq, e.event_type = 'response') AS upstream_status,
        argMinIf(e.fields.stop_reason, e.seq, e.event_type = 'response') AS stop_reason,
        argMinIf(e.fields.tool_calls, e.seq, e.event_type = 'response') AS tool_calls,
        argMinIf(e.fields.input_tokens, e.seq, e.event_type = 'response') AS input_tokens,
        argMinIf(e.fields.output_tokens, e.seq, e.event_type = 'response') AS output_tokens,
        argMinIf(e.fields.first_byte_us, e.seq, e.event_type = 'response') AS first_byte_us,
        argMinIf(e.fields.duration_us, e.seq, e.event_type = 'response') AS duration_us,
        argMinIf(arraySum(e.fields.body.masks.count), e.seq, e.event_type = 'request') AS request_masks,
        argMinIf(arraySum(e.fields.body.masks.count), e.seq, e.event_type = 'response') AS response_masks,
        argMinIf(e.fields.body.original_length, e.seq, e.event_type = 'request') AS request_length,
        argMinIf(e.fields.body.original_length, e.seq, e.event_type = 'response') AS response_length,
        argMinIf(e.fields.error_code, e.seq, e.event_type = 'response') AS error_code,
        argMinIf(e.fields.joins_exchange, e.seq, e.event_type = 'request') AS joins_exchange,
        argMinIf(e.source_id, e.seq, e.event_type = 'request') AS source_id,
        argMinIf(e.source_id, e.seq, e.event_type = 'response') AS response_source,
        minIf(e.seq, e.event_type = 'request') AS request_seq,
        minIf(e.seq, e.event_type = 'response') AS response_seq
    FROM ledger.events AS e
    WHERE e.exchange_id != '' AND e.event_type IN ('request', 'decision', 'response'){{within}}
    GROUP BY e.exchange_id
    HAVING request_seq > 0
) AS x
ASOF LEFT JOIN ledger.leaf_runs AS q ON x.source_id = q.source_id AND x.request_seq >= q.seq_from
ASOF LEFT JOIN ledger.leaf_runs AS p ON x.response_source = p.source_id AND x.response_seq >= p.seq_from;

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
    part.5 AS complete,
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
