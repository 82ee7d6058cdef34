-- Opening sealed originals is an access (docs/adr/0092-sealed-originals.md).

DROP VIEW IF EXISTS audit.access;

DROP VIEW IF EXISTS audit.access_at;

CREATE VIEW IF NOT EXISTS audit.access{{at}} AS
SELECT *
FROM audit.control{{call}}
WHERE kind IN ('ledger.queried', 'packet.created', 'packet.downloaded', 'session.replayed', 'events.tailed', 'approval.viewed', 'unseal.opened');

ALTER TABLE audit.access MODIFY COMMENT 'The rows of audit.control that tell of a read of the evidence: queries, packets, replays, tails, viewed approvals, originals that were opened.';

ALTER TABLE audit.access_at MODIFY COMMENT 'The rows of audit.access inside a tree size; parameter tree_size';

ALTER TABLE audit.access
    COMMENT COLUMN event_id 'UUIDv7 of the event',
    COMMENT COLUMN occurred_at 'When it happened, by the clock of the source, microseconds, UTC',
    COMMENT COLUMN kind 'What happened, e.g. gateway.started, policy.published, ledger.queried',
    COMMENT COLUMN outcome 'success or failure',
    COMMENT COLUMN subject 'The thing acted on: a packet id, a policy digest, a query id; empty when none',
    COMMENT COLUMN attributes 'Further facts by name',
    COMMENT COLUMN detail 'Longer text, e.g. the query or the published policy; empty when none',
    COMMENT COLUMN exchange_id 'UUIDv7 of the exchange; empty when the event belongs to none',
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify; empty when none',
    COMMENT COLUMN connection 'Connection of the configuration; empty when none',
    COMMENT COLUMN principal_issuer 'Issuer of the verified token, affiant:service-key or affiant:system',
    COMMENT COLUMN principal_subject 'Subject of the verified token',
    COMMENT COLUMN principal_kind 'user, workload, service_key or system',
    COMMENT COLUMN principal_groups 'Groups the verified token states',
    COMMENT COLUMN principal_actor 'The agent that acts for the subject (RFC 8693 act.sub); empty when none',
    COMMENT COLUMN source_id 'Journal that wrote the event',
    COMMENT COLUMN seq 'Number of the event in its source; dense, starts at 1',
    COMMENT COLUMN leaf_index 'Place of the event in the tree, from 0; NULL until sealed';
