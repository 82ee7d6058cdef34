import { AffiantError } from '#errors';
import type { LogRecord } from '#event-log';
import type { SealedState } from '#tlog';
import { isLogPlace, type ReadEvent } from '../read-event.js';

const ZERO_HASH = Buffer.alloc(32);

interface Head {
  readonly seq: number;
  readonly hash: Buffer;
}

/**
 * The last event read of each source. Accepts exactly the events that go on from there: dense seq, prev_hash of the exact bytes before.
 */
export class SourceChains {
  readonly #heads = new Map<string, Head>();

  constructor(sealed: Pick<SealedState, 'frontiers' | 'heads'>) {
    for (const [source, seq] of Object.entries(sealed.frontiers)) {
      this.#heads.set(source, { seq, hash: Buffer.from(sealed.heads[source] ?? '', 'hex') });
    }
  }

  /**
   * Moves the head of the event's source. `duplicate` = seen before, drop it.
   * @throws AffiantError ledger_conflict on a gap, a fork or a broken chain: the log must never be signed over it.
   */
  accept(event: ReadEvent, record: LogRecord): 'next' | 'duplicate' | 'unchained' {
    const head = this.#heads.get(event.source_id);
    const where = `${record.partition} ${record.offset}, source ${event.source_id} seq ${event.seq}`;
    const expected = (head?.seq ?? 0) + 1;
    // Not decodable: its place is all we know. Where places are not seqs (a broker's partition) there is no chain to keep.
    if (event.type === 'undecodable' && isLogPlace(event.source_id)) return 'unchained';
    if (event.seq < expected) {
      if (head !== undefined && event.seq === head.seq && !head.hash.equals(event.payload_hash)) {
        throw new AffiantError('ledger_conflict', 'one seq of a source came with two contents', { where });
      }
      return 'duplicate';
    }
    if (event.seq > expected) throw new AffiantError('ledger_conflict', `a gap: seq ${expected} of the source is missing`, { where });
    if (event.type !== 'undecodable' && !event.prev_hash.equals(head?.hash ?? ZERO_HASH)) {
      throw new AffiantError('ledger_conflict', 'the event does not follow from the one before it', { where });
    }
    this.#heads.set(event.source_id, { seq: event.seq, hash: event.payload_hash });
    return 'next';
  }
}
