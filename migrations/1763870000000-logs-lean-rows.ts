import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A log row costs what is parsed, copied and indexed of it. The detail becomes plain text, so that it is not parsed when it is
 * written (what shows it knows what it leaves out); an index on the served model goes, since the list asks for the served or the
 * requested one and never used it; the others ascend with the ids, so that new entries come after old ones and pages fill.
 */
export class LogsLeanRows1763870000000 implements MigrationInterface {
  name = 'LogsLeanRows1763870000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE request_logs ALTER COLUMN detail TYPE text USING detail::text');
    await runner.query('ALTER TABLE request_logs ALTER COLUMN detail SET STORAGE EXTERNAL');
    await runner.query('DROP INDEX request_logs_by_model, request_logs_by_organization, request_logs_by_project, request_logs_by_key');
    for (const scope of SCOPES) await runner.query(`CREATE INDEX request_logs_by_${scope} ON request_logs (${scope}_id, request_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const scope of SCOPES) {
      await runner.query(`DROP INDEX request_logs_by_${scope}`);
      await runner.query(`CREATE INDEX request_logs_by_${scope} ON request_logs (${scope}_id, request_id DESC)`);
    }
    await runner.query('CREATE INDEX request_logs_by_model ON request_logs (served_model, request_id DESC)');
    await runner.query('ALTER TABLE request_logs ALTER COLUMN detail TYPE json USING detail::json');
    await runner.query('ALTER TABLE request_logs ALTER COLUMN detail SET STORAGE EXTERNAL');
  }
}

const SCOPES = ['organization', 'project', 'key'] as const;
