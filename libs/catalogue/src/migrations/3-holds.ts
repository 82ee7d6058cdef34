import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Legal holds, and the drops of retention that they stop. */
export class Holds1764200000003 implements MigrationInterface {
  readonly name = 'Holds1764200000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE hold (
      id text PRIMARY KEY, state text NOT NULL CHECK (state IN ('placed', 'released')), scope jsonb NOT NULL, reason text NOT NULL,
      placed_by jsonb NOT NULL, placed_at bigint NOT NULL, released_by jsonb, released_at bigint, release_reason text)`);
    await runner.query('CREATE INDEX hold_by_state ON hold (state, placed_at DESC)');
    await runner.query(`CREATE TABLE retention_drop (
      id text PRIMARY KEY, partition_month int NOT NULL, record_class text NOT NULL,
      state text NOT NULL CHECK (state IN ('intended', 'dropping', 'dropped', 'abandoned')), row_count bigint NOT NULL,
      from_us bigint NOT NULL, to_us bigint NOT NULL, policy_digest text NOT NULL, frontiers jsonb NOT NULL,
      intended_at bigint NOT NULL, ended_at bigint)`);
    await runner.query('CREATE INDEX retention_drop_by_state ON retention_drop (state, intended_at DESC)');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['retention_drop', 'hold']) await runner.query(`DROP TABLE ${table}`);
  }
}
