import { In, type DataSource, type Repository } from 'typeorm';
import { AffiantError } from '#errors';
import { askCatalogue } from '../ask.js';
import { ApprovalEntity, type ApprovalRow } from '../entities.js';
import type { Approval, ApprovalBook, ApprovalState, ApprovalVote, NewApproval } from '../port.js';
import { ApprovalWatch } from './approval-watch.js';

type Change = Partial<Pick<ApprovalRow, 'state' | 'votes' | 'decided_at' | 'orphaned'>>;

/** ApprovalBook over the catalogue. Every change is one UPDATE that names the version it was computed from. */
export class TypeormApprovalBook implements ApprovalBook {
  readonly #rows: Repository<ApprovalRow>;
  readonly #watch: ApprovalWatch;

  constructor(
    source: DataSource,
    readonly nowMs: () => number,
  ) {
    this.#rows = source.getRepository(ApprovalEntity);
    this.#watch = new ApprovalWatch({
      versions: (ids) => this.#rows.find({ select: { id: true, version: true }, where: { id: In([...ids]) } }),
      rows: (ids) => this.#rows.findBy({ id: In([...ids]) }),
    });
  }

  async open(approval: NewApproval): Promise<Approval> {
    const row: ApprovalRow = { ...approval, state: 'pending', votes: [], decided_at: null, orphaned: false, version: 1 };
    await askCatalogue(() => this.#rows.insert(row));
    return toApproval(row);
  }

  async get(id: string): Promise<Approval | null> {
    const row = await this.#read(id);
    return row === null ? null : toApproval(row);
  }

  async list(filter: { readonly state?: ApprovalState; readonly limit?: number } = {}): Promise<Approval[]> {
    const rows = await askCatalogue(() =>
      this.#rows.find({
        ...(filter.state === undefined ? {} : { where: { state: filter.state } }),
        order: { created_at: 'DESC', id: 'DESC' },
        take: filter.limit ?? 100,
      }),
    );
    return rows.map(toApproval);
  }

  addVote(id: string, vote: ApprovalVote): Promise<Approval> {
    return this.#change(id, (row) => {
      if (row.state !== 'pending') throw new AffiantError('conflict', `the approval is already ${row.state}`);
      // The desk has looked, too; but the same person may be at two desks of two processes at the same moment.
      const { issuer, subject } = vote.approver;
      if (row.votes.some(({ approver }) => approver.issuer === issuer && approver.subject === subject))
        throw new AffiantError('conflict', 'each approver decides once');
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
    const { affected } = await askCatalogue(() =>
      this.#rows
        .createQueryBuilder()
        .update()
        .set({ state: 'released', version: () => 'version + 1' })
        .where('id = :id AND state = :state', { id, state: 'granted' })
        .execute(),
    );
    if (affected !== 1) return false;
    // It is released, whatever happens now: the poll tells the watchers when this read fails.
    const row = await this.#read(id).catch(() => null);
    if (row !== null) this.#watch.tell(row);
    return true;
  }

  async setOrphaned(id: string, orphaned: boolean): Promise<void> {
    await this.#change(id, () => ({ orphaned }));
  }

  watch(id: string, listener: (approval: Approval) => void): () => void {
    return this.#watch.add(id, (row) => listener(toApproval(row)));
  }

  /** Reads, computes, writes if nobody wrote in between; tries again when somebody did. */
  async #change(id: string, compute: (row: ApprovalRow) => Change): Promise<Approval> {
    for (;;) {
      const row = await this.#read(id);
      if (row === null) throw new AffiantError('not_found', `there is no approval ${id}`);
      const change = compute(row);
      const next = { ...row, ...change, version: row.version + 1 };
      const { affected } = await askCatalogue(() => this.#rows.update({ id, version: row.version }, { ...change, version: next.version }));
      if (affected !== 1) continue;
      this.#watch.tell(next);
      return toApproval(next);
    }
  }

  #read(id: string): Promise<ApprovalRow | null> {
    return askCatalogue(() => this.#rows.findOneBy({ id }));
  }
}

function toApproval({ version: _version, ...approval }: ApprovalRow): Approval {
  return approval;
}
