import { EntitySchema } from 'typeorm';
import type { Erasure } from './port.js';

const number = {
  // PostgreSQL bigint arrives as text; milliseconds fit a double.
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

export type ErasureRow = { -readonly [K in keyof Erasure]: Erasure[K] };

export const ErasureEntity = new EntitySchema<ErasureRow>({
  name: 'erasure',
  tableName: 'erasure',
  columns: {
    id: { type: 'text', primary: true },
    state: { type: 'text' },
    session: { type: 'text' },
    reason: { type: 'text' },
    basis: { type: 'text' },
    requested_by: { type: 'jsonb' },
    requested_at: { type: 'bigint', transformer: number },
    approved_by: { type: 'jsonb', nullable: true },
    approved_at: { type: 'bigint', nullable: true, transformer: number },
    approval_reason: { type: 'text', nullable: true },
    key_ids: { type: 'jsonb' },
    counts: { type: 'jsonb', nullable: true },
    ended_at: { type: 'bigint', nullable: true, transformer: number },
  },
});
