-- Comments of the views and their columns. docs/reference/tables.md says the same; a test compares the two.

ALTER TABLE audit.exchanges MODIFY COMMENT 'One row per request event: a call, how it was decided and how it ended.';

ALTER TABLE audit.exchanges_at MODIFY COMMENT 'The rows of audit.exchanges inside a tree size; parameter tree_size';

ALTER TABLE audit.exchanges
    COMMENT COLUMN exchange_id 'UUIDv7 of the exchange',
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify; empty when none',
    COMMENT COLUMN connection 'Connection of the configuration; empty when none',
    COMMENT COLUMN protocol 'Protocol of the connection, e.g. anthropic',
    COMMENT COLUMN operation 'What was asked, e.g. messages, count_tokens, models, or denied for what never parsed',
    COMMENT COLUMN method 'HTTP method',
    COMMENT COLUMN path 'Path without the query',
    COMMENT COLUMN model 'Model the client asked for; empty when none',
    COMMENT COLUMN stream '1 when the client asked for a stream',
    COMMENT COLUMN tools 'Names of the tools the client offered to the model',
    COMMENT COLUMN user_agent 'User agent as the client states it',
    COMMENT COLUMN started_at 'When the request was recorded, UTC',
    COMMENT COLUMN finished_at 'When the response was recorded, UTC; NULL while open',
    COMMENT COLUMN principal_issuer 'Issuer of the verified token, affiant:service-key or affiant:system',
    COMMENT COLUMN principal_subject 'Subject of the verified token',
    COMMENT COLUMN principal_kind 'user, workload, service_key or system',
    COMMENT COLUMN principal_groups 'Groups the verified token states',
    COMMENT COLUMN principal_actor 'The agent that acts for the subject (RFC 8693 act.sub); empty when none',
    COMMENT COLUMN token_digest 'Hex SHA-256 of the token id (jti), or of the token when it has none',
    COMMENT COLUMN verdict 'Last verdict before the call was forwarded: allow, mask, hold or block; empty when none was recorded',
    COMMENT COLUMN policies 'Policies behind the verdict',
    COMMENT COLUMN policy_version 'Version of the policy set that decided',
    COMMENT COLUMN policy_digest 'Hex SHA-256 of the text of that policy set',
    COMMENT COLUMN outcome 'completed, upstream_error, upstream_gone, stream_error, client_gone, refused, denied, expired or aborted; empty while open',
    COMMENT COLUMN status 'HTTP status the client was sent; 0 when none',
    COMMENT COLUMN upstream_status 'HTTP status of the upstream; NULL when it was not reached',
    COMMENT COLUMN stop_reason 'Why the model stopped; empty when unknown',
    COMMENT COLUMN tool_calls 'Names of the tools the model called',
    COMMENT COLUMN input_tokens 'Tokens in, as the upstream reports them; NULL when it did not',
    COMMENT COLUMN output_tokens 'Tokens out, as the upstream reports them; NULL when it did not',
    COMMENT COLUMN first_byte_us 'Microseconds from the arrival of the request to the first upstream byte; NULL when none came',
    COMMENT COLUMN duration_us 'Microseconds from the arrival of the request to the response event; NULL while open',
    COMMENT COLUMN request_masks 'Values masked in the request',
    COMMENT COLUMN response_masks 'Values masked in the response',
    COMMENT COLUMN request_length 'Bytes of the request body before masking',
    COMMENT COLUMN response_length 'Bytes of the response body before masking',
    COMMENT COLUMN error_code 'Error code of docs/reference/errors.md; empty when none',
    COMMENT COLUMN joins_exchange 'Exchange whose decision this retry joined; empty when none',
    COMMENT COLUMN source_id 'Journal that wrote the request event',
    COMMENT COLUMN request_seq 'Number of the request event in its source',
    COMMENT COLUMN request_leaf_index 'Place of the request event in the tree; NULL until sealed',
    COMMENT COLUMN response_leaf_index 'Place of the response event in the tree; NULL until there is one and it is sealed';

