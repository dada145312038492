import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The entries of a transaction become columns of its row: they balance by a constraint on the row itself, cannot be without their
 * transaction or it without them, and cost one row and two index entries instead of five and six. `ledger_entries` stays to be
 * read, one row per entry. What changes of a batch is one function; what is new is copied beside it.
 */
export class BillingEntryColumns1763870000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(COLUMNS);
    await runner.query(MOVE);
    await runner.query(CONSTRAINTS);
    await runner.query(ENTRIES);
    await runner.query(VIEW);
    await runner.query(WRITE);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Entries cannot be taken out of their transactions again: restore a backup of the database.'));
  }
}

const COLUMNS = `
  ALTER TABLE ledger_transactions
    ADD credit bigint, ADD grant_id bigint, ADD split_grants bigint[], ADD split_amounts bigint[],
    ADD issuance bigint, ADD revenue bigint, ADD expired bigint, ADD provider_cost bigint, ADD suspense bigint, ADD loss bigint, ADD operator bigint;`;

/** The old tables are append-only for everybody but this. */
const MOVE = `
  ALTER TABLE ledger_transactions DISABLE TRIGGER ledger_transactions_append_only;
  UPDATE ledger_transactions t SET
    credit = e.credit, grant_id = CASE WHEN cardinality(e.amounts) = 1 THEN e.grants[1] END,
    split_grants = CASE WHEN cardinality(e.amounts) > 1 THEN e.grants END, split_amounts = CASE WHEN cardinality(e.amounts) > 1 THEN e.amounts END,
    issuance = nullif(e.issuance, 0), revenue = nullif(e.revenue, 0), expired = nullif(e.expired, 0), provider_cost = nullif(e.provider_cost, 0),
    suspense = nullif(e.suspense, 0), loss = nullif(e.loss, 0), operator = nullif(e.operator, 0)
  FROM (
    SELECT transaction_id,
      sum(amount) FILTER (WHERE account = 'credit') AS credit,
      array_agg(grant_id ORDER BY position) FILTER (WHERE account = 'credit') AS grants,
      array_agg(amount ORDER BY position) FILTER (WHERE account = 'credit') AS amounts,
      sum(amount) FILTER (WHERE account = 'issuance') AS issuance, sum(amount) FILTER (WHERE account = 'revenue') AS revenue,
      sum(amount) FILTER (WHERE account = 'expired') AS expired, sum(amount) FILTER (WHERE account = 'provider_cost') AS provider_cost,
      sum(amount) FILTER (WHERE account = 'suspense') AS suspense, sum(amount) FILTER (WHERE account = 'loss') AS loss,
      sum(amount) FILTER (WHERE account = 'operator') AS operator
    FROM ledger_entries GROUP BY transaction_id) e
  WHERE e.transaction_id = t.id;
  ALTER TABLE ledger_transactions ENABLE TRIGGER ledger_transactions_append_only;
  DROP TABLE ledger_entries;
  DROP FUNCTION ledger_check_balance();`;

/** Evaluated row by row without a call of a function, but for credit of several grants. */
const CONSTRAINTS = `
  CREATE FUNCTION ledger_is_split(p_grants bigint[], p_amounts bigint[], p_sum bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(cardinality(p_grants) = cardinality(p_amounts) AND cardinality(p_amounts) > 1
      AND (SELECT bool_and(coalesce(a.amount <> 0, false)) AND sum(a.amount) = p_sum FROM unnest(p_amounts) a (amount)), false)
  $$;
  ALTER TABLE ledger_transactions
    ADD CONSTRAINT ledger_transactions_balance CHECK (
      coalesce(credit, 0) + coalesce(issuance, 0) + coalesce(revenue, 0) + coalesce(expired, 0)
        + coalesce(provider_cost, 0) + coalesce(suspense, 0) + coalesce(loss, 0) + coalesce(operator, 0) = 0
      AND num_nonnulls(credit, issuance, revenue, expired, provider_cost, suspense, loss, operator) > 1),
    ADD CONSTRAINT ledger_transactions_no_empty_entry CHECK (
      credit <> 0 AND issuance <> 0 AND revenue <> 0 AND expired <> 0 AND provider_cost <> 0 AND suspense <> 0 AND loss <> 0 AND operator <> 0),
    ADD CONSTRAINT ledger_transactions_grants CHECK (
      CASE WHEN split_grants IS NULL AND split_amounts IS NULL THEN grant_id IS NULL OR credit IS NOT NULL
        ELSE grant_id IS NULL AND credit IS NOT NULL AND ledger_is_split(split_grants, split_amounts, credit) END);`;

