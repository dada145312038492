import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every applied configuration document as a whole, secrets sealed; the newest is in force. Append-only but for the oldest. */
export class ProvidersConfiguration1763717000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE configuration_versions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        document jsonb NOT NULL,
        hash text NOT NULL,
        source text NOT NULL,
        changes jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE configuration_versions');
  }
}
