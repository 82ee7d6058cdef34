-- The users of the ledger on a ClickHouse server or cluster. Run it once as an administrator, after replacing each <sha256 of ...> by the hex
-- SHA-256 of a password of its own (printf %s 'password' | sha256sum). In a cluster add ON CLUSTER `name` behind each name, or keep access
-- entities in Keeper (<user_directories><replicated>). docs/guide/clickhouse.md says where each login goes in the configuration.
--
-- Nobody of the runtime but retention and the eraser has ALTER, DELETE, DROP, TRUNCATE, OPTIMIZE or SYSTEM. That prevents honest mistakes; what detects all others is the tree.
-- The migrator makes and extends tables and views, cannot remove what holds rows, and is used by `affiant ledger migrate` only.

-- Profiles. A reader may tighten these bounds for one query, never widen them.

CREATE SETTINGS PROFILE IF NOT EXISTS affiant_writing SETTINGS
    async_insert = 0 CONST,
    insert_deduplicate = 1 CONST,
    input_format_parallel_parsing = 0 CONST;

CREATE SETTINGS PROFILE IF NOT EXISTS affiant_reading SETTINGS
    readonly = 1,
    max_execution_time = 60 MIN 1 MAX 60 CHANGEABLE_IN_READONLY,
    max_result_rows = 5000000 MIN 1 MAX 5000000 CHANGEABLE_IN_READONLY,
    max_result_bytes = 1000000000 MIN 1 MAX 1000000000 CHANGEABLE_IN_READONLY,
    max_threads = 4 MIN 1 MAX 4 CHANGEABLE_IN_READONLY,
    max_memory_usage = 4000000000 CONST,
    result_overflow_mode = 'throw' CONST,
    cancel_http_readonly_queries_on_client_close = 1 CONST,
    send_progress_in_http_headers CHANGEABLE_IN_READONLY,
    http_headers_progress_interval_ms CHANGEABLE_IN_READONLY,
    enable_http_compression CHANGEABLE_IN_READONLY,
    date_time_output_format CHANGEABLE_IN_READONLY,
    output_format_json_quote_64bit_integers CHANGEABLE_IN_READONLY,
    session_timezone CHANGEABLE_IN_READONLY,
    extremes CHANGEABLE_IN_READONLY,
    limit CHANGEABLE_IN_READONLY,
    offset CHANGEABLE_IN_READONLY,
    max_block_size CHANGEABLE_IN_READONLY;

-- Evidence is read without skip indexes: indexes of the engine have answered wrongly before.
CREATE SETTINGS PROFILE IF NOT EXISTS affiant_evidence_reading SETTINGS use_skip_indexes = 0 CONST, INHERIT 'affiant_reading';

-- Users.

CREATE USER IF NOT EXISTS affiant_migrator IDENTIFIED WITH sha256_hash BY '<sha256 of the password of the migrator>';

CREATE USER IF NOT EXISTS affiant_writer IDENTIFIED WITH sha256_hash BY '<sha256 of the password of the writer>'
    SETTINGS PROFILE 'affiant_writing';

CREATE USER IF NOT EXISTS affiant_retention IDENTIFIED WITH sha256_hash BY '<sha256 of the password of retention>'
    SETTINGS async_insert = 0 CONST;

CREATE USER IF NOT EXISTS affiant_eraser IDENTIFIED WITH sha256_hash BY '<sha256 of the password of the eraser>'
    SETTINGS async_insert = 0 CONST;

CREATE USER IF NOT EXISTS affiant_auditor IDENTIFIED WITH sha256_hash BY '<sha256 of the password of the auditor>'
    SETTINGS PROFILE 'affiant_reading';

CREATE USER IF NOT EXISTS affiant_examiner IDENTIFIED WITH sha256_hash BY '<sha256 of the password of the examiner>'
    SETTINGS PROFILE 'affiant_reading';

CREATE USER IF NOT EXISTS affiant_evidence IDENTIFIED WITH sha256_hash BY '<sha256 of the password of evidence>'
    SETTINGS PROFILE 'affiant_evidence_reading';

-- Rights.

GRANT SELECT, INSERT, CREATE DATABASE, CREATE TABLE, CREATE VIEW, ALTER ADD COLUMN, ALTER ADD INDEX, ALTER ADD PROJECTION, ALTER VIEW, DROP VIEW, SHOW
    ON ledger.* TO affiant_migrator;

