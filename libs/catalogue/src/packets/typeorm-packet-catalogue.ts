import type { DataSource, Repository } from 'typeorm';
import { AffiantError } from '#errors';
import { askCatalogue } from '../ask.js';
import { PacketEntity, type PacketRow } from '../entities.js';
import type { PacketCatalogue, PacketRecord, UnfinishedPacket } from '../port.js';

type NewPacket = Parameters<PacketCatalogue['create']>[0];

/** PacketCatalogue over the catalogue database. Every change is one statement over the columns it names. */
export class TypeormPacketCatalogue implements PacketCatalogue {
  readonly #rows: Repository<PacketRow>;

  constructor(source: DataSource) {
    this.#rows = source.getRepository(PacketEntity);
  }

  async create(packet: NewPacket, job: object | null = null): Promise<PacketRecord> {
    const record: PacketRecord = {
      ...packet,
      tree_size: null,
      state: 'queued',
      progress: 0,
      step: 'queued',
      finished_at: null,
      sha256: null,
      path: null,
      bytes: null,
      verdicts: null,
      error: null,
    };
    await askCatalogue(() => this.#rows.insert({ ...record, job, requeues: 0 }));
    return record;
  }

  async update(id: string, change: Partial<Omit<PacketRecord, 'id'>>): Promise<PacketRecord> {
    await askCatalogue(() =>
      this.#rows.createQueryBuilder().update().set(change).where(`id = :id AND state NOT IN ('done', 'refused')`, { id }).execute(),
    );
    return this.#known(id);
  }

  async pin(id: string, treeSize: number): Promise<number> {
    await askCatalogue(() =>
      this.#rows.createQueryBuilder().update().set({ tree_size: treeSize }).where('id = :id AND tree_size IS NULL', { id }).execute(),
    );
    return (await this.#known(id)).tree_size ?? treeSize;
  }

  get(id: string): Promise<PacketRecord | null> {
    return askCatalogue(() => this.#rows.findOneBy({ id }));
  }

  list(limit = 100): Promise<PacketRecord[]> {
    return askCatalogue(() => this.#rows.find({ order: { created_at: 'DESC', id: 'DESC' }, take: limit }));
  }

  async unfinished(limit: number): Promise<UnfinishedPacket[]> {
    const rows = await askCatalogue(() =>
      this.#rows
        .createQueryBuilder('packet')
        .addSelect(['packet.job', 'packet.requeues'])
        .where(`packet.state IN ('queued', 'running')`)
        .orderBy('packet.created_at')
        .addOrderBy('packet.id')
        .take(limit)
        .getMany(),
    );
    return rows.map(({ job = null, requeues = 0, ...packet }) => ({ packet, job, requeues }));
  }

  async setRequeues(id: string, requeues: number): Promise<void> {
    await askCatalogue(() => this.#rows.update({ id }, { requeues }));
  }

  async #known(id: string): Promise<PacketRecord> {
    const row = await this.get(id);
    if (row === null) throw new AffiantError('not_found', `there is no packet ${id}`);
    return row;
  }
}
