import type { KeyBook, KeyWrapper } from '#content-keys';
import type { EventLog } from '#event-log';
import type { EventCodec } from '#events';
import type { LedgerStore, StoredEvents } from '#ledger-store';
import type { Finding } from '#verify';

/** What of the catalogue says that the ledger is at work on content just now: then text without event, or without key, is no finding. */
export interface ContentWork {
  /** True while that erasure has begun and has not ended. */
  erasing(erasure: string): Promise<boolean>;
  /** True while a drop of retention has begun and has not ended. */
  dropping(): Promise<boolean>;
}

/** What a check of ledger.content reads. It writes nowhere. */
export interface ContentCheckPorts {
  readonly store: Pick<LedgerStore, 'query'> & Pick<StoredEvents, 'readEvents'>;
  readonly book: Pick<KeyBook, 'find'>;
  readonly wrapper: Pick<KeyWrapper, 'unwrap'>;
  readonly work: ContentWork;
  /** Where the ingest keeps what it is about to insert. */
  readonly eventLog: Pick<EventLog, 'committed'>;
  readonly codec: EventCodec;
}

/** Microseconds since the Unix epoch, `to` excluded: the events that happened then, and those of their sources in between. */
export interface ContentRange {
  readonly from?: number;
  readonly to?: number;
}

/** What is wrong with a row of ledger.content, and whose text it is. Names and numbers of a row that no event accounts for are as the row says. */
export interface ContentFinding extends Finding {
  readonly source_id: string;
  /** As text: a damaged one may be beyond what a number holds. */
  readonly seq: string;
  readonly event_id: string | null;
  readonly session_id: string;
  readonly exchange_id: string;
  /** Place among the segments that the event carries, from 0, and the digest by which the event names it. */
  readonly segment: number | null;
  readonly segment_sha256: string | null;
  readonly column: string | null;
}

/** Text that could not be compared, and why. */
export interface UncheckedContent {
  readonly code: 'content_key_failed';
  readonly where: string;
  readonly message: string;
}

export interface ContentTotals {
  /** Events read, and those of them that carry sealed segments. */
  readonly events: number;
  readonly sealed_events: number;
  readonly segments: number;
  /** Events whose key was destroyed: they must have no row, and have none. */
  readonly erased_events: number;
  /** Segments that never opened with their key, and stand as `[unreadable]`. */
  readonly unreadable: number;
  /** Rows of work that the ledger had begun and not ended. */
  readonly under_way: number;
  /** Rows of ledger.content that were read. */
  readonly rows: number;
}

export interface ContentCheck extends ContentTotals {
  /** At most 100. */
  readonly findings: readonly ContentFinding[];
  readonly finding_count: number;
  /** At most 100. */
  readonly unchecked: readonly UncheckedContent[];
  readonly unchecked_count: number;
}
