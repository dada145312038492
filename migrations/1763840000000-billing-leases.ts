import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Leases larger than one hold: taking them, giving back what their holds do not need, and posting by what a lease is now. */
export class BillingLeases1763840000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TAKE);
    await runner.query(GIVE_BACK);
    await runner.query(VIEW);
    await runner.query(BY_KEY);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION ledger_take_leases(bigint, bigint[], bigint[], bigint[], bigint[]); DROP FUNCTION ledger_give_back(bigint, bigint[], bigint[]);');
  }
}

/**
 * Opens a lease of p_wants[i] on p_ceilings[i] (ascending, without duplicates), of at most a sixteenth of what is available there,
 * and none when that is less than p_leasts[i]: amounts[i] is 0 then. SQLSTATE OG001: the engine is not live.
 */
const TAKE = `
  CREATE FUNCTION ledger_take_leases(p_engine bigint, p_ceilings bigint[], p_numbers bigint[], p_wants bigint[], p_leasts bigint[])
  RETURNS TABLE (amounts bigint[], left_ms float8[]) LANGUAGE plpgsql AS $$
  DECLARE
    v_now timestamptz;
    v_available bigint;
    v_amount bigint;
    v_place int;
    r record;
  BEGIN
    PERFORM 1 FROM ledger_engines e WHERE e.id = p_engine AND e.state = 'live' FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'engine % is not live', p_engine USING ERRCODE = 'OG001';
    END IF;
    amounts := array_fill(0::bigint, ARRAY[cardinality(p_ceilings)]);
    left_ms := array_fill('Infinity'::float8, ARRAY[cardinality(p_ceilings)]);
    FOR r IN
      SELECT c.id, c.posted, c.leased, c.overdraft, c.next_expiry, c.period_end FROM ledger_ceilings c
      WHERE c.id = ANY (p_ceilings) ORDER BY c.id FOR NO KEY UPDATE
    LOOP
      v_now := clock_timestamp();
      v_place := array_position(p_ceilings, r.id);
      v_available := r.posted - r.leased + r.overdraft;
      IF r.next_expiry <= v_now THEN
        v_available := v_available - least(greatest(r.posted - r.leased, 0), (
          SELECT coalesce(sum(g.remaining), 0) FROM ledger_grants g WHERE g.ceiling_id = r.id AND g.remaining > 0 AND g.expires_at <= v_now));
      END IF;
      v_amount := least(p_wants[v_place], v_available / 16);
      CONTINUE WHEN v_amount <= 0 OR v_amount < p_leasts[v_place] OR r.period_end <= v_now;
      amounts[v_place] := v_amount;
      IF r.period_end <> 'infinity' THEN
        left_ms[v_place] := extract(epoch FROM r.period_end - v_now) * 1000;
      END IF;
    END LOOP;
    UPDATE ledger_ceilings c SET leased = c.leased + t.amount FROM unnest(p_ceilings, amounts) t (id, amount) WHERE c.id = t.id AND t.amount > 0;
    INSERT INTO ledger_leases (engine_id, number, ceiling_id, amount, exact)
      SELECT p_engine, t.number, t.id, t.amount, false FROM unnest(p_ceilings, p_numbers, amounts) t (id, number, amount) WHERE t.amount > 0;
    RETURN NEXT;
  END $$;`;

/**
 * Lowers leases to what their holds still need and makes them exact; 0 closes them. The engine carves nothing from them any more
 * when it asks, so its number can only be too high when the statement comes late or twice. The sum that became free.
 */
