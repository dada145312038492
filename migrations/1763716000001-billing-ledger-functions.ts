import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What must happen in one round trip under locks. The order of locks is the same everywhere: engine, ceilings by id,
 * requests, leases, grants.
 */
export class BillingLedgerFunctions1763716000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ADMIT);
    await runner.query(RETURN_LEASES);
    await runner.query(CEILINGS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION ledger_admit(bigint, bigint[], bigint[], bigint[], int[], int[], boolean);
      DROP FUNCTION ledger_return_leases(bigint, bigint[]);
      DROP FUNCTION ledger_account(text);
      DROP FUNCTION ledger_budget(text, text, text, text, text, bigint);`);
  }
}

/**
 * Grants what fits, in order, and refuses only the rest. p_ceilings ascends without duplicates and p_leases are the numbers
 * of the leases to open on them; request i asks p_amounts[i] of the ceilings at p_items[p_first[i] .. p_first[i+1] - 1]
 * (positions in p_ceilings). Verdicts: 0 granted, n refused by ceiling n, -n its period is over.
 * elsewhere, for each ceiling that refused: 2 another engine holds a lease that it may give back, 1 only exact ones, 0 none.
 * SQLSTATE OG001: the engine is not live; OG002: a ceiling does not exist.
 */
const ADMIT = `
  CREATE FUNCTION ledger_admit(p_engine bigint, p_ceilings bigint[], p_leases bigint[], p_amounts bigint[], p_first int[], p_items int[], p_exact boolean)
  RETURNS TABLE (verdicts int[], admitted_at timestamptz, left_ms float8[], elsewhere int[]) LANGUAGE plpgsql AS $$
  DECLARE
    v_now timestamptz;
    v_available bigint[] := '{}';
    v_taken bigint[] := array_fill(0::bigint, ARRAY[cardinality(p_ceilings)]);
    v_over boolean[] := '{}';
    v_verdict int;
    v_expired bigint;
    v_refused boolean := false;
    r record;
  BEGIN
    PERFORM 1 FROM ledger_engines e WHERE e.id = p_engine AND e.state = 'live' FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'engine % is not live', p_engine USING ERRCODE = 'OG001';
    END IF;
    verdicts := '{}';
    left_ms := '{}';
    FOR r IN
      SELECT c.id, c.posted, c.leased, c.overdraft, c.next_expiry, c.period_end FROM ledger_ceilings c
      WHERE c.id = ANY (p_ceilings) ORDER BY c.id FOR NO KEY UPDATE
    LOOP
      v_now := clock_timestamp();
      v_expired := 0;
      IF r.next_expiry <= v_now THEN
        SELECT coalesce(sum(g.remaining), 0) INTO v_expired FROM ledger_grants g WHERE g.ceiling_id = r.id AND g.remaining > 0 AND g.expires_at <= v_now;
        v_expired := least(v_expired, greatest(r.posted - r.leased, 0));
      END IF;
      v_available := v_available || (r.posted - r.leased + r.overdraft - v_expired);
      v_over := v_over || (r.period_end <= v_now);
      left_ms := left_ms || (CASE WHEN r.period_end = 'infinity' THEN 'Infinity'::float8 ELSE extract(epoch FROM r.period_end - v_now) * 1000 END);
    END LOOP;
    IF cardinality(v_available) <> cardinality(p_ceilings) THEN
      RAISE EXCEPTION 'a ceiling does not exist' USING ERRCODE = 'OG002';
    END IF;
    FOR i IN 1 .. cardinality(p_amounts) LOOP
      v_verdict := 0;
      FOR j IN p_first[i] .. p_first[i + 1] - 1 LOOP
        IF v_over[p_items[j]] THEN
          v_verdict := -p_items[j];
        ELSIF v_verdict = 0 AND v_available[p_items[j]] < p_amounts[i] THEN
          v_verdict := p_items[j];
        END IF;
      END LOOP;
      IF v_verdict = 0 THEN
        FOR j IN p_first[i] .. p_first[i + 1] - 1 LOOP
          v_available[p_items[j]] := v_available[p_items[j]] - p_amounts[i];
          v_taken[p_items[j]] := v_taken[p_items[j]] + p_amounts[i];
        END LOOP;
      ELSE
        v_refused := true;
      END IF;
      verdicts := verdicts || v_verdict;
    END LOOP;
    UPDATE ledger_ceilings c SET leased = c.leased + t.taken FROM unnest(p_ceilings, v_taken) t (id, taken) WHERE c.id = t.id AND t.taken > 0;
    INSERT INTO ledger_leases (engine_id, number, ceiling_id, amount, exact)
      SELECT p_engine, t.number, t.id, t.taken, p_exact FROM unnest(p_ceilings, p_leases, v_taken) t (id, number, taken) WHERE t.taken > 0;
    IF v_refused THEN
      elsewhere := ARRAY(
        SELECT coalesce((SELECT max(CASE WHEN l.exact THEN 1 ELSE 2 END) FROM ledger_leases l WHERE l.ceiling_id = t.id AND l.engine_id <> p_engine), 0)
        FROM unnest(p_ceilings) WITH ORDINALITY t (id, n) ORDER BY t.n);
    END IF;
    admitted_at := clock_timestamp();
    RETURN NEXT;
  END $$;`;

/** Whole leases only, so that asking twice returns nothing twice. The sum that became free. */
const RETURN_LEASES = `
  CREATE FUNCTION ledger_return_leases(p_engine bigint, p_numbers bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    v_freed bigint;
  BEGIN
    PERFORM 1 FROM ledger_ceilings c
      WHERE c.id IN (SELECT l.ceiling_id FROM ledger_leases l WHERE l.engine_id = p_engine AND l.number = ANY (p_numbers))
      ORDER BY c.id FOR NO KEY UPDATE;
    WITH returned AS (
      DELETE FROM ledger_leases l WHERE l.engine_id = p_engine AND l.number = ANY (p_numbers) RETURNING l.ceiling_id, l.amount
    ), freed AS (
      SELECT ceiling_id, sum(amount)::bigint AS amount FROM returned GROUP BY ceiling_id
    ), lowered AS (
      UPDATE ledger_ceilings c SET leased = c.leased - f.amount FROM freed f WHERE c.id = f.ceiling_id RETURNING f.amount
    )
    SELECT coalesce(sum(amount), 0) INTO v_freed FROM lowered;
    RETURN v_freed;
  END $$;`;

/** A budget's row for the period that the database's clock is in; a changed amount moves what is left by the difference. */
const CEILINGS = `
  CREATE FUNCTION ledger_account(p_organization text) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    v_id bigint;
  BEGIN
    SELECT c.id INTO v_id FROM ledger_ceilings c
      WHERE c.scope = 'account' AND c.scope_id = p_organization AND c.period = 'none' AND c.period_start = '-infinity';
    IF FOUND THEN
      RETURN v_id;
    END IF;
    INSERT INTO ledger_ceilings (kind, organization_id, scope, scope_id, period)
      VALUES ('account', p_organization, 'account', p_organization, 'none') ON CONFLICT DO NOTHING;
    SELECT c.id INTO STRICT v_id FROM ledger_ceilings c
      WHERE c.scope = 'account' AND c.scope_id = p_organization AND c.period = 'none' AND c.period_start = '-infinity';
    RETURN v_id;
  END $$;

  CREATE FUNCTION ledger_budget(p_organization text, p_scope text, p_scope_id text, p_period text, p_timezone text, p_amount bigint)
  RETURNS TABLE (id bigint, left_ms float8) LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    v_start timestamptz := '-infinity';
    v_end timestamptz := 'infinity';
    v_id bigint;
    v_amount bigint;
  BEGIN
    IF p_period <> 'total' THEN
      v_start := date_trunc(p_period, now(), p_timezone);
      v_end := ((v_start AT TIME ZONE p_timezone) + ('1 ' || p_period)::interval) AT TIME ZONE p_timezone;
    END IF;
    SELECT c.id, c.amount INTO v_id, v_amount FROM ledger_ceilings c
      WHERE c.scope = p_scope AND c.scope_id = p_scope_id AND c.period = p_period AND c.period_start = v_start;
    IF v_id IS NULL OR v_amount <> p_amount THEN
      INSERT INTO ledger_ceilings AS c (kind, organization_id, scope, scope_id, period, period_start, period_end, amount, posted)
        VALUES ('budget', p_organization, p_scope, p_scope_id, p_period, v_start, v_end, p_amount, p_amount)
        ON CONFLICT ON CONSTRAINT ledger_ceilings_one DO UPDATE SET
          amount = excluded.amount,
          posted = c.posted + excluded.amount - c.amount,
          shortfall = greatest(0, c.leased - (c.posted + excluded.amount - c.amount) - c.overdraft)
        RETURNING c.id INTO v_id;
    END IF;
    id := v_id;
    left_ms := CASE WHEN v_end = 'infinity' THEN 'Infinity'::float8 ELSE extract(epoch FROM v_end - clock_timestamp()) * 1000 END;
    RETURN NEXT;
  END $$;`;
