import { createHash } from 'node:crypto';
import type { ReaderRole } from '../port.js';
import type { EngineLimits } from './limits.js';

/** Name of the header without which every path of the engine answers 404. */
export const ENGINE_KEY_HEADER = 'X-Engine-Key';

export const READER_ROLES: readonly ReaderRole[] = ['auditor', 'examiner', 'evidence'];

/** The user that writes: INSERT and SELECT, nothing else. */
export const WRITER = 'affiant_writer';

/** The user that makes tables and views at start. */
export const MIGRATOR = 'affiant_migrator';

/** The user that retention works as: it alone can remove what holds rows. */
export const RETENTION = 'affiant_retention';

/** The user that erasures work as: it can delete opened content, and nothing else. */
export const ERASER = 'affiant_eraser';

export interface EngineSecrets {
  /** Value of the secret header. */
  readonly key: string;
  readonly writer: string;
  readonly migrator: string;
  readonly retention: string;
  readonly eraser: string;
  readonly readers: Readonly<Record<ReaderRole, string>>;
}

/** Paths are ours and random secrets are hex, so the only text that needs care in the XML is the path. */
const xml = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/**
 * Server configuration. No TCP listener; every HTTP path needs the secret header, so that another user of the machine sees only 404
 * (research/engines.md §1 "the default user is a hole"). No system log tables: they burn CPU and break on restart.
 */
export function engineConfig(options: {
  readonly usersFile: string;
  readonly logFile: string;
  readonly secrets: EngineSecrets;
  readonly limits: EngineLimits;
}): string {
  const guard = `<headers><${ENGINE_KEY_HEADER}>${options.secrets.key}</${ENGINE_KEY_HEADER}></headers>`;
  return `<clickhouse>
  <logger><level>warning</level><log>${xml(options.logFile)}</log><errorlog remove="1"/><size>10M</size><count>2</count></logger>
  <users_config>${xml(options.usersFile)}</users_config>
  <timezone>UTC</timezone>
  <access_control_improvements><settings_constraints_replace_previous>true</settings_constraints_replace_previous></access_control_improvements>
  <max_server_memory_usage>${options.limits.memoryBytes}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <index_mark_cache_size>16777216</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <compiled_expression_cache_size>16777216</compiled_expression_cache_size>
  <query_cache><max_size_in_bytes>1048576</max_size_in_bytes></query_cache>
  <max_concurrent_queries>64</max_concurrent_queries>
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>1</background_merges_mutations_concurrency_ratio>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <memory_worker_period_ms>1000</memory_worker_period_ms>
  <asynchronous_metrics_update_period_s>60</asynchronous_metrics_update_period_s>
  <shutdown_wait_unfinished>1</shutdown_wait_unfinished>
  <keep_alive_timeout>30</keep_alive_timeout>
  <merge_tree>
    <merge_selector_base>10</merge_selector_base>
    <old_parts_lifetime>60</old_parts_lifetime>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
  <http_handlers>
    <rule><url>/ping</url><methods>GET,HEAD</methods>${guard}
      <handler><type>static</type><status>200</status><response_content>Ok.</response_content></handler></rule>
    <rule><methods>GET,POST,HEAD</methods>${guard}
      <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler></rule>
  </http_handlers>
</clickhouse>
`;
}

/**
 * Users. The writer may add rows and nothing else; the migrator may add tables, columns and views. Neither may change, delete or drop what
 * holds rows; retention may, by a user of its own, and so may erasures, of opened content alone. `default` cannot be
 * removed (the engine's own session is it), so it may do nothing but start the listener and read the standard input that holds the
 * engine alive. Evidence queries use no skip index, because indexes of the engine have answered wrongly before (research/ledger.md §2.2).
 * Passwords stand here as SHA-256 only.
 */
