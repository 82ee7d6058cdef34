import type { PacketCatalogue } from '#catalogue';
import type { Clock, EventRecorder, Ids } from '#events';
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
  /** The same where witnesses cosign: until they have. Default 90,000. */
  readonly cosignWait?: number;
}
