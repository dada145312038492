import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The ledger's tables. Money is bigint nano-USD. Rows that are updated by every batch (ceilings, leases, engines, grants)
 * leave room on their pages and are vacuumed early, or each update would move to another page and bloat the table.
 */
export class BillingLedgerTables1763716000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ENGINES_AND_CEILINGS);
    await runner.query(REQUESTS);
    await runner.query(DOUBLE_ENTRY);
    await runner.query(GUARDS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE ledger_entries, ledger_transactions, ledger_charges, ledger_grants, ledger_prices, ledger_requests, ledger_leases,
        ledger_ceilings, ledger_engines;
      DROP FUNCTION ledger_check_balance(), ledger_refuse_change(), ledger_refuse_edge();
      DROP TYPE ledger_request_state;
      DROP SEQUENCE ledger_transaction_ids;`);
  }
}

const ENGINES_AND_CEILINGS = `
  CREATE TABLE ledger_engines (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    boot_id text NOT NULL,
    zone text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'ended', 'swept')),
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
  ) WITH (fillfactor = 50);
  CREATE INDEX ledger_engines_live ON ledger_engines (id) WHERE state = 'live';

  -- One row per account, and one per budget and period. overdraft may be spent; shortfall is what a budget that was
  -- lowered below its charges lacks, so that lowering is possible and nothing more can be spent.
  CREATE TABLE ledger_ceilings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('account', 'budget')),
    organization_id text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('account', 'organization', 'project', 'key')),
    scope_id text NOT NULL,
    period text NOT NULL CHECK (period IN ('none', 'total', 'day', 'week', 'month')),
    period_start timestamptz NOT NULL DEFAULT '-infinity',
    period_end timestamptz NOT NULL DEFAULT 'infinity',
    amount bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
    posted bigint NOT NULL DEFAULT 0,
    leased bigint NOT NULL DEFAULT 0 CHECK (leased >= 0),
    overdraft bigint NOT NULL DEFAULT 0 CHECK (overdraft >= 0),
    shortfall bigint NOT NULL DEFAULT 0 CHECK (shortfall >= 0),
    next_expiry timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_ceilings_never_overspent CHECK (posted - leased >= -overdraft - shortfall),
    CONSTRAINT ledger_ceilings_one UNIQUE (scope, scope_id, period, period_start)
  ) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
  CREATE INDEX ledger_ceilings_organization ON ledger_ceilings (organization_id);

  -- An engine's share of a ceiling. Numbers are chosen by the engine: what it does not know was never acknowledged.
  CREATE TABLE ledger_leases (
    engine_id bigint NOT NULL REFERENCES ledger_engines (id),
    number bigint NOT NULL,
    ceiling_id bigint NOT NULL REFERENCES ledger_ceilings (id),
    amount bigint NOT NULL CHECK (amount > 0),
    exact boolean NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (engine_id, number)
  ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  CREATE INDEX ledger_leases_ceiling ON ledger_leases (ceiling_id);`;

const REQUESTS = `
  CREATE TYPE ledger_request_state AS ENUM ('forwarded', 'streaming', 'completed', 'failed', 'canceled', 'compensated');

  CREATE TABLE ledger_prices (
    id text PRIMARY KEY,
    document jsonb NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now()
  );

  -- The money of one request. Usage counts and units are sparse objects; parts only while it is unfinished.
  CREATE TABLE ledger_requests (
    request_id text COLLATE "C" PRIMARY KEY,
    engine_id bigint NOT NULL,
    organization_id text NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    state ledger_request_state NOT NULL,
    settled_by text CHECK (settled_by IN ('engine', 'checkpoint', 'late')),
    estimated boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    hold bigint NOT NULL CHECK (hold >= 0),
    captured bigint NOT NULL DEFAULT 0 CHECK (captured >= 0 AND captured <= hold),
    overage bigint NOT NULL DEFAULT 0 CHECK (overage >= 0),
    loss bigint NOT NULL DEFAULT 0 CHECK (loss >= 0),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0 AND refunded <= captured + overage),
    worth bigint NOT NULL DEFAULT 0,
    provider_cost bigint NOT NULL DEFAULT 0,
    suspense bigint NOT NULL DEFAULT 0,
    expected_cost bigint NOT NULL DEFAULT 0,
    model text NOT NULL,
    provider text,
    upstream_model text,
    served_model text,
    price_id text,
    usage jsonb,
    units jsonb,
    parts jsonb,
    checkpoint_sequence integer NOT NULL DEFAULT 0,
    checkpoint_charge bigint,
    received_at timestamptz NOT NULL,
    admitted_at timestamptz NOT NULL,
    forwarded_at timestamptz,
    first_token_at timestamptz,
    ended_at timestamptz,
    settled_at timestamptz
  ) WITH (fillfactor = 90);
  CREATE INDEX ledger_requests_unfinished ON ledger_requests (engine_id) WHERE state IN ('forwarded', 'streaming');
  CREATE INDEX ledger_requests_admitted ON ledger_requests USING brin (admitted_at) WITH (pages_per_range = 32);

  CREATE TABLE ledger_charges (
    request_id text COLLATE "C" NOT NULL,
    ceiling_id bigint NOT NULL REFERENCES ledger_ceilings (id),
    amount bigint NOT NULL CHECK (amount >= 0),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0 AND refunded <= amount),
    PRIMARY KEY (request_id, ceiling_id)
  );`;

const DOUBLE_ENTRY = `
  CREATE TABLE ledger_grants (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ceiling_id bigint NOT NULL REFERENCES ledger_ceilings (id),
    organization_id text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    remaining bigint NOT NULL CHECK (remaining >= 0 AND remaining <= amount),
    expired bigint NOT NULL DEFAULT 0 CHECK (expired >= 0 AND remaining + expired <= amount),
    priority integer NOT NULL DEFAULT 100,
    expires_at timestamptz,
    reason text NOT NULL,
    source text NOT NULL,
    actor text,
    idempotency_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_grants_idempotent UNIQUE (organization_id, idempotency_key)
  ) WITH (fillfactor = 50);
  CREATE INDEX ledger_grants_spendable ON ledger_grants (ceiling_id) WHERE remaining > 0;

  CREATE SEQUENCE ledger_transaction_ids AS bigint;
  CREATE TABLE ledger_transactions (
    id bigint PRIMARY KEY DEFAULT nextval('ledger_transaction_ids'),
    kind text NOT NULL CHECK (kind IN ('grant', 'capture', 'overage', 'late', 'cost', 'refund', 'expiry')),
    request_id text COLLATE "C",
    number integer NOT NULL DEFAULT 0,
    organization_id text NOT NULL,
    reason text,
    actor text,
    idempotency_key text,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  -- At most one settlement of each kind per request, whatever is retried or replayed; refunds are numbered.
  CREATE UNIQUE INDEX ledger_transactions_once ON ledger_transactions (request_id, kind, number) WHERE request_id IS NOT NULL;
  CREATE UNIQUE INDEX ledger_transactions_idempotent ON ledger_transactions (request_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

  CREATE TABLE ledger_entries (
    transaction_id bigint NOT NULL,
    position smallint NOT NULL,
    account text NOT NULL CHECK (account IN ('credit', 'revenue', 'issuance', 'expired', 'provider_cost', 'suspense', 'loss', 'operator')),
    organization_id text NOT NULL,
    grant_id bigint,
    amount bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (transaction_id, position)
  );`;

/**
 * The balance is checked once per statement over its new rows (a row trigger would cost microseconds per entry): as entries
 * are append-only and every statement balances, every transaction does.
 */
const GUARDS = `
  CREATE FUNCTION ledger_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT 1 FROM added GROUP BY transaction_id HAVING sum(amount) <> 0) THEN
      RAISE EXCEPTION 'the postings of a transaction must sum to zero' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM added a WHERE NOT EXISTS (SELECT 1 FROM ledger_transactions t WHERE t.id = a.transaction_id)) THEN
      RAISE EXCEPTION 'an entry needs its transaction' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_balance();

  CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION '% is append-only: correct it with a new transaction', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END $$;
  CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
  CREATE TRIGGER ledger_transactions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

  -- The conditions are evaluated without calling the function, so a legal change pays almost nothing.
  CREATE FUNCTION ledger_refuse_edge() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'request %: a row cannot become %', NEW.request_id, NEW.state USING ERRCODE = 'check_violation';
  END $$;
  CREATE TRIGGER ledger_requests_first_state BEFORE INSERT ON ledger_requests FOR EACH ROW
    WHEN (NEW.state NOT IN ('forwarded', 'completed', 'failed', 'canceled')) EXECUTE FUNCTION ledger_refuse_edge();
  CREATE TRIGGER ledger_requests_legal_edge BEFORE UPDATE ON ledger_requests FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NOT (
      (OLD.state = 'forwarded' AND NEW.state IN ('streaming', 'completed', 'failed', 'canceled'))
      OR (OLD.state = 'streaming' AND NEW.state IN ('completed', 'failed', 'canceled'))
      OR (OLD.state IN ('completed', 'failed', 'canceled') AND NEW.state = 'compensated')))
    EXECUTE FUNCTION ledger_refuse_edge();

  -- An installation that runs the application under a role of its own calls it og_app: it may append, never change.
  DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_engines, ledger_ceilings, ledger_leases, ledger_requests, ledger_prices, ledger_charges, ledger_grants TO og_app;
      GRANT SELECT, INSERT ON ledger_transactions, ledger_entries TO og_app;
      GRANT USAGE ON SEQUENCE ledger_transaction_ids TO og_app;
    END IF;
  END $$;`;
