import { AffiantError } from '#errors';
import { packageVersion } from '#config';
import {
  ALL_TOPICS,
  GATHERED_BYTES,
  partsHash,
  type Clock,
  type EventCodec,
  type EventDraft,
  type EventRecorder,
  type Ids,
  type Receipt,
  type Segment,
} from '#events';
import { encodeCarried, type OpenExchange } from './open-exchanges.js';
import { payloadBytes } from './frame.js';
import type { Journal, PartedRecord } from './port.js';

/** Calls that carry more are encoded and hashed in slices of about this size, with a turn of the event loop between. */
const SLICE_BYTES = 256 * 1024;

/** What an event takes beside its body, and a segment beside its content, about: a large event that fits is encoded once. */
const ENVELOPE_BYTES = 4_096;
const SEGMENT_BYTES = 64;

/** What the recorder asks of a journal; FileJournal is one. */
export interface RecordedJournal extends Journal {
  readonly bootEpoch: number;
  canTrim(seq: number): boolean;
  writeAside(content: Buffer): Promise<void>;
}

export interface JournalRecorderOptions {
  /** Written by this recorder alone. */
  readonly journal: RecordedJournal;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly ids: Ids;
  /** What `recoverSource` found open. */
  readonly openExchanges?: readonly OpenExchange[];
  /** Version written into every event; the package's own unless given. */
  readonly build?: string;
}

/** The events of one call: they follow the journal's last record and each other. */
interface Chain {
  readonly firstSeq: number;
  lastHash: Buffer;
  readonly records: PartedRecord[];
  readonly receipts: Receipt[];
}

/** Records events of one source in its journal: assigns the envelope, chains the hashes, waits for the disk. */
export class JournalRecorder implements EventRecorder {
  readonly sourceId: string;
  readonly bootEpoch: number;
  readonly #options: JournalRecorderOptions;
  readonly #build: string;
  /** By id, in the order of their requests. */
  readonly #open: Map<string, OpenExchange>;
  #acknowledging: Promise<void> = Promise.resolve();
  /** Ends when the calls that are encoded in slices have their seqs; null when there are none. */
  #tail: Promise<void> | null = null;

  constructor(options: JournalRecorderOptions) {
    this.#options = options;
    this.sourceId = options.journal.sourceId;
    this.bootEpoch = options.journal.bootEpoch;
    this.#build = options.build ?? packageVersion;
    this.#open = new Map((options.openExchanges ?? []).map((exchange) => [exchange.exchange_id, exchange]));
  }

