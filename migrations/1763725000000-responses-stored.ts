import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Answers of the Responses API that a caller under `store: full` asked to keep, each with the whole input it answered, so that one can
 * be deleted without breaking those that follow it. JSON stays text: it is handed out as it was, and jsonb cannot hold every string.
 */
export class ResponsesStored1763725000000 implements MigrationInterface {
  name = 'ResponsesStored1763725000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE stored_responses');
  }
}

const UP: readonly string[] = [
  `CREATE TABLE stored_responses (
    id text COLLATE "C" PRIMARY KEY,
    organization_id text NOT NULL,
    created_at timestamptz(3) NOT NULL,
    input text NOT NULL,
    response text NOT NULL
  )`,
  'CREATE INDEX stored_responses_by_age ON stored_responses (created_at)',
  `DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE, DELETE ON stored_responses TO og_app;
    END IF;
  END $$`,
];
