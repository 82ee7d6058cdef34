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

const table = (name: string): EntitySchema<ContentKeyRow> =>
  new EntitySchema<ContentKeyRow>({
    name,
    tableName: name,
    columns: {
      id: { type: 'text', primary: true },
      wrapped: { type: 'text', nullable: true },
      issued_at: { type: 'bigint', nullable: true, transformer: number },
      destroyed_at: { type: 'bigint', nullable: true, transformer: number },
      erasure: { type: 'text', nullable: true },
    },
  });

export const ContentKeyEntity = table('content_key');
/** Keys that seal originals: the same, wrapped under a public key. */
export const OriginalKeyEntity = table('original_key');
