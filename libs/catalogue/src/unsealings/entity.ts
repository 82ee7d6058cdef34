import { EntitySchema } from 'typeorm';
import type { Unsealing } from './port.js';

const number = {
  // PostgreSQL bigint arrives as text; milliseconds fit a double.
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

export type UnsealingRow = { -readonly [K in keyof Unsealing]: Unsealing[K] };

export const UnsealingEntity = new EntitySchema<UnsealingRow>({
  name: 'unsealing',
  tableName: 'unsealing',
  columns: {
    id: { type: 'text', primary: true },
    state: { type: 'text' },
    session: { type: 'text' },
    exchange: { type: 'text', nullable: true },
    reason: { type: 'text' },
    requested_by: { type: 'jsonb' },
    requested_at: { type: 'bigint', transformer: number },
    expires_at: { type: 'bigint', transformer: number },
    decided_by: { type: 'jsonb', nullable: true },
    decided_at: { type: 'bigint', nullable: true, transformer: number },
    decision_reason: { type: 'text', nullable: true },
    opened_at: { type: 'bigint', nullable: true, transformer: number },
  },
});