ALTER TABLE audit.decisions MODIFY COMMENT 'One row per decision event: a verdict, or a step of an approval.';

ALTER TABLE audit.decisions_at MODIFY COMMENT 'The rows of audit.decisions inside a tree size; parameter tree_size';

ALTER TABLE audit.decisions
    COMMENT COLUMN event_id 'UUIDv7 of the event',
    COMMENT COLUMN exchange_id 'UUIDv7 of the exchange; empty when the event belongs to none',
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify; empty when none',
    COMMENT COLUMN connection 'Connection of the configuration; empty when none',
    COMMENT COLUMN occurred_at 'When it happened, by the clock of the source, microseconds, UTC',
    COMMENT COLUMN kind 'verdict, approval_requested, approval_granted, approval_denied, approval_expired, approval_released or approval_orphaned',
    COMMENT COLUMN phase 'identity, request or response',
    COMMENT COLUMN verdict 'allow, mask, hold or block',
    COMMENT COLUMN policies 'Policies that matched; parallel to actions and reasons',
    COMMENT COLUMN actions 'What each policy asked for',
    COMMENT COLUMN reasons 'Why each policy matched, in plain words',
    COMMENT COLUMN policy_version 'Version of the policy set that decided',
    COMMENT COLUMN policy_digest 'Hex SHA-256 of the text of that policy set',
    COMMENT COLUMN subject_digest 'Hex keyed digest of what was decided on; empty when none',
    COMMENT COLUMN approval_id 'The approval this is a step of; empty for a verdict',
    COMMENT COLUMN approver_group 'Group that may approve',
    COMMENT COLUMN quorum 'Grants needed',
    COMMENT COLUMN granted 'Grants so far, this one included',
    COMMENT COLUMN approval_expires_at 'When the approval expires, UTC; NULL for a verdict',
    COMMENT COLUMN decided_by_issuer 'Issuer of the approver; empty when nobody decided',
    COMMENT COLUMN decided_by_subject 'The approver; empty when nobody decided',
    COMMENT COLUMN approval_reason 'Reason the approver gave',
    COMMENT COLUMN principal_issuer 'Issuer of the requester',
    COMMENT COLUMN principal_subject 'The requester',
    COMMENT COLUMN principal_kind 'Kind of the requester',
    COMMENT COLUMN principal_groups 'Groups of the requester',
    COMMENT COLUMN principal_actor 'The agent that acts for the requester; empty when none',
    COMMENT COLUMN source_id 'Journal that wrote the event',
    COMMENT COLUMN seq 'Number of the event in its source; dense, starts at 1',
    COMMENT COLUMN leaf_index 'Place of the event in the tree, from 0; NULL until sealed';

ALTER TABLE audit.approvals MODIFY COMMENT 'One row per approval: asked for, decided, released.';

ALTER TABLE audit.approvals_at MODIFY COMMENT 'The rows of audit.approvals inside a tree size; parameter tree_size';

ALTER TABLE audit.approvals
    COMMENT COLUMN approval_id 'Id of the approval',
    COMMENT COLUMN exchange_id 'Exchange that waits',
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify; empty when none',
    COMMENT COLUMN connection 'Connection of the configuration; empty when none',
    COMMENT COLUMN requester_issuer 'Issuer of the requester',
    COMMENT COLUMN requester_subject 'The requester',
    COMMENT COLUMN approver_group 'Group that may approve',
    COMMENT COLUMN quorum 'Grants needed',
    COMMENT COLUMN policies 'Policies that asked for it',
    COMMENT COLUMN requested_at 'When it was asked for, UTC',
    COMMENT COLUMN decided_at 'When it was granted by the full quorum, denied or expired, UTC; NULL while pending',
    COMMENT COLUMN state 'pending, granted, denied, expired (also when the waiting call was lost) or released',
    COMMENT COLUMN deciders 'Who granted or denied, in order',
    COMMENT COLUMN decision_reasons 'Their reasons; parallel to deciders',
    COMMENT COLUMN released_at 'When the call was released to go on, UTC; NULL when it was not',
    COMMENT COLUMN subject_digest 'Hex keyed digest of what was to be approved',
    COMMENT COLUMN released_digest 'Hex keyed digest of what was released; empty when nothing was',
    COMMENT COLUMN wait_us 'Microseconds from request to decision; NULL while pending';

