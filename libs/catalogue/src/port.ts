import type { Principal } from '#events';

export type ApprovalState = 'pending' | 'granted' | 'denied' | 'expired' | 'released';

/** A held call. Times are milliseconds since the Unix epoch. */
export interface Approval {
  readonly id: string;
  readonly exchange_id: string;
  readonly session_id: string | null;
  readonly connection: string;
  readonly requester: Principal;
  readonly phase: 'request' | 'response';
  readonly policy: string;
  readonly policy_digest: string;
  readonly reason: string;
  /** What would run, masked: the tool call's input, or the request's last text. */
  readonly summary: string;
  /** Hex keyed digest of what is approved; release re-checks it. */
  readonly subject_digest: string;
  readonly approver_group: string;
  readonly quorum: number;
  readonly state: ApprovalState;
  readonly votes: readonly ApprovalVote[];
  readonly created_at: number;
  readonly expires_at: number;
  readonly decided_at: number | null;
  /** True while the client that asked is gone; the decision stays good for its retry. */
  readonly orphaned: boolean;
}

export interface ApprovalVote {
  readonly approver: Principal;
  readonly verdict: 'approve' | 'deny';
  readonly reason: string;
  readonly at: number;
}

export type NewApproval = Omit<Approval, 'state' | 'votes' | 'decided_at' | 'orphaned'>;

/**
 * Port: the book of approvals. Every change is compare-and-swap on the row; the event is recorded by the caller BEFORE the change
 * (a crash in between leaves an event without a row change, and the rebuild from the event log applies it).
 * @throws AffiantError catalogue_failed (retryable) while the database is away; whether the change was made is then unknown
 */
export interface ApprovalBook {
  open(approval: NewApproval): Promise<Approval>;
  get(id: string): Promise<Approval | null>;
  list(filter?: { readonly state?: ApprovalState; readonly limit?: number }): Promise<Approval[]>;
  /**
   * Adds a vote and moves the state when the quorum is reached or on a denial.
   * @throws AffiantError conflict when no longer pending, or when this approver has voted.
   */
  addVote(id: string, vote: ApprovalVote): Promise<Approval>;
  expire(id: string): Promise<Approval>;
  /** granted -> released, once. False when somebody released it before: one approval is one forward. */
  release(id: string): Promise<boolean>;
  setOrphaned(id: string, orphaned: boolean): Promise<void>;
  /**
   * Called with the new state after every change of `id`: at once for a change of this process, within 300 ms for one of another; several
   * changes within that time may be told as one. Returns the unsubscribe.
   */
  watch(id: string, listener: (approval: Approval) => void): () => void;
}

/**
 * Port: what an approver may do. Records the decision event durably, then changes the book.
 * @throws AffiantError not_found | approval_forbidden | approval_reason_missing | conflict
 */
export interface ApprovalDesk {
  vote(id: string, approver: Principal, verdict: 'approve' | 'deny', reason: string): Promise<Approval>;
}

export type PacketState = 'queued' | 'running' | 'done' | 'failed' | 'refused';

export interface PacketRecord {
  readonly id: string;
  readonly framework: 'ffiec' | 'nist-800-53';
  /** ISO 8601 instants; from included, to excluded. */
  readonly from: string;
  readonly to: string;
  /** Tree size the packet is pinned to. */
  readonly tree_size: number | null;
  readonly state: PacketState;
  /** 0..1 with the name of the step. */
  readonly progress: number;
  readonly step: string;
  readonly requested_by: string;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly sha256: string | null;
  readonly path: string | null;
  readonly bytes: number | null;
  /** Count per verdict, e.g. {PASS: 9, FINDING: 1}. */
  readonly verdicts: Readonly<Record<string, number>> | null;
  readonly error: string | null;
}

/** A packet whose job has not ended it. */
export interface UnfinishedPacket {
  readonly packet: PacketRecord;
  /** Payload of its job; null for one that was asked for before jobs were kept here. */
  readonly job: object | null;
  /** How often a job that ended without ending the packet was replaced by a new one. */
  readonly requeues: number;
}

/**
 * Port: packets and their jobs' progress. `done` and `refused` are final: a change that comes later (a job that ran twice) changes nothing.
 * @throws AffiantError catalogue_failed (retryable) while the database is away
 */
export interface PacketCatalogue {
  /** Durable when it resolves. `job` is kept beside the packet. @throws AffiantError conflict when the id is taken */
  create(
    packet: Pick<PacketRecord, 'id' | 'framework' | 'from' | 'to' | 'requested_by' | 'created_at'>,
    job?: object,
  ): Promise<PacketRecord>;
  /** What the packet is after the change. @throws AffiantError not_found */
  update(id: string, change: Partial<Omit<PacketRecord, 'id'>>): Promise<PacketRecord>;
  /** Pins the packet to a tree size unless it is pinned already; the size it is pinned to. Of many who ask at once one wins. @throws AffiantError not_found */
  pin(id: string, treeSize: number): Promise<number>;
  get(id: string): Promise<PacketRecord | null>;
  /** Newest first. */
  list(limit?: number): Promise<PacketRecord[]>;
  /** Packets `queued` or `running`, oldest first. */
  unfinished(limit: number): Promise<UnfinishedPacket[]>;
  /** Notes that the packet has its `requeues`-th further job. */
  setRequeues(id: string, requeues: number): Promise<void>;
}
