import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A packet carries the payload of its job, so that a job the queue lost can be put in again. */
export class PacketJobs1764100000002 implements MigrationInterface {
  readonly name = 'PacketJobs1764100000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE packet ADD COLUMN job jsonb, ADD COLUMN requeues int NOT NULL DEFAULT 0');
    await runner.query(`CREATE INDEX packet_unfinished ON packet (created_at) WHERE state IN ('queued', 'running')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX packet_unfinished');
    await runner.query('ALTER TABLE packet DROP COLUMN job, DROP COLUMN requeues');
  }
}
