import type { PacketRecord } from '#catalogue';
import { isAffiantError } from '#errors';
import { packetEvent, packetFileName, type PacketJob } from '#packet-desk';
import { ClickHouseQueryRunner } from '../collect/clickhouse-runner.js';
import { collectPacket } from '../collect/collect-packet.js';
import type { QueryRunner } from '../collect/query-runner.js';
import { readSnapshot } from '../collect/snapshot.js';
import { countVerdicts } from '../model/verdict.js';
import { renderInWorker } from '../render/renderer.js';
import { sealPdf } from '../render/seal.js';
import type { EvidencePorts } from './ports.js';

const POLL_MS = 250;

/**
 * Makes one packet: collect -> judge -> render -> seal -> put -> record -> announce. Idempotent: the checkpoint is pinned in the catalogue
 * first, and the same checkpoint gives the same bytes, so that a run after a crash puts the same file again.
 */
export async function makePacket(ports: EvidencePorts, job: PacketJob): Promise<void> {
  const record = await ports.packets.get(job.id);
  if (record === null || record.state === 'done' || record.state === 'refused') return;
  const { signer } = ports;
  const log = { origin: signer.name, vkey: signer.vkey };
  const runner = new ClickHouseQueryRunner(ports.engine);
  try {
    await ports.packets.update(job.id, { state: 'running', progress: 0, step: 'waiting for the seal', error: null });
    // Pinned before anything is read: a crash from here on, or the same job in another process, goes over the same snapshot.
    const treeSize = record.tree_size ?? (await ports.packets.pin(job.id, await awaitSeal(runner, log, job, ports)));
    const collected = await collectPacket({
      framework: record.framework,
      from: record.from,
      to: record.to,
      treeSize,
      institution: ports.institution(),
      log,
      runner,
      onProgress: throttle(ports, job.id),
    });
    await ports.packets.update(job.id, { progress: 0.8, step: 'drawing pages' });
    const started = ports.clock.monotonicUs();
    const { bytes, pages } = await (ports.render ?? renderInWorker)(collected);
    const sealed = await sealPdf(bytes, signer);
    ports.logger.info(
      { packet: job.id, pages, bytes: sealed.length, render_ms: Math.round((ports.clock.monotonicUs() - started) / 1000) },
      'packet drawn',
    );
    const stored = await ports.store.put(packetFileName(record), sealed);
    const verdicts = countVerdicts(collected.model.controls.map(({ verdict }) => verdict));
    // A crash here leaves the file without its event and the record `running`: the next run puts the same bytes and goes on.
    await ports.recorder.record([
      packetEvent(record, job.requestedBy, 'done', {
        tree_size: treeSize,
        sha256: stored.sha256,
        packet_id: collected.model.packet_id,
        ...verdictFacts(verdicts),
      }),
    ]);
    // A crash here leaves the event without the record: the next run records it again, with the same digest.
    await finish(ports, job.id, {
      state: 'done',
      progress: 1,
      step: 'done',
      sha256: stored.sha256,
      path: stored.path,
      bytes: sealed.length,
      verdicts,
    });
  } catch (error) {
    await giveUp(ports, record, job, error);
  }
}

async function giveUp(ports: EvidencePorts, record: PacketRecord, job: PacketJob, error: unknown): Promise<void> {
  const code = isAffiantError(error) ? error.code : 'packet_failed';
  const state = code === 'packet_refused' ? 'refused' : 'failed';
  const message = isAffiantError(error) ? `${error.message}. ${error.remedy}` : 'the packet could not be made; see the log';
  ports.logger.warn({ packet: job.id, code, reason: (error as Error).message }, 'packet not made');
  await ports.recorder.record([packetEvent(record, job.requestedBy, state, { code })]);
  await finish(ports, job.id, { state, step: state, error: message });
  if (state === 'failed') throw error;
}

async function finish(ports: EvidencePorts, id: string, change: Partial<Omit<PacketRecord, 'id'>>): Promise<void> {
  await ports.packets.update(id, { ...change, finished_at: ports.clock.nowMs() });
}

const verdictFacts = (verdicts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(verdicts).map(([verdict, count]) => [verdict.toLowerCase().replaceAll(' ', '_'), count]));

/**
 * Waits until the newest checkpoint covers the request's own event, so that everything before the request is in the packet; where witnesses cosign,
 * until the newest cosigned one does. After the wait it is what there is: never one that could be cosigned after the packet was made.
 */
async function awaitSeal(
  runner: QueryRunner,
  log: { origin: string; vkey: string },
  job: PacketJob,
  ports: EvidencePorts,
): Promise<number> {
  const start = ports.clock.nowMs();
  const deadline = start + (ports.sealWait ?? 20_000);
  // Witnesses are asked once a minute (ledger.witnesses.interval) by default.
  const cosignDeadline = start + (ports.cosignWait ?? 90_000);
  for (;;) {
    const snapshot = await readSnapshot(runner, log, null).catch((error: unknown) => {
      if (isAffiantError(error) && error.code === 'packet_refused' && ports.clock.nowMs() < deadline) return null;
      throw error;
    });
    const covered = snapshot?.frontiers.some(({ source_id, seq }) => source_id === job.source && seq >= job.seq) === true;
    const until = snapshot?.cosigned_by === undefined ? deadline : cosignDeadline;
    if (snapshot !== null && (covered || ports.clock.nowMs() >= until)) return snapshot.tree_size;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Progress goes to the catalogue in steps of a tenth, in order. */
function throttle(ports: EvidencePorts, id: string): (progress: number, step: string) => Promise<void> {
  let told = -1;
  let last: Promise<unknown> = Promise.resolve();
  return async (progress, step) => {
    const tenth = Math.floor(progress * 10);
    if (tenth <= told) {
      await last;
      return;
    }
    told = tenth;
    last = last
      .then(() => ports.packets.update(id, { progress, step }))
      .catch((error: unknown) => ports.logger.warn({ packet: id, reason: (error as Error).message }, 'progress not written'));
    await last;
  };
}