/** With what is asked for of their transactions: a condition on them reaches the indexes, a join with them would not. */
const ENTRIES = `
  CREATE VIEW ledger_entries AS
    SELECT t.id AS transaction_id, e.position, e.account, t.organization_id, e.grant_id, e.amount, t.kind, t.request_id, t.reason, t.created_at
    FROM ledger_transactions t CROSS JOIN LATERAL (
      VALUES (0, 'issuance', NULL::bigint, t.issuance), (1, 'credit', t.grant_id, CASE WHEN t.split_amounts IS NULL THEN t.credit END),
        (100001, 'revenue', NULL, t.revenue), (100002, 'expired', NULL, t.expired), (100003, 'provider_cost', NULL, t.provider_cost),
        (100004, 'suspense', NULL, t.suspense), (100005, 'loss', NULL, t.loss), (100006, 'operator', NULL, t.operator)
    ) e (position, account, grant_id, amount) WHERE e.amount IS NOT NULL
    UNION ALL
    SELECT t.id, s.position::int, 'credit', t.organization_id, s.grant_id, s.amount, t.kind, t.request_id, t.reason, t.created_at
    FROM ledger_transactions t CROSS JOIN LATERAL unnest(t.split_grants, t.split_amounts) WITH ORDINALITY s (grant_id, amount, position)
    WHERE t.split_amounts IS NOT NULL;
  DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT ON ledger_entries TO og_app;
    END IF;
  END $$;`;

/** The plans of these functions are the same whatever they are asked: made once per connection, not for every batch. */
const PLANS = `
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan`;

/** As before; with what was posted of a request's cost, and the time, and without ids, which the rows take themselves. */
const VIEW = `
  DROP FUNCTION ledger_view(bigint[], text[], bigint[], bigint[], bigint[], int);
  CREATE FUNCTION ledger_view(p_ceilings bigint[], p_requests text[], p_engines bigint[], p_numbers bigint[], p_accounts bigint[])
  RETURNS TABLE (ceilings json, requests json, leases json, grants json, now_ms float8) LANGUAGE plpgsql ${PLANS} AS $$
  BEGIN
    IF cardinality(p_ceilings) > 0 THEN
      WITH locked AS MATERIALIZED (
        SELECT id, posted, leased, overdraft FROM ledger_ceilings WHERE id = ANY (p_ceilings) ORDER BY id FOR NO KEY UPDATE
      )
      SELECT json_agg(json_build_array(c.id, c.posted::text, c.leased::text, c.overdraft::text)) INTO ceilings FROM locked c;
    END IF;
    WITH locked AS MATERIALIZED (
      SELECT r.request_id, r.state, r.settled_by, r.checkpoint_sequence, r.attempts, r.captured + r.overage + r.loss AS accounted, r.provider_cost, r.suspense
      FROM ledger_requests r WHERE r.request_id = ANY (p_requests) ORDER BY r.request_id FOR NO KEY UPDATE
    )
    SELECT json_agg(json_build_array(
      r.request_id, r.state, r.settled_by, r.checkpoint_sequence, r.attempts, r.accounted::text, r.provider_cost::text, r.suspense::text)) INTO requests FROM locked r;
    IF cardinality(p_numbers) > 0 THEN
      SELECT json_agg(json_build_array(l.engine_id, l.number, l.ceiling_id, l.amount::text, l.exact)) INTO leases
        FROM unnest(p_engines, p_numbers) k (engine_id, number) JOIN ledger_leases l ON l.engine_id = k.engine_id AND l.number = k.number;
      SELECT json_agg(json_build_array(g.id, g.ceiling_id, g.remaining::text, g.priority, extract(epoch FROM g.expires_at) * 1000, extract(epoch FROM g.created_at) * 1000))
        INTO grants FROM ledger_grants g WHERE g.ceiling_id = ANY (p_accounts) AND g.remaining > 0;
    END IF;
    now_ms := extract(epoch FROM clock_timestamp()) * 1000;
    RETURN NEXT;
  END $$;`;

