import { createHash } from 'node:crypto';
import type { PacketCatalogue, PacketRecord } from '#catalogue';
import { AffiantError, isAffiantError } from '#errors';
import { isoMicro, microsOf, type Clock, type EventRecorder, type Ids } from '#events';
import type { JobQueue } from '#job-queue';
import type { PacketStore } from '#packet-store';
import { packetEvent } from './packet-events.js';
import { PACKET_JOB, type PacketDesk, type PacketJob, type PacketRequest } from './port.js';
import { packetJobKey } from './sweep-packets.js';

const FRAMEWORKS: readonly PacketRecord['framework'][] = ['ffiec', 'nist-800-53'];

/** A period that ends this much ahead of our clock is taken as "until now". */
const AHEAD_MS = 60_000;

export interface PacketDeskPorts {
  readonly jobs: JobQueue;
  readonly packets: PacketCatalogue;
  readonly store: PacketStore;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** PacketDesk over the catalogue, the job queue and the packet store. */
export function createPacketDesk(ports: PacketDeskPorts): PacketDesk {
  return {
    async create(request) {
      const period = checkRequest(request, ports.clock.nowMs());
      const packet = {
        id: ports.ids.uuid(),
        framework: request.framework,
        ...period,
        requested_by: request.requestedBy.subject,
        created_at: ports.clock.nowMs(),
      };
      const pinned: Record<string, number> = request.treeSize === undefined ? {} : { tree_size: request.treeSize };
      const [receipt] = await ports.recorder.record([packetEvent(packet, request.requestedBy, 'started', pinned)]);
      if (receipt === undefined) throw new AffiantError('journal_failed', 'the request could not be recorded');
      // A crash here leaves the request's event without a packet: nothing was promised to the caller.
      const job: PacketJob = { id: packet.id, requestedBy: request.requestedBy, source: receipt.source_id, seq: receipt.seq };
      let record = await ports.packets.create(packet, job);
      if (request.treeSize !== undefined) record = await ports.packets.update(packet.id, { tree_size: request.treeSize });
      // From here on the packet will be made: after a crash, or while the queue is away, the sweep puts its job in.
      await ports.jobs.enqueue(PACKET_JOB, job, { key: packetJobKey(packet.id) }).catch((error: unknown) => {
        if (!isAffiantError(error) || error.code !== 'job_queue_failed') throw error;
      });
      return record;
    },
    get: (id) => ports.packets.get(id),
    list: (limit) => ports.packets.list(limit),
    async open(id) {
      const record = await ports.packets.get(id);
      if (record === null || record.state !== 'done' || record.sha256 === null)
        throw new AffiantError('not_found', 'there is no finished packet of that id');
      const name = packetFileName(record);
      const bytes = await ports.store.open(name);
      if (createHash('sha256').update(bytes).digest('hex') !== record.sha256)
        throw new AffiantError('packet_invalid', 'the stored packet is not the one that was made', { where: name });
      return { name, bytes, sha256: record.sha256 };
    },
  };
}

/** Name in the packet store: what it is about, then its catalogue id. */
export function packetFileName(record: Pick<PacketRecord, 'framework' | 'from' | 'to' | 'id'>): string {
  return `affiant-${record.framework}-${record.from.slice(0, 10)}-${record.to.slice(0, 10)}-${record.id}.pdf`;
}

function checkRequest(request: PacketRequest, nowMs: number): { from: string; to: string } {
  if (!FRAMEWORKS.includes(request.framework))
    throw new AffiantError('usage_invalid', `the framework must be one of ${FRAMEWORKS.join(', ')}`);
  const [fromUs, toUs] = [instant('from', request.from), instant('to', request.to)];
  if (fromUs >= toUs) throw new AffiantError('usage_invalid', 'the period must begin before it ends');
  if (fromUs / 1000 > nowMs) throw new AffiantError('usage_invalid', 'the period lies in the future');
  if (toUs / 1000 > nowMs + AHEAD_MS)
    throw new AffiantError('usage_invalid', 'the period ends in the future: a packet covers what has happened');
  const { treeSize } = request;
  if (treeSize !== undefined && (!Number.isSafeInteger(treeSize) || treeSize < 1))
    throw new AffiantError('usage_invalid', 'the tree size must be a positive number');
  return { from: isoMicro(fromUs), to: isoMicro(toUs) };
}

/** Accepts a date, or an instant in UTC or with an offset. */
function instant(name: string, text: string): number {
  try {
    return microsOf(text);
  } catch {
    const ms = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : NaN;
    if (Number.isNaN(ms)) throw new AffiantError('usage_invalid', `${name} must be a date or an ISO 8601 instant with its zone`);
    return ms * 1000;
  }
}
