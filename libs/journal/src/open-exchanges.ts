import { ALL_TOPICS, TOPICS, type EventCodec, type EventContext, type Request } from '#events';
import type { StoredRecord } from './port.js';
import type { JournalReader } from './reader.js';

/** A request that has no response yet. After a crash the proxy writes its response with outcome `aborted`, in `context`. */
export interface OpenExchange {
  readonly exchange_id: string;
  /** Seq of the request. */
  readonly seq: number;
  readonly boot_epoch: number;
  /** Microseconds since the Unix epoch. */
  readonly occurred_at: number;
  readonly context: EventContext;
  readonly request: Omit<Request, 'envelope' | 'body'>;
}

/** What recovery needs of exchanges whose requests the journal no longer holds. */
export const encodeCarried = (exchanges: readonly OpenExchange[]): Buffer => Buffer.from(JSON.stringify(exchanges));

/** `content` is authentic: we wrote it. */
export const decodeCarried = (content: Buffer | null): readonly OpenExchange[] =>
  content === null ? [] : (JSON.parse(content.toString('utf8')) as readonly OpenExchange[]);

const REQUEST = ALL_TOPICS.indexOf(TOPICS.request);
const RESPONSE = ALL_TOPICS.indexOf(TOPICS.response);
const READ_AT_ONCE = { maxRecords: 1_000, maxBytes: 4 * 1024 * 1024 };

/** Finds open exchanges in records that pass by in order; remembers only what is open. */
export class OpenExchangeScan {
  readonly #open: Map<string, OpenExchange>;

  /** `carried`: exchanges whose requests may have been trimmed away; see `JournalRecorder.acknowledge`. */
  constructor(
    private readonly codec: EventCodec,
    carried: readonly OpenExchange[] = [],
  ) {
    this.#open = new Map(carried.map((exchange) => [exchange.exchange_id, exchange]));
  }

  /** @throws AffiantError event_invalid when an event of a known topic does not decode. */
  see(record: StoredRecord): void {
    if (record.topic !== REQUEST && record.topic !== RESPONSE) return;
    // Segments travel on the same topics; their type is told by the frame alone.
    const type = this.codec.typeOf(record.payload);
    if (type !== 'request' && type !== 'response') return;
    const decoded = this.codec.decode(record.payload);
    if (decoded.type === 'request') this.#opened(record.seq, decoded.event);
    else if (decoded.type === 'response') this.#open.delete(decoded.event.envelope.exchange_id ?? '');
  }

  /** In the order of their requests. */
  get open(): readonly OpenExchange[] {
    return [...this.#open.values()];
  }

  #opened(seq: number, { envelope, body: _body, ...request }: Request): void {
    const { exchange_id, session_id, principal, connection, boot_epoch, occurred_at } = envelope;
    if (exchange_id === null || this.#open.has(exchange_id)) return;
    const context = { session_id, exchange_id, principal, connection };
    this.#open.set(exchange_id, { exchange_id, seq, boot_epoch, occurred_at, context, request });
  }
}

/** Open exchanges of a journal that is only read (offline tools); a live source gets them from `recoverSource`. */
export async function findOpenExchanges(reader: JournalReader, codec: EventCodec): Promise<readonly OpenExchange[]> {
  const scan = new OpenExchangeScan(codec);
  for (let next = await reader.firstSeq(); ;) {
    const records = await reader.read(next, READ_AT_ONCE);
    if (records.length === 0) return scan.open;
    for (const record of records) scan.see(record);
    next += records.length;
  }
}
