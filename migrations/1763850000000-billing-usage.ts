import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Usage by hour, summed from the ledger's own rows; statements walk the ledger by the time of posting; exchange rates for views.
 * Rates are append-only: a statement of last year shows last year's rate.
 */
export class BillingUsage1763850000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE usage_hours, usage_progress, exchange_rates;
      DROP INDEX ledger_transactions_created;
      DROP FUNCTION exchange_rates_refuse_change();`);
  }
}

const UP = `
  CREATE TABLE usage_hours (
    hour timestamptz NOT NULL,
    organization_id text NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    model text NOT NULL,
    provider text NOT NULL,
    requests bigint NOT NULL,
    failed bigint NOT NULL,
    canceled bigint NOT NULL,
    estimated bigint NOT NULL,
    input numeric NOT NULL,
    cache_read numeric NOT NULL,
    cache_write numeric NOT NULL,
    cache_write_1h numeric NOT NULL,
    output numeric NOT NULL,
    reasoning numeric NOT NULL,
    audio_in numeric NOT NULL,
    audio_out numeric NOT NULL,
    image numeric NOT NULL,
    charged numeric NOT NULL,
    refunded numeric NOT NULL,
    loss numeric NOT NULL,
    provider_cost numeric NOT NULL,
    suspense numeric NOT NULL,
    PRIMARY KEY (hour, organization_id, project_id, key_id, model, provider)
  );
  CREATE INDEX usage_hours_organization ON usage_hours (organization_id, hour);

  -- Hours before rolled_until are in usage_hours; later ones are read from the ledger's rows. Changes since rolled_at are found again.
  CREATE TABLE usage_progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    rolled_until timestamptz NOT NULL,
    rolled_at timestamptz NOT NULL,
    transaction_id bigint NOT NULL
  );

  -- Appended in order of time: a few bytes per hundred pages, and nothing to pay per request.
  CREATE INDEX ledger_transactions_created ON ledger_transactions USING brin (created_at) WITH (pages_per_range = 32);

  CREATE TABLE exchange_rates (
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'USD'),
    effective_from timestamptz NOT NULL,
    -- Billionths of the currency's unit for one USD.
    nano_per_usd bigint NOT NULL CHECK (nano_per_usd > 0),
    source text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (currency, effective_from)
  );
  CREATE FUNCTION exchange_rates_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'exchange_rates is append-only: set a rate with a later date' USING ERRCODE = 'insufficient_privilege';
  END $$;
  CREATE TRIGGER exchange_rates_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange_rates
    FOR EACH STATEMENT EXECUTE FUNCTION exchange_rates_refuse_change();

  DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE, DELETE ON usage_hours, usage_progress TO og_app;
      GRANT SELECT, INSERT ON exchange_rates TO og_app;
    END IF;
  END $$;`;
