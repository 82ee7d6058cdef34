import type { ApprovalBook, ApprovalDesk, ErasureBook, HoldBook, PacketRecord, UnsealBook } from '#catalogue';
import type { Clock, DecodedEvent, EventRecorder, Ids, Principal, Topic } from '#events';
import type { Identity } from '#identity';
import type { EngineAccess, SessionContent } from '#ledger-store';
import type { Exposition, Logger } from '#observability';
import type { PolicySet } from '#policy';
import type { PlannedDrop } from '#retention';
import type { OriginalsPorts } from './unsealings/open-originals.js';

/** What the console needs from the rest of the process; all are built by the composition root. */
export interface ConsolePorts {
  readonly identity: Identity;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly roles: ReaderGroups;
  /** Address and secrets of the engine now; they are new after every start of the engine. @throws AffiantError engine_failed while it is away. */
  readonly engine: () => EngineAccess;
  readonly limits: SqlLimits;
  /** Replaces sensitive values in a text before it enters the open trail. */
  readonly redact: (text: string) => string;
  readonly status: StatusSource;
  /** Served at `/metrics` to callers on this machine; without it that path is not there (a service has a port of its own for it). */
  readonly metrics?: { text(): Promise<Exposition> };
  readonly approvals: ApprovalBook;
  readonly desk: ApprovalDesk;
  readonly packets: PacketDesk;
  readonly tail: EventTail;
  /** Legal holds, and who may place and release them. */
  readonly holds?: { readonly book: HoldBook; readonly roles: () => HoldRoles };
  /** Erasures, who may request and approve them, and what of a session there is to erase. */
  readonly erasures?: {
    readonly book: ErasureBook;
    readonly roles: () => ErasureRoles;
    readonly contentOf: (session: string) => Promise<SessionContent>;
  };
  /** Requests to open sealed originals, who may make and decide them, and what opens. */
  readonly unsealings?: { readonly book: UnsealBook; readonly rules: () => UnsealRules; readonly originals: OriginalsPorts };
  /** What retention would drop now. */
  readonly retention?: () => Promise<readonly PlannedDrop[]>;
  /** Name of the log the ledger keeps; OCSF records cite it. */
  readonly origin: string;
  readonly policy: () => Pick<PolicySet, 'version' | 'digest' | 'text'>;
}

/** Groups of the configuration (`ledger.auditors`, `ledger.examiners`) whose members may read, and as which reader of the engine. */
export interface ReaderGroups {
  readonly auditors: readonly string[];
  readonly examiners: readonly string[];
}

/** Groups of the configuration (`holds.place`, `holds.release`). */
export interface HoldRoles {
  readonly place: readonly string[];
  readonly release: readonly string[];
}

/** Groups of the configuration (`erasure.request`, `erasure.approve`). */
export interface ErasureRoles {
  readonly request: readonly string[];
  readonly approve: readonly string[];
}

/** Groups and times of the configuration (`unseal`), milliseconds. */
export interface UnsealRules {
  readonly request: readonly string[];
  readonly approve: readonly string[];
  readonly expires: number;
  readonly window: number;
}

/** Bounds of the SQL endpoint beside those of the engine's reader profile. */
export interface SqlLimits {
  /** Milliseconds a query may run; the engine's own bound should be lower. */
  readonly executionTime: number;
  readonly concurrentPerPrincipal: number;
  readonly concurrent: number;
  /** Bytes of one query text. */
  readonly queryBytes: number;
}

export const DEFAULT_SQL_LIMITS: SqlLimits = { executionTime: 90_000, concurrentPerPrincipal: 8, concurrent: 32, queryBytes: 256 * 1024 };

export interface StatusReport {
  readonly state: 'ok' | 'degraded' | 'halted';
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly started_at: number;
  /** Null where no gateway runs in this process. */
  readonly gateway: { readonly in_flight: number; readonly draining: boolean } | null;
  readonly journal: { readonly pending_bytes: number; readonly high_water_bytes: number; readonly durable_seq: number };
  readonly ledger: { readonly lag: number; readonly sealed_size: number; readonly last_seal_at: number | null; readonly halted: boolean };
  /** SIEM sinks: events each has not acknowledged, and why it takes nothing at the moment. */
  readonly siem?: readonly { readonly sink: string; readonly lag: number; readonly delivered: number; readonly failing: string | null }[];
  /** How far witnesses have cosigned; `configured` is 0 where nobody does. Absent where it is not known. */
  readonly witnesses?: {
    readonly configured: number;
    readonly quorum: number;
    /** Leaves of the newest cosigned checkpoint. */
    readonly cosigned_size: number;
    /** When the quorum was last met, microseconds since the Unix epoch. */
    readonly last_quorum_at: number | null;
    readonly failing: readonly { readonly witness: string; readonly reason: string }[];
    /** In plain words. */
    readonly note: string;
  };
  /** How far time-stamp authorities have stamped; no authority where none is configured. Absent where it is not known. */
  readonly timestamps?: {
    readonly authorities: readonly {
      readonly authority: string;
      /** Leaves of the largest checkpoint it has stamped. */
      readonly stamped_size: number;
      /** Microseconds since the Unix epoch. */
      readonly last_stamp_at: number | null;
      readonly failing: string | null;
      /** When the first of its stamps ends unless it is renewed, microseconds since the Unix epoch. */
      readonly first_expires_at: number | null;
    }[];
    /** In plain words. */
    readonly note: string;
  };
  readonly event_loop: { readonly max_ms: number; readonly p99_ms: number };
  readonly policy: { readonly version: string; readonly digest: string };
  readonly approvals: { readonly pending: number };
}

/** Port: health of the process as a whole. */
export interface StatusSource {
  /** Cheap; reads what is already known. */
  status(): Promise<StatusReport>;
}

export interface PacketRequest {
  readonly framework: PacketRecord['framework'];
  /** ISO 8601 instants; from included, to excluded. */
  readonly from: string;
  readonly to: string;
  readonly requestedBy: Principal;
}

/**
 * Port: evidence packets, as the console offers them.
 * The desk records `packet.created`; the console records `packet.downloaded`.
 */
export interface PacketDesk {
  /** Durable when it resolves: the job survives a crash. @throws AffiantError usage_invalid | packet_refused */
  create(request: PacketRequest): Promise<PacketRecord>;
  get(id: string): Promise<PacketRecord | null>;
  /** Newest first. */
  list(limit: number): Promise<readonly PacketRecord[]>;
  /** The finished file. @throws AffiantError not_found while it is not done. */
  open(id: string): Promise<{ readonly name: string; readonly bytes: Buffer; readonly sha256: string }>;
}

export interface TailedEvent {
  /** Give it as `from` to go on after this event. Opaque to callers. */
  readonly cursor: string;
  readonly topic: Topic;
  readonly decoded: DecodedEvent;
  /** The exact framed bytes. */
  readonly value: Buffer;
}

export interface TailOptions {
  readonly topic: Topic | null;
  /** Cursor of the last event seen; null = the oldest still there. */
  readonly from: string | null;
  /** True: waits for later events until `signal`; false: ends at the durable end. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Port: events as they became durable, in order per source. @throws AffiantError usage_invalid for a cursor it does not know. */
export interface EventTail {
  read(options: TailOptions): AsyncIterable<TailedEvent>;
}

export const CONSOLE_PORTS = Symbol('ConsolePorts');
