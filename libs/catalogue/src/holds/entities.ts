import { EntitySchema } from 'typeorm';
import type { Hold, RetentionDrop } from './port.js';

const number = {
  // PostgreSQL bigint arrives as text; milliseconds, microseconds and counts fit a double.
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

export type HoldRow = { -readonly [K in keyof Hold]: Hold[K] };
export type DropRow = { -readonly [K in keyof RetentionDrop]: RetentionDrop[K] };

export const HoldEntity = new EntitySchema<HoldRow>({
  name: 'hold',
  tableName: 'hold',
  columns: {
    id: { type: 'text', primary: true },
    state: { type: 'text' },
    scope: { type: 'jsonb' },
    reason: { type: 'text' },
    placed_by: { type: 'jsonb' },
    placed_at: { type: 'bigint', transformer: number },
    released_by: { type: 'jsonb', nullable: true },
    released_at: { type: 'bigint', nullable: true, transformer: number },
    release_reason: { type: 'text', nullable: true },
  },
});

export const DropEntity = new EntitySchema<DropRow>({
  name: 'retention_drop',
  tableName: 'retention_drop',
  columns: {
    id: { type: 'text', primary: true },
    partition: { type: 'int', name: 'partition_month' },
    record_class: { type: 'text' },
    state: { type: 'text' },
    rows: { type: 'bigint', name: 'row_count', transformer: number },
    from_us: { type: 'bigint', transformer: number },
    to_us: { type: 'bigint', transformer: number },
    policy_digest: { type: 'text' },
    frontiers: { type: 'jsonb' },
    intended_at: { type: 'bigint', transformer: number },
    ended_at: { type: 'bigint', nullable: true, transformer: number },
  },
});
