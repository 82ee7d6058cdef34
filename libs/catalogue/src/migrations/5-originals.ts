import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Keys that seal originals, wrapped under a public key, and the requests to open what they seal. */
export class Originals1764400000005 implements MigrationInterface {
  readonly name = 'Originals1764400000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE original_key (
      id text PRIMARY KEY, wrapped text, issued_at bigint, destroyed_at bigint, erasure text,
      CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL) AND (wrapped IS NULL) = (erasure IS NOT NULL)))`);
    await runner.query('CREATE INDEX original_key_destroyed ON original_key (destroyed_at, id) WHERE destroyed_at IS NOT NULL');
    await runner.query(`CREATE TABLE unsealing (
      id text PRIMARY KEY, state text NOT NULL CHECK (state IN ('requested', 'approved', 'denied', 'opened')),
      session text NOT NULL, exchange text, reason text NOT NULL, requested_by jsonb NOT NULL, requested_at bigint NOT NULL,
      expires_at bigint NOT NULL, decided_by jsonb, decided_at bigint, decision_reason text, opened_at bigint)`);
    await runner.query('CREATE INDEX unsealing_by_time ON unsealing (requested_at DESC)');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['unsealing', 'original_key']) await runner.query(`DROP TABLE ${table}`);
  }
}
