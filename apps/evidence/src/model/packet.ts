import type { Framework } from '../catalog/control.js';
import type { QueryRun } from './result.js';
import type { GateId, Method, Verdict } from './verdict.js';

/** Version of the content model and of the page program: the same content gives the same bytes under the same value. */
export const PACKET_FORMAT = 'affiant-packet/1';

/** What the packet is pinned to. */
export interface Snapshot {
  readonly origin: string;
  readonly round: number;
  readonly tree_size: number;
  /** Hex. */
  readonly root_hash: string;
  /** C2SP signed note. */
  readonly note: string;
  readonly vkey: string;
  /** Microseconds since the Unix epoch. */
  readonly sealed_at: number;
  readonly frontiers: readonly { readonly source_id: string; readonly seq: number }[];
  /** Witnesses whose cosignatures are in `note`, as the configuration names them, with the times they give. Absent where none has cosigned this size. */
  readonly cosigned_by?: readonly { readonly name: string; readonly at: string }[] | undefined;
}

/** ISO 8601 UTC, from included, to excluded. `requested_to` differs when the end was cut to the checkpoint. */
export interface Period {
  readonly from: string;
  readonly to: string;
  readonly requested_to: string;
}

/** Recomputed by the program from bytes it read, not by a query. */
export interface Integrity {
  /** Leaf hashes read, in order, each equal to SHA-256(0x00 || leaf). */
  readonly leaves: number;
  /** Hex root over them (RFC 6962 §2.1). */
  readonly root_hash: string;
  /** The note verifies under `vkey` and says the same size and root. */
  readonly note_verified: boolean;
  readonly note_error: string | null;
}

export interface GateResult {
  readonly id: GateId;
  readonly title: string;
  readonly verdict: 'PASS' | 'FINDING' | 'INCONCLUSIVE';
  readonly reasons: readonly string[];
}

export interface ControlResult {
  readonly id: string;
  readonly verdict: Verdict;
  readonly methods: readonly Method[];
  /** Determinations evidenced, of how many: never more than the query shows. */
  readonly reasons: readonly string[];
  /** Gates that kept it from PASS. */
  readonly blocked_by: readonly GateId[];
}

export interface Exhibit {
  readonly name: string;
  readonly media_type: string;
  readonly description: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Rows of an NDJSON exhibit. */
  readonly rows: number | null;
  /** Query whose result it holds. */
  readonly query: string | null;
  /** Rows the query would give without the bound; greater than `rows` when cut. */
  readonly total_rows: number | null;
}

/** An event the packet names, with the commitment that is in the tree. */
export interface CitedEvent {
  readonly event_id: string;
  readonly source_id: string;
  readonly seq: number;
  readonly leaf_index: number;
  /** Base64 of the leaf. */
  readonly leaf: string;
  /** Attachment with the inclusion proof. */
  readonly proof: string;
  readonly why: string;
}

/** A time stamp (RFC 3161) over an earlier checkpoint of the same log, or its renewal, as its event in the log tells it. */
export interface PacketStamp {
  /** As the configuration names it. */
  readonly authority: string;
  /** Subject of the signing certificate. */
  readonly signed_by: string;
  /** Leaves that it covers. */
  readonly tree_size: number;
  /** 0 is over the checkpoint, each further one over the checkpoint and the stamp before it. */
  readonly number: number;
  /** ISO 8601 UTC, by the authority's clock. */
  readonly time: string;
  readonly certificate_ends: string;
  /** Its attachment. */
  readonly file: string;
}

/** How often the packet's own tree tells of outside parties that vouched for the log, or failed to. */
export interface Assurance {
  readonly cosigned_before: number;
  readonly stamped_before: number;
  readonly stamp_failures: number;
}

/** The newest earlier packet of the same framework that the packet's own tree tells of. */
export interface PreviousPacket {
  readonly packet_id: string;
  readonly tree_size: number;
  /** Hex, of the file. */
  readonly sha256: string;
  /** Attachment with the consistency proof. */
  readonly file: string;
}

/** Everything the pages are rendered from: attached as packet.json. */
export interface PacketModel {
  readonly format: typeof PACKET_FORMAT;
  readonly program: { readonly name: string; readonly version: string };
  readonly packet_id: string;
  readonly framework: Framework;
  readonly institution: string;
  readonly period: Period;
  readonly snapshot: Snapshot;
  readonly engine: { readonly name: string; readonly version: string };
  readonly integrity: Integrity;
  /** Independent population source, null when none is configured. */
  readonly population_source: string | null;
  readonly runs: readonly QueryRun[];
  readonly gates: readonly GateResult[];
  readonly controls: readonly ControlResult[];
  readonly exhibits: readonly Exhibit[];
  readonly cited: readonly CitedEvent[];
  /** Absent where no authority has stamped, and in packets of builds before there were stamps. */
  readonly stamps?: readonly PacketStamp[] | undefined;
  /** Absent in packets of builds before there was one. */
  readonly assurance?: Assurance | undefined;
  /** Absent in the first packet of a framework. */
  readonly previous?: PreviousPacket | undefined;
}
