import { SYSTEM_CONTEXT, type EventDraft } from '#events';
import type { AnchorRow } from '#ledger-store';
import { readCheckpoint, TileTree, type SealedState } from '#tlog';
import { everyInterval } from '../retry.js';
import type { AnchorHealth, AnchorPorts, WitnessHealth, WitnessPort } from './ports.js';

/** While nothing is sealed, or another leads: how soon it looks again, unless the interval is shorter. Milliseconds. */
const LOOK_MS = 1_000;

/**
 * Shows the newest checkpoint to all witnesses, and keeps and tells what a quorum has cosigned. It runs beside the sealing and is never waited for:
 * witnesses that are away leave the log as it is, unanchored from there on, which health and metrics show.
 *
 * Per checkpoint: 1. the cosigned note as `cosigned/<size>`; 2. a row of ledger.anchors; 3. a control event `checkpoint.cosigned`;
 * 4. the resource `checkpoint.cosigned`, which says that all before it is done. A crash before 1 leaves nothing; after it, the restart finds what
 * 4 does not name and does the rest again: note and row are the same by then, the event may be told twice.
 */
export class AnchorLoop {
  readonly #stopping = new AbortController();
  readonly #health = new Map<string, WitnessHealth>();
  /** The newest that was told; 0 before the first. */
  #size = 0;
  #lastUs: number | null = null;
  /** False until what an earlier process left half told was looked for. */
  #settled = false;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly ports: AnchorPorts) {
    for (const { name } of ports.witnesses) this.#health.set(name, { name, lastUs: null, failing: null });
  }

  start(): void {
    const { witnesses, logger, options } = this.ports;
    if (witnesses.length === 0) return;
    this.#running = everyInterval('anchoring', () => this.once(), { ...options, look: LOOK_MS, signal: this.#stopping.signal, logger });
  }

  /** Resolves when what is in hand has ended; what witnesses were asked is given up. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  health(): AnchorHealth {
    return { quorum: this.ports.options.quorum, witnesses: [...this.#health.values()], size: this.#size, lastUs: this.#lastUs };
  }

  /** One time; false when there was nothing to anchor. @throws what an engine throws; the next time does the same again */
  async once(): Promise<boolean> {
    const sealed = this.ports.sealed();
    if (sealed === null || sealed.round === 0) return false;
    if (!this.#settled) await this.#settle();
    // Our own event about the last anchor makes the tree one larger: that alone is nothing worth vouching for.
    if (this.#size > 0 && sealed.tree_size <= this.#size + 1) return false;
    const lines = await this.#ask(sealed);
    const { quorum } = this.ports.options;
    if (lines.length < quorum) {
      this.ports.logger.warn({ size: sealed.tree_size, cosigned: lines.length, quorum }, 'the quorum of witnesses was not met');
      return true;
    }
    // The first note that is kept of a size stays; one of before a crash may have other times and other witnesses.
    const note = await this.ports.cosigned.put(sealed.tree_size, sealed.note + lines.join(''));
    await this.#tell(note);
    return true;
  }

  /** All at once; in the order of the configuration, so that equal answers make equal notes. */
  async #ask(sealed: SealedState): Promise<string[]> {
    const tree = new TileTree(this.ports.tiles, sealed.tree_size);
    const request = {
      note: sealed.note,
      size: sealed.tree_size,
      proofFrom: (size: number) => tree.consistencyProof(size, sealed.tree_size),
      signal: this.#stopping.signal,
    };
    const ask = async (witness: WitnessPort): Promise<string[]> => {
      const { name } = witness;
      const lastUs = this.#health.get(name)?.lastUs ?? null;
      try {
        const line = await witness.cosign(request);
        this.#health.set(name, { name, lastUs: this.ports.clock.nowUs(), failing: null });
        return [line];
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#health.set(name, { name, lastUs, failing: reason });
        this.ports.logger.warn({ witness: name, size: sealed.tree_size, reason }, 'a witness did not cosign');
        return [];
      }
    };
    return (await Promise.all(this.ports.witnesses.map(ask))).flat();
  }

  /** Steps 2 to 4, for a fresh anchor and for one that a crash left half told. */
  async #tell(note: string): Promise<void> {
    const { store, recorder, cosigned, logger } = this.ports;
    const row = this.#rowOf(note);
    await store.appendAnchor(row);
    await recorder.record([this.#draftOf(row)]);
    await cosigned.publish(note);
    this.#size = row.tree_size;
    this.#lastUs = row.anchored_at;
    logger.info({ size: row.tree_size, witnesses: row.witness_names }, 'the checkpoint is cosigned');
  }

  #rowOf(note: string): AnchorRow {
    const { size, root } = readCheckpoint(note);
    const by = this.ports.witnesses.flatMap((witness) => {
      const time = witness.timestampIn(note);
      return time === null ? [] : [{ name: witness.name, time }];
    });
    return {
      tree_size: size,
      root_hash: root.toString('hex'),
      note,
      anchored_at: this.ports.clock.nowUs(),
      witness_names: by.map(({ name }) => name),
      witness_times: by.map(({ time }) => time),
    };
  }

  /** With the note in it: whoever has the events alone can check the cosignatures too. */
  #draftOf({ tree_size, root_hash, note, witness_names, witness_times }: AnchorRow): EventDraft {
    const { origin, quorum } = this.ports.options;
    const facts = {
      tree_size: String(tree_size),
      root_hash,
      quorum: String(quorum),
      witnesses: witness_names.join(','),
      witness_times: witness_times.join(','),
      note,
    };
    const attributes = Object.entries(facts).map(([name, value]) => ({ name, value }));
    const event = { kind: 'checkpoint.cosigned', outcome: 'success' as const, subject: origin, attributes, detail: null };
    return { context: SYSTEM_CONTEXT, type: 'control', event };
  }

  /** What an earlier process told, and what it left half told. */
  async #settle(): Promise<void> {
    const { cosigned, store } = this.ports;
    const [latest, row] = await Promise.all([cosigned.latest(), store.lastAnchor()]);
    if (latest !== null) {
      const told = this.#rowOf(latest);
      this.#size = told.tree_size;
      // By the clocks of the witnesses: ours of then is not in the note.
      this.#lastUs = told.witness_times.length === 0 ? null : Math.max(...told.witness_times) * 1_000_000;
      // A ledger store that was rebuilt has no row of it.
      if ((row?.tree_size ?? 0) < told.tree_size) await store.appendAnchor(told);
    }
    if (row !== null && row.tree_size > this.#size) await this.#tell(row.note);
    this.#settled = true;
  }
}