const GIVE_BACK = `
  CREATE FUNCTION ledger_give_back(p_engine bigint, p_numbers bigint[], p_keeps bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    v_freed bigint;
  BEGIN
    PERFORM 1 FROM ledger_ceilings c
      WHERE c.id IN (SELECT l.ceiling_id FROM ledger_leases l WHERE l.engine_id = p_engine AND l.number = ANY (p_numbers))
      ORDER BY c.id FOR NO KEY UPDATE;
    WITH asked AS (
      SELECT l.number, l.ceiling_id, l.amount, a.keep FROM unnest(p_numbers, p_keeps) a (number, keep)
        JOIN ledger_leases l ON l.engine_id = p_engine AND l.number = a.number
    ), closed AS (
      DELETE FROM ledger_leases l USING asked a WHERE l.engine_id = p_engine AND l.number = a.number AND a.keep = 0
    ), kept AS (
      UPDATE ledger_leases l SET amount = least(a.amount, a.keep), exact = true FROM asked a
        WHERE l.engine_id = p_engine AND l.number = a.number AND a.keep > 0
    ), freed AS (
      SELECT a.ceiling_id, sum(greatest(a.amount - a.keep, 0))::bigint AS amount FROM asked a GROUP BY a.ceiling_id
    ), lowered AS (
      UPDATE ledger_ceilings c SET leased = c.leased - f.amount FROM freed f WHERE c.id = f.ceiling_id AND f.amount > 0 RETURNING f.amount
    )
    SELECT coalesce(sum(amount), 0) INTO v_freed FROM lowered;
    RETURN v_freed;
  END $$;`;

/** As before, and whether a lease is exact: the row decides what a capture leaves with the engine, not the journal. */
const VIEW = `
  CREATE OR REPLACE FUNCTION ledger_view(p_ceilings bigint[], p_requests text[], p_engines bigint[], p_numbers bigint[], p_accounts bigint[], p_ids int)
  RETURNS TABLE (ceilings json, requests json, leases json, grants json, ids bigint[]) LANGUAGE plpgsql AS $$
  BEGIN
    IF cardinality(p_ceilings) > 0 THEN
      WITH locked AS MATERIALIZED (
        SELECT id, posted, leased, overdraft FROM ledger_ceilings WHERE id = ANY (p_ceilings) ORDER BY id FOR NO KEY UPDATE
      )
      SELECT json_agg(json_build_array(c.id, c.posted::text, c.leased::text, c.overdraft::text)) INTO ceilings FROM locked c;
    END IF;
    WITH locked AS MATERIALIZED (
      SELECT r.request_id, r.state, r.settled_by, r.checkpoint_sequence, r.attempts, r.captured + r.overage AS charged
      FROM ledger_requests r WHERE r.request_id = ANY (p_requests) ORDER BY r.request_id FOR NO KEY UPDATE
    )
    SELECT json_agg(json_build_array(r.request_id, r.state, r.settled_by, r.checkpoint_sequence, r.attempts, r.charged::text)) INTO requests FROM locked r;
    IF cardinality(p_numbers) > 0 THEN
      SELECT json_agg(json_build_array(l.engine_id, l.number, l.ceiling_id, l.amount::text, l.exact)) INTO leases
        FROM unnest(p_engines, p_numbers) k (engine_id, number) JOIN ledger_leases l ON l.engine_id = k.engine_id AND l.number = k.number;
      SELECT json_agg(json_build_array(g.id, g.ceiling_id, g.remaining::text, g.priority, extract(epoch FROM g.expires_at) * 1000, extract(epoch FROM g.created_at) * 1000))
        INTO grants FROM ledger_grants g WHERE g.ceiling_id = ANY (p_accounts) AND g.remaining > 0;
      ids := ARRAY(SELECT nextval('ledger_transaction_ids') FROM generate_series(1, p_ids));
    END IF;
    RETURN NEXT;
  END $$;`;

const LOOK_UP = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

const BY_KEY = `
  ALTER FUNCTION ledger_view(bigint[], text[], bigint[], bigint[], bigint[], int) ${LOOK_UP};
  ALTER FUNCTION ledger_take_leases(bigint, bigint[], bigint[], bigint[], bigint[]) ${LOOK_UP};
  ALTER FUNCTION ledger_give_back(bigint, bigint[], bigint[]) ${LOOK_UP};`;
