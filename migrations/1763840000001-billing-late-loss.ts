import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A request that was settled by its checkpoint beyond hold and ceiling has a loss booked already: its late end adds only what is
 * beyond that, too, so the view counts it.
 */
export class BillingLateLoss1763840000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(VIEW);
  }

  async down(): Promise<void> {
    // The function before it is the first migration's that made it; nothing to take away.
  }
}

const VIEW = `
  CREATE OR REPLACE FUNCTION ledger_view(p_ceilings bigint[], p_requests text[], p_engines bigint[], p_numbers bigint[], p_accounts bigint[], p_ids int)
  RETURNS TABLE (ceilings json, requests json, leases json, grants json, ids bigint[]) LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  BEGIN
    IF cardinality(p_ceilings) > 0 THEN
      WITH locked AS MATERIALIZED (
        SELECT id, posted, leased, overdraft FROM ledger_ceilings WHERE id = ANY (p_ceilings) ORDER BY id FOR NO KEY UPDATE
      )
      SELECT json_agg(json_build_array(c.id, c.posted::text, c.leased::text, c.overdraft::text)) INTO ceilings FROM locked c;
    END IF;
    WITH locked AS MATERIALIZED (
      SELECT r.request_id, r.state, r.settled_by, r.checkpoint_sequence, r.attempts, r.captured + r.overage + r.loss AS accounted
      FROM ledger_requests r WHERE r.request_id = ANY (p_requests) ORDER BY r.request_id FOR NO KEY UPDATE
    )
    SELECT json_agg(json_build_array(r.request_id, r.state, r.settled_by, r.checkpoint_sequence, r.attempts, r.accounted::text)) INTO requests FROM locked r;
    IF cardinality(p_numbers) > 0 THEN
      SELECT json_agg(json_build_array(l.engine_id, l.number, l.ceiling_id, l.amount::text, l.exact)) INTO leases
        FROM unnest(p_engines, p_numbers) k (engine_id, number) JOIN ledger_leases l ON l.engine_id = k.engine_id AND l.number = k.number;
      SELECT json_agg(json_build_array(g.id, g.ceiling_id, g.remaining::text, g.priority, extract(epoch FROM g.expires_at) * 1000, extract(epoch FROM g.created_at) * 1000))
        INTO grants FROM ledger_grants g WHERE g.ceiling_id = ANY (p_accounts) AND g.remaining > 0;
      ids := ARRAY(SELECT nextval('ledger_transaction_ids') FROM generate_series(1, p_ids));
    END IF;
    RETURN NEXT;
  END $$;`;
