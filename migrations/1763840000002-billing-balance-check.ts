import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The same guard with one look-up per transaction instead of one per entry. */
export class BillingBalanceCheck1763840000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CHECK);
  }

  async down(): Promise<void> {
    // The function before it is the first migration's that made it; nothing to take away.
  }
}

const CHECK = `
  CREATE OR REPLACE FUNCTION ledger_check_balance() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  DECLARE
    v_unbalanced boolean;
    v_orphaned boolean;
  BEGIN
    SELECT bool_or(s.balance <> 0), bool_or(t.id IS NULL) INTO v_unbalanced, v_orphaned
      FROM (SELECT a.transaction_id, sum(a.amount) AS balance FROM added a GROUP BY a.transaction_id) s
      LEFT JOIN ledger_transactions t ON t.id = s.transaction_id;
    IF v_unbalanced THEN
      RAISE EXCEPTION 'the postings of a transaction must sum to zero' USING ERRCODE = 'check_violation';
    END IF;
    IF v_orphaned THEN
      RAISE EXCEPTION 'an entry needs its transaction' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
  END $$;`;
