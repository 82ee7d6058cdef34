import { MaintenanceClient, type MaintenanceOptions } from '../store/maintenance-client.js';
import type { RowScope } from '../retention/port.js';
import { scopeConditions } from '../retention/scope.js';
import type { ErasureStore, SessionContent } from './port.js';

/** Keys of one statement. */
const TOGETHER = 500;
/** The key of the originals that an event carries sealed. */
const ORIGINALS_KEY = "JSONExtractString(data, 'body', 'sealed_originals', 'key_id')";
const CARRIES = "event_type IN ('request', 'segment', 'response') AND arrayExists(inline -> inline, segment_inline)";

/** @see ErasureStore, docs/adr/0083-erasure.md */
export class ClickHouseErasureStore implements ErasureStore {
  readonly #client: MaintenanceClient;

  constructor(options: MaintenanceOptions) {
    this.#client = new MaintenanceClient(options, 'an erasure');
  }

  async contentOf(session: string): Promise<SessionContent> {
    const [row] = await this.#client.select<SessionContent>(
      `SELECT arraySort(arrayConcat(groupUniqArrayIf(content_key, content_key != ''), groupUniqArrayIf(${ORIGINALS_KEY}, ${ORIGINALS_KEY} != ''))) AS keys, countIf(content_key != '') AS events,
         countIf(content_key = '' AND ${CARRIES}) AS unsealed
       FROM ledger.events WHERE session_id = {session:String} AND session_id != ''`,
      { session },
    );
    return row ?? { keys: [], events: 0, unsealed: 0 };
  }

  coveredOf(session: string, scope: RowScope): Promise<number> {
    const { sql, params } = scopeConditions(scope);
    return this.#client.count(`SELECT count() AS n FROM ledger.events WHERE session_id = {erased:String} AND (${sql})`, {
      erased: session,
      ...params,
    });
  }

  holdEvents(): Promise<Buffer[]> {
    return this.#client.holdEvents();
  }

  erasureEvents(): Promise<Buffer[]> {
    return this.#client.controlEvents("JSONExtractString(data, 'kind') = 'erasure.done'");
  }

  async deleteContent(keys: readonly string[]): Promise<number> {
    let rows = 0;
    for (let at = 0; at < keys.length; at += TOGETHER) {
      const part = { keys: keys.slice(at, at + TOGETHER) };
      const held = await this.#client.count('SELECT count() AS n FROM ledger.content WHERE content_key IN {keys:Array(String)}', part);
      if (held === 0) continue;
      rows += held;
      await this.#client.command(
        'ALTER TABLE ledger.content DELETE WHERE content_key IN {keys:Array(String)} SETTINGS mutations_sync = 2',
        part,
      );
    }
    return rows;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
