import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who changed what: append-only, hash-chained. `detail` is JSON as text, because the hash covers its very bytes. */
export class AdminAuditLog1763718000000 implements MigrationInterface {
  name = 'AdminAuditLog1763718000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audit_log (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text NOT NULL UNIQUE,
        at timestamptz(3) NOT NULL,
        action text NOT NULL,
        target text,
        outcome text NOT NULL CHECK (outcome IN ('done', 'refused')),
        request_id text NOT NULL,
        client_ip text NOT NULL,
        detail text NOT NULL,
        previous_hash text NOT NULL,
        hash text NOT NULL
      );
      CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'audit_log is append-only';
      END $$;
      CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
        FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_log; DROP FUNCTION audit_log_is_append_only();');
  }
}