export function usersConfig(secrets: EngineSecrets, limits: EngineLimits): string {
  const readers = READER_ROLES.map((role) =>
    user(role, secrets.readers[role], role === 'evidence' ? 'evidence' : 'reader', [
      'GRANT SELECT ON audit.*',
      'GRANT SELECT ON ledger.*',
      'GRANT SHOW ON audit.*',
    ]),
  );
  return `<clickhouse>
  <profiles>
    <default></default>
    <writer>
      <async_insert>0</async_insert>
      <input_format_parallel_parsing>0</input_format_parallel_parsing>
      <max_threads>${limits.threads}</max_threads>
      <max_memory_usage>${limits.queryMemoryBytes}</max_memory_usage>
      <output_format_json_quote_64bit_integers>0</output_format_json_quote_64bit_integers>
    </writer>
    <reader>
      <readonly>1</readonly>
      <max_execution_time>${limits.querySeconds}</max_execution_time>
      <max_threads>${limits.threads}</max_threads>
      <max_memory_usage>${limits.queryMemoryBytes}</max_memory_usage>
      <max_bytes_before_external_group_by>${Math.floor(limits.queryMemoryBytes / 3)}</max_bytes_before_external_group_by>
      <max_bytes_before_external_sort>${Math.floor(limits.queryMemoryBytes / 3)}</max_bytes_before_external_sort>
      <max_result_rows>${limits.resultRows}</max_result_rows>
      <max_result_bytes>${limits.resultBytes}</max_result_bytes>
      <result_overflow_mode>throw</result_overflow_mode>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
      <constraints>
        ${readerConstraints(limits)}
      </constraints>
    </reader>
    <evidence>
      <profile>reader</profile>
      <use_skip_indexes>0</use_skip_indexes>
    </evidence>
  </profiles>
  <quotas>
    <unlimited/>
    <session><interval><duration>31536000</duration><queries>2</queries></interval></session>
    <reader><interval><duration>3600</duration><queries>${limits.queriesPerHour}</queries></interval></reader>
  </quotas>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip><ip>::1</ip></networks><profile>default</profile><quota>session</quota>
      ${grants(['GRANT SYSTEM LISTEN ON *.*', 'GRANT READ ON FILE', 'GRANT CREATE TEMPORARY TABLE ON *.*'])}</default>
    ${user(WRITER, secrets.writer, 'writer', ['GRANT SELECT, INSERT ON ledger.*', 'GRANT SELECT ON audit.*', 'GRANT SELECT ON system.*'])}
    ${user(MIGRATOR, secrets.migrator, 'writer', [
      'GRANT SELECT, INSERT, CREATE, ALTER ADD COLUMN, ALTER ADD INDEX, ALTER VIEW, DROP VIEW, SHOW ON ledger.*',
      'GRANT SELECT, CREATE, ALTER VIEW, ALTER COMMENT COLUMN, ALTER MODIFY COMMENT, DROP VIEW, SHOW ON audit.*',
      'GRANT SELECT ON system.*',
      'GRANT TABLE ENGINE ON MergeTree',
    ])}
    ${user(RETENTION, secrets.retention, 'writer', [
      'GRANT SELECT ON ledger.*',
      'GRANT INSERT, ALTER DELETE ON ledger.events',
      'GRANT ALTER DELETE ON ledger.content',
      'GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE ON ledger.kept',
      'GRANT SHOW ON ledger.*',
      'GRANT SELECT ON system.*',
      'GRANT TABLE ENGINE ON MergeTree',
    ])}
    ${user(ERASER, secrets.eraser, 'writer', ['GRANT SELECT ON ledger.*', 'GRANT ALTER DELETE ON ledger.content'])}
    ${readers.join('\n    ')}
  </users>
</clickhouse>
`;
}

/** Settings of the answer's form, which the common clients send unasked: a reader may change these, and no others, although it is read-only. */
const FORM_SETTINGS = [
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'http_write_exception_in_output_format',
  'http_zlib_compression_level',
  'enable_http_compression',
  'network_compression_method',
  'network_zstd_compression_level',
  'date_time_input_format',
  'date_time_output_format',
  'format_csv_delimiter',
  'session_timezone',
  'extremes',
  'limit',
  'offset',
  'output_format_json_quote_64bit_integers',
  'output_format_json_quote_64bit_floats',
  'output_format_json_quote_denormals',
  'output_format_json_quote_decimals',
  'output_format_json_named_tuples_as_objects',
  'output_format_json_array_of_rows',
  'output_format_native_encode_types_in_binary_format',
  'output_format_native_use_flattened_dynamic_and_json_serialization',
  'output_format_native_write_json_as_string',
  'output_format_parquet_string_as_string',
  'output_format_arrow_string_as_string',
  'output_format_pretty_color',
  'output_format_pretty_max_rows',
];

/** Bounds a reader may tighten for one query, never widen. */
function readerConstraints(limits: EngineLimits): string {
  const bounds = {
    max_execution_time: limits.querySeconds,
    max_result_rows: limits.resultRows,
    max_result_bytes: limits.resultBytes,
    max_threads: limits.threads,
    max_block_size: 65_536,
  };
  const tighter = Object.entries(bounds).map(([name, max]) => `<${name}><min>1</min><max>${max}</max><changeable_in_readonly/></${name}>`);
  const free = FORM_SETTINGS.map((name) => `<${name}><changeable_in_readonly/></${name}>`);
  return [...tighter, ...free].join('');
}

const grants = (queries: readonly string[]): string => `<grants>${queries.map((query) => `<query>${query}</query>`).join('')}</grants>`;

function user(name: string, password: string, profile: 'writer' | 'reader' | 'evidence', rights: readonly string[]): string {
  const digest = createHash('sha256').update(password).digest('hex');
  const quota = profile === 'writer' ? 'unlimited' : 'reader';
  return (
    `<${name}><password_sha256_hex>${digest}</password_sha256_hex><networks><ip>127.0.0.1</ip><ip>::1</ip></networks>` +
    `<profile>${profile}</profile><quota>${quota}</quota>${grants(rights)}</${name}>`
  );
}
