import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is known of each request besides its money of record. Request ids sort by time (C collation), so that every list is a walk
 * over an index in id order, with the id as cursor; dates become bounds on the id.
 */
export class LogsRequests1763719000000 implements MigrationInterface {
  name = 'LogsRequests1763719000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE request_log_hours, request_log_payloads, request_logs');
  }
}

const UP: readonly string[] = [
  `CREATE TABLE request_logs (
    request_id text COLLATE "C" PRIMARY KEY,
    received_at timestamptz(3) NOT NULL,
    ended_at timestamptz(3) NOT NULL,
    organization_id text NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    zone text NOT NULL,
    endpoint text NOT NULL,
    protocol text NOT NULL,
    requested_model text NOT NULL,
    served_model text,
    provider text,
    stream boolean NOT NULL,
    state text NOT NULL,
    status smallint NOT NULL,
    error_code text,
    fallback text,
    session_id text,
    tags text[] NOT NULL,
    attempt_count smallint NOT NULL,
    total_ms real NOT NULL,
    ttft_ms real,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    hold_nano_usd bigint NOT NULL,
    charged_nano_usd bigint NOT NULL,
    provider_cost_nano_usd bigint NOT NULL,
    -- Everything that is shown but never searched.
    detail jsonb NOT NULL
  )`,
  'CREATE INDEX request_logs_by_organization ON request_logs (organization_id, request_id DESC)',
  'CREATE INDEX request_logs_by_project ON request_logs (project_id, request_id DESC)',
  'CREATE INDEX request_logs_by_key ON request_logs (key_id, request_id DESC)',
  'CREATE INDEX request_logs_by_model ON request_logs (served_model, request_id DESC)',
  'CREATE INDEX request_logs_failed ON request_logs (request_id DESC) WHERE status >= 400',
  'CREATE INDEX request_logs_by_session ON request_logs (session_id, request_id DESC) WHERE session_id IS NOT NULL',
  // Only where the key's policy is store: full. Apart, so that it can be deleted earlier and never slows a list.
  `CREATE TABLE request_log_payloads (
    request_id text COLLATE "C" PRIMARY KEY,
    request_body text,
    request_truncated boolean NOT NULL,
    response_body text,
    response_truncated boolean NOT NULL
  )`,
  `CREATE TABLE request_log_hours (
    hour timestamptz NOT NULL,
    organization_id text NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    model text NOT NULL,
    provider text NOT NULL,
    zone text NOT NULL,
    requests bigint NOT NULL,
    succeeded bigint NOT NULL,
    client_errors bigint NOT NULL,
    server_errors bigint NOT NULL,
    canceled bigint NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    charged_nano_usd numeric NOT NULL,
    provider_cost_nano_usd numeric NOT NULL,
    total_ms double precision NOT NULL,
    ttft_ms double precision NOT NULL,
    ttft_count bigint NOT NULL,
    PRIMARY KEY (hour, organization_id, project_id, key_id, model, provider, zone)
  )`,
  `DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE, DELETE ON request_logs, request_log_payloads, request_log_hours TO og_app;
    END IF;
  END $$`,
];
