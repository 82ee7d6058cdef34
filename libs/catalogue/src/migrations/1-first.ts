import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Approvals, packets and jobs. PostgreSQL dialect, the same for PGlite and a server. */
export class First1763700000001 implements MigrationInterface {
  readonly name = 'First1763700000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE approval (
      id text PRIMARY KEY, exchange_id text NOT NULL, session_id text, connection text NOT NULL, requester jsonb NOT NULL,
      phase text NOT NULL, policy text NOT NULL, policy_digest text NOT NULL, reason text NOT NULL, summary text NOT NULL,
      subject_digest text NOT NULL, approver_group text NOT NULL, quorum int NOT NULL CHECK (quorum > 0),
      state text NOT NULL CHECK (state IN ('pending', 'granted', 'denied', 'expired', 'released')), votes jsonb NOT NULL,
      created_at bigint NOT NULL, expires_at bigint NOT NULL, decided_at bigint, orphaned boolean NOT NULL, version int NOT NULL)`);
    await runner.query('CREATE INDEX approval_by_state ON approval (state, created_at DESC)');
    await runner.query(`CREATE TABLE packet (
      id text PRIMARY KEY, framework text NOT NULL, period_from text NOT NULL, period_to text NOT NULL, tree_size bigint,
      state text NOT NULL, progress float8 NOT NULL, step text NOT NULL, requested_by text NOT NULL, created_at bigint NOT NULL,
      finished_at bigint, sha256 text, path text, bytes bigint, verdicts jsonb, error text)`);
    await runner.query(`CREATE TABLE job (
      name text NOT NULL, key text NOT NULL, payload jsonb NOT NULL, state text NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
      attempts int NOT NULL, run_at bigint NOT NULL, leased_until bigint NOT NULL, last_error text, PRIMARY KEY (name, key))`);
    await runner.query('CREATE INDEX job_by_turn ON job (name, state, run_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['job', 'packet', 'approval']) await runner.query(`DROP TABLE ${table}`);
  }
}
