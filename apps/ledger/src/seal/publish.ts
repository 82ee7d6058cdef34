import { SYSTEM_CONTEXT, type EventDraft } from '#events';
import type { CheckpointRow } from '#ledger-store';
import type { SealedState } from '#tlog';
import type { LedgerPorts } from '../ports.js';
import type { DeadRecord } from '../sequence/backlog.js';
import type { Told } from './told.js';

/**
 * Tells the world of a sealed round: checkpoint row, checkpoint file beside the tiles, then the events of our own source.
 * Row and file may be written again; events are recorded only when `told` (complete, or a round nobody has told of yet) does not have them.
 * A crash between any two steps leaves a sealed round told in part, and the restart tells the rest.
 */
export async function publish(
  ports: Pick<LedgerPorts, 'store' | 'tiles' | 'recorder' | 'signer'>,
  sealed: SealedState,
  dead: readonly DeadRecord[],
  told: Told,
): Promise<void> {
  await ports.store.appendCheckpoint(checkpointRow(sealed));
  await ports.tiles.publish(sealed.note);
  const drafts = untold(sealed, ports.signer.name, dead, told);
  if (drafts.length > 0) await ports.recorder.record(drafts);
}

/** Events that tell the world of a sealed round and have not been recorded yet: dead letters first, so that the checkpoint means all are there. */
function untold(sealed: SealedState, origin: string, dead: readonly DeadRecord[], told: Told): EventDraft[] {
  if (told.hasCheckpoint(sealed.round)) return [];
  const drafts: EventDraft[] = dead.filter(({ record }) => !told.hasDeadLetter(record)).map(deadLetter);
  drafts.push({
    context: SYSTEM_CONTEXT,
    type: 'checkpoint',
    event: {
      origin,
      round: sealed.round,
      tree_size: sealed.tree_size,
      root_hash: Buffer.from(sealed.root_hash, 'hex'),
      note: sealed.note,
      frontiers: frontiersOf(sealed),
    },
  });
  return drafts;
}

function checkpointRow(sealed: SealedState): CheckpointRow {
  const { round, tree_size, root_hash, note, sealed_at } = sealed;
  const frontiers = frontiersOf(sealed);
  return {
    round,
    tree_size,
    root_hash,
    note,
    sealed_at,
    frontier_sources: frontiers.map((frontier) => frontier.source_id),
    frontier_seqs: frontiers.map((frontier) => frontier.seq),
  };
}

function frontiersOf({ frontiers }: SealedState): { source_id: string; seq: number }[] {
  return Object.keys(frontiers)
    .sort((a, b) => (a < b ? -1 : 1))
    .map((source_id) => ({ source_id, seq: frontiers[source_id]! }));
}

function deadLetter({ record, code, reason }: DeadRecord): EventDraft {
  const { topic, partition, offset, value } = record;
  return { context: SYSTEM_CONTEXT, type: 'dead_letter', event: { topic, partition, offset, code, reason, payload: value } };
}
