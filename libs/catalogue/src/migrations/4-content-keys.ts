import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Keys that seal content, and the erasures that destroy them. A destroyed key keeps its row, without the key: its id names a grave. */
export class ContentKeys1764300000004 implements MigrationInterface {
  readonly name = 'ContentKeys1764300000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE content_key (
      id text PRIMARY KEY, wrapped text, issued_at bigint, destroyed_at bigint, erasure text,
      CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL) AND (wrapped IS NULL) = (erasure IS NOT NULL)))`);
    await runner.query('CREATE INDEX content_key_destroyed ON content_key (destroyed_at, id) WHERE destroyed_at IS NOT NULL');
    await runner.query(`CREATE TABLE erasure (
      id text PRIMARY KEY, state text NOT NULL CHECK (state IN ('requested', 'intended', 'erasing', 'erased', 'abandoned', 'withdrawn')),
      session text NOT NULL, reason text NOT NULL, basis text NOT NULL, requested_by jsonb NOT NULL, requested_at bigint NOT NULL,
      approved_by jsonb, approved_at bigint, approval_reason text, key_ids jsonb NOT NULL, counts jsonb, ended_at bigint)`);
    await runner.query('CREATE INDEX erasure_by_state ON erasure (state, requested_at DESC)');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['erasure', 'content_key']) await runner.query(`DROP TABLE ${table}`);
  }
}
