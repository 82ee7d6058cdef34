import type { PacketRecord } from '#catalogue';
import type { Principal } from '#events';

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
