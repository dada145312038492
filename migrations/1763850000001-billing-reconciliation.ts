import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a provider says it took, compared with the ledger; and corrections as a kind of transaction of their own. */
export class BillingReconciliation1763850000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE reconciliation_lines, reconciliations;
      ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_transactions_kind_check;
      ALTER TABLE ledger_transactions ADD CONSTRAINT ledger_transactions_kind_check
        CHECK (kind IN ('grant', 'capture', 'overage', 'late', 'cost', 'refund', 'expiry')) NOT VALID;`);
  }
}

const UP = `
  ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_transactions_kind_check;
  ALTER TABLE ledger_transactions ADD CONSTRAINT ledger_transactions_kind_check
    CHECK (kind IN ('grant', 'capture', 'overage', 'late', 'cost', 'refund', 'expiry', 'correction'));

  CREATE TABLE reconciliations (
    id text COLLATE "C" PRIMARY KEY,
    provider text NOT NULL,
    period_from timestamptz NOT NULL,
    period_to timestamptz NOT NULL,
    by_request boolean NOT NULL,
    mapping jsonb NOT NULL,
    tolerance bigint NOT NULL,
    digest text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The same report again is the same reconciliation: what it proposes can be posted once.
    CONSTRAINT reconciliations_once UNIQUE (provider, digest)
  );

  -- Proposed corrections beside what was compared; posted ones name their transactions.
  CREATE TABLE reconciliation_lines (
    reconciliation_id text COLLATE "C" NOT NULL REFERENCES reconciliations (id),
    number integer NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('matched', 'different', 'ours_only', 'theirs_only')),
    reference text NOT NULL,
    model text,
    request_id text COLLATE "C",
    ours bigint,
    theirs bigint,
    cost bigint NOT NULL,
    suspense bigint NOT NULL,
    refund bigint NOT NULL CHECK (refund >= 0),
    correction_id bigint,
    refund_id bigint,
    PRIMARY KEY (reconciliation_id, number)
  );
  CREATE INDEX reconciliation_lines_open ON reconciliation_lines (reconciliation_id, number)
    WHERE (cost <> 0 OR suspense <> 0 OR refund <> 0) AND correction_id IS NULL AND refund_id IS NULL;

  DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE, DELETE ON reconciliations, reconciliation_lines TO og_app;
    END IF;
  END $$;`;
