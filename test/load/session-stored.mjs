// Bytes that a session takes in the ledger's tables, turn by turn: its rows up to a turn are copied into a table of the same structure in one part, as
// merges leave them.
import { createClient } from '@clickhouse/client';
import { startEmbeddedEngine } from '../../dist/libs/ledger-store/src/index.js';
import { createLogger } from '../../dist/libs/observability/src/index.js';

/**
 * @param {string} state state directory of an instance that has ended
 * @param {number[]} points turns, ascending
 * @returns {Promise<Map<number, {events: number, content: number}>>} bytes on disk of the first N turns
 */
export async function storedBytes(state, session, points) {
  const engine = await startEmbeddedEngine({ stateDirectory: state, logger: createLogger('bench', { level: 'error' }) });
  const { url, headers } = engine.access;
  const client = createClient({ url, http_headers: headers, username: engine.migrator.user, password: engine.migrator.password });
  const rows = async (query, query_params = {}) => (await client.query({ query, query_params, format: 'JSONEachRow' })).json();
  try {
    const exchanges = await rows(
      "SELECT exchange_id FROM ledger.events WHERE session_id = {session:String} AND event_type = 'request' ORDER BY seq",
      { session },
    );
    const bytes = new Map();
    for (const point of points) {
      const sizes = {};
      for (const table of ['events', 'content']) {
        const copy = `ledger.bench_${table}_${point}`;
        await client.command({ query: `CREATE TABLE ${copy} AS ledger.${table}` });
        await client.command({
          // One block, and so one part.
          query: `INSERT INTO ${copy} SETTINGS max_threads = 1, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0 SELECT * FROM ledger.${table} WHERE session_id = {session:String} AND exchange_id <= {last:String}`,
          query_params: { session, last: exchanges[point - 1]?.exchange_id ?? '' },
        });
        const [size] = await rows(
          "SELECT toFloat64(sum(bytes_on_disk)) AS bytes FROM system.parts WHERE database = 'ledger' AND active AND table = {table:String}",
          { table: copy.slice('ledger.'.length) },
        );
        sizes[table] = size.bytes;
      }
      bytes.set(point, sizes);
    }
    return bytes;
  } finally {
    await client.close();
    await engine.stop();
  }
}
