/** Events of one source in one life of its process, within the range that was asked for. */
export interface EpochSpan {
  readonly source: string;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  /** When the first of them happened, by the clock of the source; microseconds since the Unix epoch. */
  readonly sinceUs: number;
  /** Version of the program that wrote the first of them. */
  readonly build: string;
  /** Last seq by which the process said that it ends; null when it did not. */
  readonly stop: number | null;
}

/** Seqs of one source, both ends included. */
export interface SeqRange {
  readonly source: string;
  readonly from: number;
  readonly to: number;
}

/** A request without a response. */
export interface OpenRequest {
  readonly exchange: string;
  readonly source: string;
  readonly seq: number;
  /** Microseconds since the Unix epoch. */
  readonly occurredUs: number;
}

/** A response, by its exchange. */
export interface Answer {
  readonly exchange: string;
  readonly source: string;
  readonly seq: number;
  readonly outcome: string;
}

/** Port: what the ledger holds of its sources, as far as it is queryable. @throws AffiantError engine_failed */
export interface Trail {
  /** The epochs in these ranges, per source in the order of the seqs. */
  epochs(ranges: readonly SeqRange[]): Promise<EpochSpan[]>;
  /** How many leaves the newest frontier says are accounted for: 0 when none says so. */
  accounted(): Promise<number>;
  /** Leaves of the newest checkpoint that was sealed at this instant or before; 0 for none. Microseconds since the Unix epoch. */
  sizeAt(us: number): Promise<number>;
  /** Requests among the leaves `from` (included) to `to` (excluded) whose exchange has no response event, in the order of the leaves' sources and seqs. */
  unanswered(from: number, to: number): Promise<OpenRequest[]>;
  /** The response events of these exchanges that the first `size` leaves hold. */
  answers(exchanges: readonly string[], size: number): Promise<Answer[]>;
}

/** Kinds by which a process says that it ends. */
export const STOP_KINDS = ['gateway.stopped', 'service.stopped', 'ledger.stopped'] as const;