const OLD_WRITE = `json, boolean, bigint[], text[], text[], text[], bigint[], smallint[], text[], text[], bigint[], bigint[],
  text[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], text[], jsonb[]`;

/** Money arrives as text in the JSON of the rows, objects as their text, times as milliseconds since 1970. */
const CHANGE_FIELDS = `
  request_id text, state ledger_request_state, settled_by text, estimated boolean, attempts int, captured bigint, overage bigint, loss bigint,
  worth bigint, provider_cost bigint, suspense bigint, provider text, upstream_model text, served_model text, price_id text, usage text, units text,
  parts text, checkpoint_sequence int, checkpoint_charge bigint, forwarded_at float8, first_token_at float8, ended_at float8, settled boolean`;

const WRITE = `
  DROP FUNCTION ledger_write(${OLD_WRITE});
  CREATE FUNCTION ledger_write(
    p_rows json,
    p_b_request text[], p_b_ceiling bigint[], p_b_amount bigint[],
    p_c_id bigint[], p_c_posted bigint[], p_c_leased bigint[],
    p_l_engine bigint[], p_l_number bigint[], p_l_amount bigint[],
    p_g_id bigint[], p_g_remaining bigint[],
    p_p_id text[], p_p_document jsonb[]
  ) RETURNS void LANGUAGE plpgsql ${PLANS} AS $$
  BEGIN
    IF cardinality(p_p_id) > 0 THEN
      INSERT INTO ledger_prices (id, document) SELECT * FROM unnest(p_p_id, p_p_document) ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(p_c_id) > 0 THEN
      UPDATE ledger_ceilings c SET posted = c.posted + d.posted, leased = c.leased + d.leased
        FROM unnest(p_c_id, p_c_posted, p_c_leased) d (id, posted, leased) WHERE c.id = d.id;
    END IF;
    IF p_rows IS NOT NULL THEN
      UPDATE ledger_requests t SET
        state = i.state, settled_by = i.settled_by, estimated = i.estimated, attempts = i.attempts,
        captured = t.captured + i.captured, overage = t.overage + i.overage, loss = t.loss + i.loss,
        worth = i.worth, provider_cost = i.provider_cost, suspense = i.suspense,
        provider = coalesce(i.provider, t.provider), upstream_model = coalesce(i.upstream_model, t.upstream_model),
        served_model = coalesce(i.served_model, t.served_model), price_id = coalesce(i.price_id, t.price_id),
        usage = coalesce(i.usage::jsonb, t.usage), units = coalesce(i.units::jsonb, t.units), parts = i.parts::jsonb,
        checkpoint_sequence = i.checkpoint_sequence, checkpoint_charge = i.checkpoint_charge,
        forwarded_at = coalesce(to_timestamp(i.forwarded_at / 1000), t.forwarded_at),
        first_token_at = coalesce(to_timestamp(i.first_token_at / 1000), t.first_token_at),
        ended_at = coalesce(to_timestamp(i.ended_at / 1000), t.ended_at),
        settled_at = CASE WHEN i.settled THEN clock_timestamp() END
      FROM json_to_recordset(p_rows) AS i (${CHANGE_FIELDS}) WHERE t.request_id = i.request_id;
    END IF;
    IF cardinality(p_l_number) > 0 THEN
      DELETE FROM ledger_leases l USING unnest(p_l_engine, p_l_number, p_l_amount) d (engine_id, number, amount)
        WHERE l.engine_id = d.engine_id AND l.number = d.number AND d.amount = 0;
      UPDATE ledger_leases l SET amount = d.amount FROM unnest(p_l_engine, p_l_number, p_l_amount) d (engine_id, number, amount)
        WHERE l.engine_id = d.engine_id AND l.number = d.number AND d.amount > 0;
    END IF;
    IF cardinality(p_g_id) > 0 THEN
      UPDATE ledger_grants g SET remaining = d.remaining FROM unnest(p_g_id, p_g_remaining) d (id, remaining) WHERE g.id = d.id;
    END IF;
    IF cardinality(p_b_request) > 0 THEN
      INSERT INTO ledger_charges AS c (request_id, ceiling_id, amount) SELECT * FROM unnest(p_b_request, p_b_ceiling, p_b_amount)
        ON CONFLICT (request_id, ceiling_id) DO UPDATE SET amount = c.amount + excluded.amount;
    END IF;
  END $$;`;
