import type { PacketCatalogue, UnfinishedPacket } from '#catalogue';
import type { Clock, EventRecorder } from '#events';
import type { JobQueue } from '#job-queue';
import type { Logger } from '#observability';
import { packetEvent } from './packet-events.js';
import { PACKET_JOB, type PacketJob } from './port.js';

/** Packets looked at in one turn; the oldest come first, so that the others get their turn. */
const LOOKED_AT = 200;
/** Jobs a packet gets in place of jobs that ended without ending it. Then it fails: something in it kills its workers. */
const MOST_REQUEUES = 5;
const EVERY_MS = 15_000;

export interface SweepPorts {
  readonly jobs: JobQueue;
  readonly packets: PacketCatalogue;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a turn of the sweep did. */
export interface Swept {
  readonly requeued: number;
  readonly failed: number;
}

/**
 * Puts packets that are `queued` or `running` without a live job in again: the request crashed before its job was put in, the queue lost
 * the job, or the job failed for good (its workers died, the catalogue was away when it ended). Idempotent; any number of processes may do it.
 */
export async function sweepPackets(ports: SweepPorts): Promise<Swept> {
  const swept = { requeued: 0, failed: 0 };
  for (const unfinished of await ports.packets.unfinished(LOOKED_AT)) {
    const status = await ports.jobs.status(PACKET_JOB, packetJobKey(unfinished.packet.id, unfinished.requeues));
    if (status === 'waiting' || status === 'active') continue;
    // Its job may have ended it between the list and the look at the job.
    const state = (await ports.packets.get(unfinished.packet.id))?.state;
    if (state !== 'queued' && state !== 'running') continue;
    if (unfinished.job === null || (status !== null && unfinished.requeues >= MOST_REQUEUES)) {
      await fail(ports, unfinished);
      swept.failed += 1;
      continue;
    }
    // The same number again when the job was lost, or when a crash came between these two lines.
    const requeues = status === null ? unfinished.requeues : unfinished.requeues + 1;
    if (requeues !== unfinished.requeues) await ports.packets.setRequeues(unfinished.packet.id, requeues);
    await ports.jobs.enqueue(PACKET_JOB, unfinished.job, { key: packetJobKey(unfinished.packet.id, requeues) });
    ports.logger.warn({ packet: unfinished.packet.id, was: status ?? 'lost', requeues }, 'a packet without a live job was put in again');
    swept.requeued += 1;
  }
  return swept;
}

/** Key of a packet's job; each further job of the same packet has its own, because an ended job keeps its key. */
export function packetJobKey(id: string, requeues = 0): string {
  return requeues === 0 ? id : `${id}.${requeues}`;
}

/** Sweeps now and then every `everyMs` (default 15 s). Returns the stop, which waits for the turn in hand. */
export function startPacketSweep(ports: SweepPorts, everyMs = EVERY_MS): () => Promise<void> {
  let turn: Promise<void> | null = null;
  const look = (): void => {
    turn ??= sweepPackets(ports)
      .then(
        () => undefined,
        // Catalogue or queue are away: what is unfinished stays so, and the next turn looks again.
        (error: unknown) => ports.logger.warn({ reason: (error as Error).message }, 'unfinished packets could not be looked at'),
      )
      .finally(() => (turn = null));
  };
  look();
  const timer = setInterval(look, everyMs).unref();
  return async () => {
    clearInterval(timer);
    await turn;
  };
}

async function fail({ recorder, packets, clock, logger }: SweepPorts, { packet, job, requeues }: UnfinishedPacket): Promise<void> {
  logger.error({ packet: packet.id, requeues }, 'a packet whose jobs end without a result was given up');
  if (job !== null) await recorder.record([packetEvent(packet, (job as PacketJob).requestedBy, 'failed', { code: 'packet_failed' })]);
  const error = 'its jobs ended without a result; see the log, then ask for the packet again';
  await packets.update(packet.id, { state: 'failed', step: 'failed', error, finished_at: clock.nowMs() });
}
