import type { DataSource, Repository } from 'typeorm';
import { AffiantError } from '#errors';
import { ApprovalEntity, type ApprovalRow } from '../entities.js';
import type { Approval, ApprovalBook, ApprovalState, ApprovalVote, NewApproval } from '../port.js';

type Change = Partial<Pick<ApprovalRow, 'state' | 'votes' | 'decided_at' | 'orphaned'>>;

/** How often a watched approval is read again, for changes made by another process. Milliseconds. */
const POLL_MS = 500;

/** ApprovalBook over the catalogue. Every change is one UPDATE that names the version it was computed from. */
export class TypeormApprovalBook implements ApprovalBook {
  readonly #rows: Repository<ApprovalRow>;
  readonly #watchers = new Map<string, Set<(approval: Approval) => void>>();
  readonly #seen = new Map<string, number>();
  #poll: NodeJS.Timeout | null = null;

  constructor(
    source: DataSource,
    readonly nowMs: () => number,
  ) {
    this.#rows = source.getRepository(ApprovalEntity);
  }

  async open(approval: NewApproval): Promise<Approval> {
    const row: ApprovalRow = { ...approval, state: 'pending', votes: [], decided_at: null, orphaned: false, version: 1 };
    await this.#rows.insert(row);
    return toApproval(row);
  }

  async get(id: string): Promise<Approval | null> {
    const row = await this.#rows.findOneBy({ id });
    return row === null ? null : toApproval(row);
  }

  async list(filter: { readonly state?: ApprovalState; readonly limit?: number } = {}): Promise<Approval[]> {
    const rows = await this.#rows.find({
      ...(filter.state === undefined ? {} : { where: { state: filter.state } }),
      order: { created_at: 'DESC', id: 'DESC' },
      take: filter.limit ?? 100,
    });
    return rows.map(toApproval);
  }

  addVote(id: string, vote: ApprovalVote): Promise<Approval> {
    return this.#change(id, (row) => {
      if (row.state !== 'pending') throw new AffiantError('conflict', `the approval is already ${row.state}`);
      const votes = [...row.votes, vote];
      if (vote.verdict === 'deny') return { votes, state: 'denied', decided_at: vote.at };
      const grants = votes.filter(({ verdict }) => verdict === 'approve').length;
      return grants >= row.quorum ? { votes, state: 'granted', decided_at: vote.at } : { votes };
    });
  }

  expire(id: string): Promise<Approval> {
    return this.#change(id, (row) => {
      if (row.state !== 'pending' && row.state !== 'granted') throw new AffiantError('conflict', `the approval is already ${row.state}`);
      return { state: 'expired', decided_at: this.nowMs() };
    });
  }

  async release(id: string): Promise<boolean> {
    const { affected } = await this.#rows
      .createQueryBuilder()
      .update()
      .set({ state: 'released', version: () => 'version + 1' })
      .where('id = :id AND state = :state', { id, state: 'granted' })
      .execute();
    if (affected === 1) await this.#notify(id);
    return affected === 1;
  }

  async setOrphaned(id: string, orphaned: boolean): Promise<void> {
    await this.#change(id, () => ({ orphaned }));
  }

  watch(id: string, listener: (approval: Approval) => void): () => void {
    const listeners = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, listeners.add(listener));
    this.#poll ??= setInterval(() => void this.#pollWatched(), POLL_MS).unref();
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#watchers.get(id) !== listeners) return;
      this.#watchers.delete(id);
      this.#seen.delete(id);
      if (this.#watchers.size === 0 && this.#poll !== null) {
        clearInterval(this.#poll);
        this.#poll = null;
      }
    };
  }

  /** Reads, computes, writes if nobody wrote in between; tries again when somebody did. */
  async #change(id: string, compute: (row: ApprovalRow) => Change): Promise<Approval> {
    for (;;) {
      const row = await this.#rows.findOneBy({ id });
      if (row === null) throw new AffiantError('not_found', `there is no approval ${id}`);
      const change = compute(row);
      const next = { ...row, ...change, version: row.version + 1 };
      const { affected } = await this.#rows.update({ id, version: row.version }, { ...change, version: next.version });
      if (affected !== 1) continue;
      this.#tell(next);
      return toApproval(next);
    }
  }

  async #notify(id: string): Promise<void> {
    const row = await this.#rows.findOneBy({ id });
    if (row !== null) this.#tell(row);
  }

  #tell(row: ApprovalRow): void {
    if ((this.#seen.get(row.id) ?? 0) >= row.version) return;
    const listeners = this.#watchers.get(row.id);
    if (listeners === undefined) return;
    this.#seen.set(row.id, row.version);
    for (const listener of listeners) listener(toApproval(row));
  }

  async #pollWatched(): Promise<void> {
    for (const id of this.#watchers.keys()) {
      // A failed read is tried again at the next turn; the waiting call has its own deadline.
      await this.#notify(id).catch(() => undefined);
    }
  }
}

function toApproval({ version: _version, ...approval }: ApprovalRow): Approval {
  return approval;
}