  /** Lowest seq of a request without response; the next seq when there is none. */
  get keepFrom(): number {
    for (const { seq } of this.#open.values()) return seq;
    return this.#options.journal.nextSeq;
  }

  /**
   * The ledger holds everything up to `seq`: lets the journal drop whole segments below it. A call may be held for hours, and must not keep the
   * journal from being trimmed until it is full; so what recovery needs of exchanges that are still open is carried over first.
   */
  acknowledge(seq: number): Promise<void> {
    const done = this.#acknowledging.then(() => this.#trim(seq));
    this.#acknowledging = done.catch(() => undefined);
    return done;
  }

  async #trim(seq: number): Promise<void> {
    const { journal } = this.#options;
    if (!journal.canTrim(seq)) return;
    // Always anew: an exchange that was carried and has its response in what is trimmed now must not be found open again.
    await journal.writeAside(encodeCarried([...this.#open.values()].filter((exchange) => exchange.seq <= seq)));
    // A crash here leaves exchanges both carried and in the journal: recovery finds each once.
    await journal.acknowledge(seq, seq + 1);
  }

  async record(drafts: readonly EventDraft[]): Promise<readonly Receipt[]> {
    if (drafts.length === 0) return [];
    const inSlices = this.#tail !== null || drafts.reduce((bytes, draft) => bytes + weightOf(draft), 0) > SLICE_BYTES;
    const { chain, durable } = inSlices ? await this.#appendInTurn(drafts) : this.#appendAtOnce(drafts);
    await durable;
    return chain.receipts;
  }

  #appendAtOnce(drafts: readonly EventDraft[]): { chain: Chain; durable: Promise<void> } {
    const chain = this.#begin();
    for (const draft of drafts) this.#extend(chain, draft);
    return { chain, durable: this.#append(chain, drafts) };
  }

  /** Waits for the calls before it, so that seqs are in the order of arrival, then works in slices; calls behind it wait likewise. */
  async #appendInTurn(drafts: readonly EventDraft[]): Promise<{ chain: Chain; durable: Promise<void> }> {
    const before = this.#tail;
    let release = (): void => {};
    const mine = new Promise<void>((resolve) => (release = resolve));
    this.#tail = mine;
    try {
      await before;
      const chain = this.#begin();
      let worked = 0;
      for (const draft of drafts) {
        if (worked > SLICE_BYTES) {
          await new Promise((resolve) => setImmediate(resolve));
          worked = 0;
        }
        worked += this.#extend(chain, draft);
      }
      return { chain, durable: this.#append(chain, drafts) };
    } finally {
      if (this.#tail === mine) this.#tail = null;
      release();
    }
  }

  #begin(): Chain {
    const { journal } = this.#options;
    return { firstSeq: journal.nextSeq, lastHash: journal.lastHash, records: [], receipts: [] };
  }

  /** Adds one event to the chain. Nothing is assigned for good before the journal takes the whole chain. */
  #extend(chain: Chain, draft: EventDraft): number {
    const { type, event, context } = draft;
    const { codec, clock, ids } = this.#options;
    const envelope = {
      event_id: ids.uuid(),
      source_id: this.sourceId,
      boot_epoch: this.bootEpoch,
      seq: chain.firstSeq + chain.records.length,
      prev_hash: chain.lastHash,
      occurred_at: clock.nowUs(),
      clock_offset_us: clock.offsetUs(),
      build: this.#build,
      session_id: context.session_id,
      exchange_id: context.exchange_id,
      principal: context.principal,
      connection: context.connection,
    };
    const whole = Object.assign({}, event, { envelope });
    const parts = codec.encodeInParts(type, whole, weightOf(draft, GATHERED_BYTES) + ENVELOPE_BYTES);
    const hash = partsHash(parts);
    chain.lastHash = hash;
    const record = { topic: ALL_TOPICS.indexOf(codec.topicOf(type, event)), parts, hash };
    chain.records.push(record);
    chain.receipts.push({ event_id: envelope.event_id, source_id: this.sourceId, seq: envelope.seq, payload_hash: hash });
    return payloadBytes(record);
  }

  #append(chain: Chain, drafts: readonly EventDraft[]): Promise<void> {
    const { journal } = this.#options;
    if (journal.nextSeq !== chain.firstSeq) throw new AffiantError('internal', `somebody else wrote into the journal of ${this.sourceId}`);
    const durable = journal.append(chain.records);
    // A refused append assigns nothing: the seqs and the hash chain are free for the next call.
    return journal.nextSeq === chain.firstSeq ? durable : this.#track(drafts, chain.firstSeq, durable);
  }

  /**
   * An exchange is open as soon as its request may become durable, and closed only when its response is: trimmed any earlier, a crash in
   * between would leave a request in the ledger that no recovery finds.
   */
  async #track(drafts: readonly EventDraft[], firstSeq: number, durable: Promise<void>): Promise<void> {
    for (const [index, draft] of drafts.entries()) if (draft.type === 'request') this.#opened(draft, firstSeq + index);
    await durable;
    for (const { type, context } of drafts) if (type === 'response') this.#open.delete(context.exchange_id ?? '');
  }

  #opened({ context, event }: EventDraft & { readonly type: 'request' }, seq: number): void {
    const { exchange_id } = context;
    if (exchange_id === null || this.#open.has(exchange_id)) return;
    const { body: _body, ...request } = event;
    const occurred_at = this.#options.clock.nowUs();
    this.#open.set(exchange_id, { exchange_id, seq, boot_epoch: this.bootEpoch, occurred_at, context, request });
  }
}

/** Bytes that hashing will have to go over, about; with `below`, that encoding will have to: longer content is not copied. */
function weightOf({ type, event }: EventDraft, below = Infinity): number {
  if (type === 'request' || type === 'response') return segmentsWeight(event.body.segments, below);
  if (type === 'segment') return segmentsWeight(event.segments, below);
  if (type === 'control') return event.detail?.length ?? 0;
  return type === 'dead_letter' ? weightBelow(event.payload, below) : 0;
}

function segmentsWeight(segments: readonly Segment[], below: number): number {
  let bytes = 0;
  for (const { inline } of segments) bytes += SEGMENT_BYTES + weightBelow(inline, below);
  return bytes;
}

const weightBelow = (content: Buffer | null, below: number): number => (content === null || content.length >= below ? 0 : content.length);
