import type { EventCodec } from '#events';
import type { FileJournal } from './file-journal.js';
import { readAside } from './aside.js';
import { openJournal, type JournalOptions } from './open-journal.js';
import { decodeCarried, OpenExchangeScan, type OpenExchange } from './open-exchanges.js';

export interface RecoverOptions extends Omit<JournalOptions, 'onRecord'> {
  readonly codec: EventCodec;
}

export interface RecoveredSource {
  readonly journal: FileJournal;
  /** Requests without a response, oldest first: the caller records `aborted` for each before it serves. */
  readonly openExchanges: readonly OpenExchange[];
  /** Bytes of an interrupted batch that were cut off. */
  readonly tornBytes: number;
  /** Boot epoch of the life before, 0 when this is the first. */
  readonly lastEpoch: number;
}

/**
 * The one way to start a source, after a clean stop as after a crash: one pass over the retained records opens the journal and finds what was
 * left open. Idempotent: killed before the aborted responses are durable, the next start finds the same exchanges again.
 * @throws AffiantError as openJournal; event_invalid when a retained request or response does not decode.
 */
export async function recoverSource({ codec, ...options }: RecoverOptions): Promise<RecoveredSource> {
  const scan = new OpenExchangeScan(codec, decodeCarried(await readAside(options)));
  const { journal, tornBytes, lastEpoch } = await openJournal({ ...options, onRecord: (record) => scan.see(record) });
  return { journal, openExchanges: scan.open, tornBytes, lastEpoch };
}
