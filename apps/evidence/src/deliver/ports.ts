import type { PacketCatalogue, PacketRecord } from '#catalogue';
import type { Clock, EventRecorder, Ids, Principal } from '#events';
import type { JobQueue } from '#job-queue';
import type { EngineAccess } from '#ledger-store';
import type { Logger } from '#observability';
import type { PacketStore } from '#packet-store';
import type { Signer } from '#signing';
import type { Renderer } from '../render/renderer.js';

/** What evidence needs from the rest of the process; all are built by the composition root. */
export interface EvidencePorts {
  /** Address and secrets of the engine now. @throws AffiantError engine_failed while it is away. */
  readonly engine: () => EngineAccess;
  readonly jobs: JobQueue;
  readonly packets: PacketCatalogue;
  readonly store: PacketStore;
  /** The log's key: checkpoints verify under its vkey, and it seals packets. */
  readonly signer: Signer;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly institution: () => string;
  /** Default: a thread per packet. */
  readonly render?: Renderer;
  /** How long a packet waits for its own request to be sealed, milliseconds; then it is pinned to what is there. Default 20,000. */
  readonly sealWait?: number;
}

export interface PacketRequest {
  readonly framework: PacketRecord['framework'];
  /** ISO 8601 instants in UTC; from included, to excluded. */
  readonly from: string;
  readonly to: string;
  readonly requestedBy: Principal;
  /** Checkpoint to pin the packet to; absent = the newest that covers this request. */
  readonly treeSize?: number;
}

/** What callers may do with packets. The job behind it survives a crash. */
export interface PacketDesk {
  /** Durable when it resolves. Records `packet.created` with status started. @throws AffiantError usage_invalid */
  create(request: PacketRequest): Promise<PacketRecord>;
  get(id: string): Promise<PacketRecord | null>;
  /** Newest first. */
  list(limit: number): Promise<readonly PacketRecord[]>;
  /** The finished file. @throws AffiantError not_found while it is not done; packet_invalid when the stored file changed. */
  open(id: string): Promise<{ readonly name: string; readonly bytes: Buffer; readonly sha256: string }>;
}

export const PACKET_JOB = 'packet.make';

/** Payload of the job. */
export interface PacketJob {
  readonly id: string;
  readonly requestedBy: Principal;
  /** Source and seq of the request's own event: the packet waits until it is sealed. */
  readonly source: string;
  readonly seq: number;
}
