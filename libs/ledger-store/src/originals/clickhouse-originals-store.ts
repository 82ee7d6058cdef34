import { MaintenanceClient, type MaintenanceOptions } from '../store/maintenance-client.js';
import type { OriginalsEvent, OriginalsScope, OriginalsStore } from './port.js';

const BODIES = "event_type IN ('request', 'response')";
const CARRIES = `${BODIES} AND JSONExtractString(data, 'body', 'sealed_originals', 'key_id') != ''`;
const SAME = ['principal_issuer', 'principal_subject', 'connection'] as const;

/** @see OriginalsStore, docs/adr/0092-sealed-originals.md */
export class ClickHouseOriginalsStore implements OriginalsStore {
  readonly #client: MaintenanceClient;

  constructor(options: MaintenanceOptions) {
    this.#client = new MaintenanceClient(options, 'an unsealing');
  }

  async sessionOf(exchange: string): Promise<string | null> {
    const [row] = await this.#client.select<{ session_id: string }>(
      `SELECT session_id FROM ledger.events WHERE exchange_id = {exchange:String} AND ${BODIES} AND session_id != '' LIMIT 1`,
      { exchange },
    );
    return row?.session_id ?? null;
  }

  async carrying({ session, exchange }: OriginalsScope, limit: number): Promise<OriginalsEvent[]> {
    const rows = await this.#client.select<{ event_id: string; exchange_id: string; raw: string }>(
      `SELECT event_id, exchange_id, base64Encode(raw) AS raw FROM ledger.events
       WHERE session_id = {session:String} AND ${CARRIES}
         ${
           exchange === null
             ? ''
             : `AND (${SAME.join(', ')}) IN (SELECT ${SAME.join(', ')} FROM ledger.events WHERE exchange_id = {exchange:String} AND event_type = 'request')
         AND occurred_at <= (SELECT max(occurred_at) FROM ledger.events WHERE exchange_id = {exchange:String} AND ${BODIES})`
         }
       ORDER BY occurred_at, source_id, boot_epoch, seq LIMIT {limit:UInt32}`,
      { session, exchange: exchange ?? '', limit },
    );
    return rows.map(({ raw, ...event }) => ({ ...event, raw: Buffer.from(raw, 'base64') }));
  }

  async segmentsOf(exchange: string): Promise<string[]> {
    const rows = await this.#client.select<{ sha256: string }>(
      `SELECT DISTINCT lower(hex(arrayJoin(segment_sha256))) AS sha256 FROM ledger.events WHERE exchange_id = {exchange:String} AND ${BODIES}`,
      { exchange },
    );
    return rows.map(({ sha256 }) => sha256);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
