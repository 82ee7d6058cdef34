import type { DataSource, Repository } from 'typeorm';
import { AffiantError } from '#errors';
import { PacketEntity, type PacketRow } from '../entities.js';
import type { PacketCatalogue, PacketRecord } from '../port.js';

/** PacketCatalogue over the catalogue database. */
export class TypeormPacketCatalogue implements PacketCatalogue {
  readonly #rows: Repository<PacketRow>;

  constructor(source: DataSource) {
    this.#rows = source.getRepository(PacketEntity);
  }

  async create(packet: Pick<PacketRecord, 'id' | 'framework' | 'from' | 'to' | 'requested_by' | 'created_at'>): Promise<PacketRecord> {
    const row: PacketRow = {
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
    await this.#rows.insert(row);
    return row;
  }

  async update(id: string, change: Partial<Omit<PacketRecord, 'id'>>): Promise<PacketRecord> {
    const row = await this.get(id);
    if (row === null) throw new AffiantError('not_found', `there is no packet ${id}`);
    const next: PacketRow = { ...row, ...change };
    await this.#rows.save(next);
    return next;
  }

  get(id: string): Promise<PacketRecord | null> {
    return this.#rows.findOneBy({ id });
  }

  list(limit = 100): Promise<PacketRecord[]> {
    return this.#rows.find({ order: { created_at: 'DESC', id: 'DESC' }, take: limit });
  }
}