ALTER TABLE audit.sessions MODIFY COMMENT 'One row per session of a principal on a connection. Exchanges without a session are left out.';

ALTER TABLE audit.sessions_at MODIFY COMMENT 'The rows of audit.sessions inside a tree size; parameter tree_size';

ALTER TABLE audit.sessions
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify',
    COMMENT COLUMN connection 'Connection of the configuration; empty when none',
    COMMENT COLUMN principal_issuer 'Issuer of the verified token, affiant:service-key or affiant:system',
    COMMENT COLUMN principal_subject 'Subject of the verified token',
    COMMENT COLUMN started_at 'First request, UTC',
    COMMENT COLUMN last_at 'Last response, or last request when that is still open, UTC',
    COMMENT COLUMN exchanges 'Exchanges',
    COMMENT COLUMN blocked 'Exchanges with verdict block',
    COMMENT COLUMN held 'Exchanges with verdict hold',
    COMMENT COLUMN masked_values 'Values masked in requests and responses',
    COMMENT COLUMN input_tokens 'Tokens in, as far as reported',
    COMMENT COLUMN output_tokens 'Tokens out, as far as reported';

ALTER TABLE audit.masks MODIFY COMMENT 'One row per body and masking rule that found something in it.';

ALTER TABLE audit.masks_at MODIFY COMMENT 'The rows of audit.masks inside a tree size; parameter tree_size';

ALTER TABLE audit.masks
    COMMENT COLUMN exchange_id 'UUIDv7 of the exchange; empty when the event belongs to none',
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify; empty when none',
    COMMENT COLUMN connection 'Connection of the configuration; empty when none',
    COMMENT COLUMN principal_subject 'Subject of the verified token',
    COMMENT COLUMN occurred_at 'When it happened, by the clock of the source, microseconds, UTC',
    COMMENT COLUMN direction 'request or response',
    COMMENT COLUMN entity 'What was found, e.g. us_ssn',
    COMMENT COLUMN rule 'Detector rule with its version',
    COMMENT COLUMN policy 'Policy that asked for masking',
    COMMENT COLUMN count 'Values masked',
    COMMENT COLUMN source_id 'Journal that wrote the event',
    COMMENT COLUMN seq 'Number of the event in its source; dense, starts at 1',
    COMMENT COLUMN leaf_index 'Place of the event in the tree, from 0; NULL until sealed';

ALTER TABLE audit.control MODIFY COMMENT 'One row per control event: start, stop, heartbeat, policy, key and mode changes, and every read.';

ALTER TABLE audit.control_at MODIFY COMMENT 'The rows of audit.control inside a tree size; parameter tree_size';

ALTER TABLE audit.control
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

ALTER TABLE audit.access MODIFY COMMENT 'The rows of audit.control that tell of a read of the evidence: queries, packets, replays, tails, viewed approvals.';

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

ALTER TABLE audit.bodies MODIFY COMMENT 'One row per request or response event with its masked body. Filter by session_id: only that filter reaches the table.';

ALTER TABLE audit.bodies_at MODIFY COMMENT 'The rows of audit.bodies inside a tree size; parameter tree_size';

ALTER TABLE audit.bodies
    COMMENT COLUMN exchange_id 'UUIDv7 of the exchange; empty when the event belongs to none',
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify; empty when none',
    COMMENT COLUMN direction 'request or response',
    COMMENT COLUMN occurred_at 'When it happened, by the clock of the source, microseconds, UTC',
    COMMENT COLUMN body 'Masked body, put together from its segments',
    COMMENT COLUMN resolved '1 when every segment was found in the session',
    COMMENT COLUMN complete '0 when the body ended early and only what was received is here',
    COMMENT COLUMN original_length 'Bytes before masking',
    COMMENT COLUMN masked_length 'Bytes after masking',
    COMMENT COLUMN original_digest 'Hex HMAC-SHA-256 of the original bytes; empty when none';

