import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What routes leave behind: who ruled a request, what its prompt cache saved, drafts of routes, and what shadow copies did and cost. */
export class RoutesRecords1763820000000 implements MigrationInterface {
  name = 'RoutesRecords1763820000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP: readonly string[] = [
  `ALTER TABLE request_logs
    ADD COLUMN route text,
    ADD COLUMN arm text,
    ADD COLUMN cache_saved_nano_usd bigint NOT NULL DEFAULT 0`,
  // Results of an experiment are read by route and time; most requests have no arm.
  'CREATE INDEX request_logs_by_arm ON request_logs (route, request_id DESC) WHERE arm IS NOT NULL',
  'ALTER TABLE request_log_hours ADD COLUMN cache_saved_nano_usd numeric NOT NULL DEFAULT 0',
  // A draft is a whole list of routes: the first that matches rules, so one route alone says little.
  `CREATE TABLE route_drafts (
    id text COLLATE "C" PRIMARY KEY,
    routes jsonb NOT NULL,
    note text,
    base_version bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'published', 'discarded')),
    published_version bigint,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    CHECK ((state = 'published') = (published_version IS NOT NULL))
  )`,
  'CREATE INDEX route_drafts_open ON route_drafts (id DESC) WHERE state = \'draft\'',
  // The budget of a route's copies, by day (UTC): reserved before a copy is sent, corrected when its cost is known.
  `CREATE TABLE route_shadow_spend (
    route text NOT NULL,
    day date NOT NULL,
    spent_nano_usd bigint NOT NULL,
    PRIMARY KEY (route, day)
  )`,
  `CREATE TABLE route_shadows (
    request_id text COLLATE "C" PRIMARY KEY,
    at timestamptz(3) NOT NULL,
    route text NOT NULL,
    target text NOT NULL,
    model text NOT NULL,
    provider text NOT NULL,
    outcome text NOT NULL,
    error_code text,
    stream boolean NOT NULL,
    ttft_ms real,
    total_ms real NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    cost_nano_usd bigint NOT NULL
  )`,
  'CREATE INDEX route_shadows_by_route ON route_shadows (route, request_id DESC)',
  `DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE, DELETE ON route_drafts, route_shadow_spend, route_shadows TO og_app;
    END IF;
  END $$`,
];

const DOWN: readonly string[] = [
  'DROP TABLE route_shadows, route_shadow_spend, route_drafts',
  'ALTER TABLE request_log_hours DROP COLUMN cache_saved_nano_usd',
  'DROP INDEX request_logs_by_arm',
  'ALTER TABLE request_logs DROP COLUMN route, DROP COLUMN arm, DROP COLUMN cache_saved_nano_usd',
];