GRANT SELECT, CREATE DATABASE, CREATE VIEW, ALTER VIEW, ALTER COMMENT COLUMN, ALTER MODIFY COMMENT, DROP VIEW, SHOW ON audit.* TO affiant_migrator;

GRANT CLUSTER ON *.* TO affiant_migrator;

GRANT TABLE ENGINE ON MergeTree TO affiant_migrator;

GRANT TABLE ENGINE ON ReplicatedMergeTree TO affiant_migrator;

GRANT SELECT, INSERT, SHOW TABLES ON ledger.* TO affiant_writer;

GRANT SELECT ON system.settings TO affiant_writer;

GRANT SELECT ON system.tables TO affiant_writer;

GRANT SELECT ON system.parts TO affiant_writer;

GRANT SELECT ON system.clusters TO affiant_writer;

-- Only where retention is configured: this login alone can remove what holds rows, and it can remove events only.
GRANT SELECT, SHOW ON ledger.* TO affiant_retention;

GRANT INSERT, ALTER DELETE ON ledger.events TO affiant_retention;

GRANT ALTER DELETE ON ledger.content TO affiant_retention;

GRANT INSERT, CREATE TABLE, DROP TABLE ON ledger.kept TO affiant_retention;

GRANT SELECT ON system.parts TO affiant_retention;

GRANT TABLE ENGINE ON MergeTree TO affiant_retention;

GRANT TABLE ENGINE ON ReplicatedMergeTree TO affiant_retention;

-- Only where erasures are configured: it can delete opened content, and nothing else.
GRANT SELECT ON ledger.* TO affiant_eraser;

GRANT ALTER DELETE ON ledger.content TO affiant_eraser;

GRANT SELECT, SHOW ON audit.* TO affiant_auditor, affiant_examiner, affiant_evidence;

GRANT SELECT ON ledger.* TO affiant_auditor, affiant_examiner, affiant_evidence;

-- Quotas: per user and hour.

CREATE QUOTA IF NOT EXISTS affiant_reading KEYED BY user_name FOR INTERVAL 1 hour MAX queries = 100000, execution_time = 7200
    TO affiant_auditor, affiant_examiner;

-- Row policies. Set <users_without_row_policies_can_read_rows>false</users_without_row_policies_can_read_rows> in the server's
-- <access_control_improvements>: whoever has no policy then reads nothing, where the server's default would let him read everything. Writer and
-- migrator are named too, because they read what they wrote. To show an examiner one period only, take him out here and give him a policy of his
-- own with a condition in place of `1`, on ledger.events and on ledger.content alike.

CREATE ROW POLICY IF NOT EXISTS affiant_whole ON ledger.events AS PERMISSIVE FOR SELECT USING 1
    TO affiant_writer, affiant_migrator, affiant_retention, affiant_eraser, affiant_auditor, affiant_examiner, affiant_evidence;

CREATE ROW POLICY IF NOT EXISTS affiant_whole ON ledger.content AS PERMISSIVE FOR SELECT USING 1
    TO affiant_writer, affiant_migrator, affiant_retention, affiant_eraser, affiant_auditor, affiant_examiner, affiant_evidence;

CREATE ROW POLICY IF NOT EXISTS affiant_whole ON ledger.kept AS PERMISSIVE FOR SELECT USING 1 TO affiant_retention;

CREATE ROW POLICY IF NOT EXISTS affiant_whole ON ledger.leaves AS PERMISSIVE FOR SELECT USING 1
    TO affiant_writer, affiant_migrator, affiant_retention, affiant_eraser, affiant_auditor, affiant_examiner, affiant_evidence;

CREATE ROW POLICY IF NOT EXISTS affiant_whole ON ledger.leaf_runs AS PERMISSIVE FOR SELECT USING 1
    TO affiant_writer, affiant_migrator, affiant_retention, affiant_eraser, affiant_auditor, affiant_examiner, affiant_evidence;

CREATE ROW POLICY IF NOT EXISTS affiant_whole ON ledger.checkpoints AS PERMISSIVE FOR SELECT USING 1
    TO affiant_writer, affiant_migrator, affiant_retention, affiant_eraser, affiant_auditor, affiant_examiner, affiant_evidence;

CREATE ROW POLICY IF NOT EXISTS affiant_whole ON ledger.anchors AS PERMISSIVE FOR SELECT USING 1
    TO affiant_writer, affiant_migrator, affiant_auditor, affiant_examiner, affiant_evidence;