ALTER TABLE audit.events MODIFY COMMENT 'One row per event the ledger took in, of every type.';

ALTER TABLE audit.events_at MODIFY COMMENT 'The rows of audit.events inside a tree size; parameter tree_size';

ALTER TABLE audit.events
    COMMENT COLUMN source_id 'Journal that wrote the event',
    COMMENT COLUMN boot_epoch 'Grows by one at every start of the source',
    COMMENT COLUMN seq 'Number of the event in its source; dense, starts at 1',
    COMMENT COLUMN leaf_index 'Place of the event in the tree, from 0; NULL until sealed, and for a checkpoint, which is no leaf',
    COMMENT COLUMN topic 'Topic the event came on',
    COMMENT COLUMN event_type 'request, segment, decision, response, control, checkpoint, dead_letter or undecodable',
    COMMENT COLUMN event_id 'UUIDv7 of the event',
    COMMENT COLUMN occurred_at 'When it happened, by the clock of the source, microseconds, UTC; 1970-01-01 when undecodable',
    COMMENT COLUMN ingested_at 'When the ledger took it in, UTC',
    COMMENT COLUMN clock_offset_us 'Wall clock minus monotonic clock drift since the start of the source, microseconds',
    COMMENT COLUMN build 'Version of the program that wrote the event',
    COMMENT COLUMN session_id 'Session as the client states it or as derived; it correlates, it does not identify; empty when none',
    COMMENT COLUMN exchange_id 'UUIDv7 of the exchange; empty when the event belongs to none',
    COMMENT COLUMN connection 'Connection of the configuration; empty when none',
    COMMENT COLUMN principal_issuer 'Issuer of the verified token, affiant:service-key or affiant:system',
    COMMENT COLUMN principal_subject 'Subject of the verified token',
    COMMENT COLUMN principal_kind 'user, workload, service_key or system',
    COMMENT COLUMN principal_groups 'Groups the verified token states',
    COMMENT COLUMN principal_actor 'The agent that acts for the subject (RFC 8693 act.sub); empty when none',
    COMMENT COLUMN token_digest 'Hex SHA-256 of the token id; empty when none',
    COMMENT COLUMN payload_hash 'Hex SHA-256 of the exact bytes of the event',
    COMMENT COLUMN prev_hash 'Hex SHA-256 of the previous event of the source; zeros for the first',
    COMMENT COLUMN schema_sha256 'Hex SHA-256 of the Avro schema it was written with',
    COMMENT COLUMN data 'Type-specific fields without bodies, JSON in the names of the schema';

ALTER TABLE audit.leaves MODIFY COMMENT 'One row per leaf of the tree with the event it commits to. Filter by source_id and seq, or by exchange_id: only those filters reach the table.';

ALTER TABLE audit.leaves_at MODIFY COMMENT 'The rows of audit.leaves inside a tree size; parameter tree_size';

ALTER TABLE audit.leaves
    COMMENT COLUMN leaf_index 'Place in the tree, from 0',
    COMMENT COLUMN source_id 'Journal that wrote the event',
    COMMENT COLUMN seq 'Number of the event in its source; dense, starts at 1',
    COMMENT COLUMN event_id 'UUIDv7 of the event',
    COMMENT COLUMN exchange_id 'UUIDv7 of the exchange; empty when the event belongs to none',
    COMMENT COLUMN leaf_hash 'Hex RFC 6962 leaf hash: SHA-256 of a zero byte and the leaf',
    COMMENT COLUMN leaf 'Leaf bytes',
    COMMENT COLUMN payload_hash 'Hex SHA-256 of raw',
    COMMENT COLUMN raw 'The exact bytes of the event as received: Confluent framing and Avro';
