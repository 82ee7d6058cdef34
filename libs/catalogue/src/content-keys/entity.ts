import { EntitySchema } from 'typeorm';

const number = {
  // PostgreSQL bigint arrives as text; milliseconds fit a double.
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

export interface ContentKeyRow {
  id: string;
  /** Null once it is destroyed. */
  wrapped: string | null;
  /** Null for a grave of a key that this catalogue never had. */
  issued_at: number | null;
  destroyed_at: number | null;
  erasure: string | null;
}

export const ContentKeyEntity = new EntitySchema<ContentKeyRow>({
  name: 'content_key',
  tableName: 'content_key',
  columns: {
    id: { type: 'text', primary: true },
    wrapped: { type: 'text', nullable: true },
    issued_at: { type: 'bigint', nullable: true, transformer: number },
    destroyed_at: { type: 'bigint', nullable: true, transformer: number },
    erasure: { type: 'text', nullable: true },
  },
});
