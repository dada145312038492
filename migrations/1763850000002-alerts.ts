import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What operators are told. An event and its deliveries are rows first: the truth of the outbox. Whoever sends looks for rows that
 * are due; a process that dies sends again, and the receiver knows the event by its id.
 */
export class Alerts1763850000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ledger_verifications, webhook_deliveries, alert_events, webhooks');
  }
}

const UP = `
  CREATE TABLE webhooks (
    id text COLLATE "C" PRIMARY KEY,
    url text NOT NULL,
    events text[] NOT NULL,
    allow_private boolean NOT NULL,
    sealed_secret text NOT NULL,
    removed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  CREATE TABLE alert_events (
    id text COLLATE "C" PRIMARY KEY,
    type text NOT NULL,
    -- One event per occasion, whoever sees it first and however often it is looked at.
    occasion text NOT NULL,
    organization_id text,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT alert_events_once UNIQUE (type, occasion)
  );

  CREATE TABLE webhook_deliveries (
    event_id text COLLATE "C" NOT NULL REFERENCES alert_events (id) ON DELETE CASCADE,
    webhook_id text COLLATE "C" NOT NULL REFERENCES webhooks (id),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_status integer,
    last_error text,
    delivered_at timestamptz,
    PRIMARY KEY (event_id, webhook_id)
  );
  CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE state = 'pending';

  -- What the hourly verification found: the newest says whether the ledger holds.
  CREATE TABLE ledger_verifications (
    verified_at timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
    ok boolean NOT NULL,
    drift numeric NOT NULL,
    violated text[] NOT NULL
  );

  DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE, DELETE ON webhooks, alert_events, webhook_deliveries, ledger_verifications TO og_app;
    END IF;
  END $$;`;
