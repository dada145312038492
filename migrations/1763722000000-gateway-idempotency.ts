import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Claims of idempotency keys and the answers they stand for. A claim is found by a keyed digest of whose it is and what
 * the client called it, so the table names no key of a client. Updated twice in a request's life: room on the pages.
 */
export class GatewayIdempotency1763722000000 implements MigrationInterface {
  name = 'GatewayIdempotency1763722000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
    await runner.query(ROLE);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE idempotency_claims');
  }
}

const TABLE = `
  CREATE TABLE idempotency_claims (
    scope bytea PRIMARY KEY,
    organization_id text NOT NULL,
    key_id text NOT NULL,
    body_digest bytea NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    superseded text[] NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'free', 'stored', 'unstored')),
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '24 hours',
    status smallint,
    headers jsonb,
    answer bytea CHECK (octet_length(answer) <= 1100000),
    sealed boolean NOT NULL DEFAULT false,
    CONSTRAINT idempotency_claims_answered CHECK (state <> 'stored' OR (status IS NOT NULL AND headers IS NOT NULL AND answer IS NOT NULL))
  ) WITH (fillfactor = 70);
  CREATE INDEX idempotency_claims_expired ON idempotency_claims (expires_at);`;

const ROLE = `
  DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_claims TO og_app;
    END IF;
  END $$;`;
