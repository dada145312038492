import type { Statement } from '../../platform/database/index.js';

/** The order of locks everywhere: engine, ceilings by id, requests, leases, grants. */
export const LOCK_CEILINGS: Statement = {
  name: 'ledger-lock-ceilings',
  text: `SELECT id, posted, leased, overdraft FROM ledger_ceilings WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE`,
};

/** Everything else a batch must see, in one round trip, and the ids of the transactions it may make. */
export const READ_VIEW: Statement = {
  name: 'ledger-read-view',
  text: `
    WITH locked AS MATERIALIZED (
      SELECT request_id, state, settled_by, checkpoint_sequence, attempts, captured + overage AS charged
      FROM ledger_requests WHERE request_id = ANY ($1::text[]) ORDER BY request_id FOR NO KEY UPDATE
    )
    SELECT
      (SELECT json_agg(json_build_array(request_id, state, settled_by, checkpoint_sequence, attempts, charged::text)) FROM locked) AS rows,
      (SELECT json_agg(json_build_array(l.engine_id, l.number, l.ceiling_id, l.amount::text))
         FROM ledger_leases l JOIN unnest($2::bigint[], $3::bigint[]) k (engine_id, number) USING (engine_id, number)) AS leases,
      (SELECT json_agg(json_build_array(id, ceiling_id, remaining::text, priority, extract(epoch FROM expires_at) * 1000, extract(epoch FROM created_at) * 1000))
         FROM ledger_grants WHERE ceiling_id = ANY ($4::bigint[]) AND remaining > 0) AS grants,
      ARRAY(SELECT nextval('ledger_transaction_ids') FROM generate_series(1, $5::int)) AS ids`,
};

/** Money arrives as text, times as milliseconds since 1970. */
const ROW_FIELDS = `
  request_id text, ins boolean, engine_id bigint, organization_id text, project_id text, key_id text, state ledger_request_state,
  settled_by text, estimated boolean, attempts int, hold bigint, captured bigint, overage bigint, loss bigint, worth bigint,
  provider_cost bigint, suspense bigint, expected_cost bigint, model text, provider text, upstream_model text, served_model text,
  price_id text, usage jsonb, units jsonb, parts jsonb, checkpoint_sequence int, checkpoint_charge bigint,
  received_ms float8, admitted_ms float8, forwarded_ms float8, first_token_ms float8, ended_ms float8, settled boolean`;

/** One statement for the whole batch: rows, transactions with their entries, ceilings, leases and grants. */
export const WRITE_BATCH: Statement = {
  name: 'ledger-write-batch',
  text: `
    WITH input AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS r (${ROW_FIELDS})),
    added AS (
      INSERT INTO ledger_requests (
        request_id, engine_id, organization_id, project_id, key_id, state, settled_by, estimated, attempts, hold, captured, overage, loss,
        worth, provider_cost, suspense, expected_cost, model, provider, upstream_model, served_model, price_id, usage, units, parts,
        checkpoint_sequence, checkpoint_charge, received_at, admitted_at, forwarded_at, first_token_at, ended_at, settled_at)
      SELECT request_id, engine_id, organization_id, project_id, key_id, state, settled_by, estimated, attempts, hold, captured, overage, loss,
        worth, provider_cost, suspense, expected_cost, model, provider, upstream_model, served_model, price_id, usage, units, parts,
        checkpoint_sequence, checkpoint_charge, to_timestamp(received_ms / 1000), to_timestamp(admitted_ms / 1000), to_timestamp(forwarded_ms / 1000),
        to_timestamp(first_token_ms / 1000), to_timestamp(ended_ms / 1000), CASE WHEN settled THEN clock_timestamp() END
      FROM input WHERE ins
    ), changed AS (
      UPDATE ledger_requests t SET
        state = i.state, settled_by = i.settled_by, estimated = i.estimated, attempts = i.attempts,
        captured = t.captured + i.captured, overage = t.overage + i.overage, loss = t.loss + i.loss,
        worth = i.worth, provider_cost = i.provider_cost, suspense = i.suspense,
        provider = coalesce(i.provider, t.provider), upstream_model = coalesce(i.upstream_model, t.upstream_model),
        served_model = coalesce(i.served_model, t.served_model), price_id = coalesce(i.price_id, t.price_id),
        usage = coalesce(i.usage, t.usage), units = coalesce(i.units, t.units), parts = i.parts,
        checkpoint_sequence = i.checkpoint_sequence, checkpoint_charge = i.checkpoint_charge,
        forwarded_at = coalesce(to_timestamp(i.forwarded_ms / 1000), t.forwarded_at),
        first_token_at = coalesce(to_timestamp(i.first_token_ms / 1000), t.first_token_at),
        ended_at = coalesce(to_timestamp(i.ended_ms / 1000), t.ended_at),
        settled_at = CASE WHEN i.settled THEN clock_timestamp() END
      FROM input i WHERE NOT i.ins AND t.request_id = i.request_id
    ), transactions AS (
      INSERT INTO ledger_transactions (id, kind, request_id, organization_id) SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[])
    ), entries AS (
      INSERT INTO ledger_entries (transaction_id, position, account, organization_id, grant_id, amount)
      SELECT * FROM unnest($6::bigint[], $7::smallint[], $8::text[], $9::text[], $10::bigint[], $11::bigint[])
    ), charges AS (
      INSERT INTO ledger_charges AS c (request_id, ceiling_id, amount) SELECT * FROM unnest($12::text[], $13::bigint[], $14::bigint[])
      ON CONFLICT (request_id, ceiling_id) DO UPDATE SET amount = c.amount + excluded.amount
    ), ceilings AS (
      UPDATE ledger_ceilings c SET posted = c.posted + d.posted, leased = c.leased + d.leased
      FROM unnest($15::bigint[], $16::bigint[], $17::bigint[]) d (id, posted, leased) WHERE c.id = d.id
    ), closed AS (
      DELETE FROM ledger_leases l USING unnest($18::bigint[], $19::bigint[], $20::bigint[]) d (engine_id, number, amount)
      WHERE l.engine_id = d.engine_id AND l.number = d.number AND d.amount = 0
    ), shrunk AS (
      UPDATE ledger_leases l SET amount = d.amount FROM unnest($18::bigint[], $19::bigint[], $20::bigint[]) d (engine_id, number, amount)
      WHERE l.engine_id = d.engine_id AND l.number = d.number AND d.amount > 0
    ), burned AS (
      UPDATE ledger_grants g SET remaining = d.remaining FROM unnest($21::bigint[], $22::bigint[]) d (id, remaining) WHERE g.id = d.id
    )
    INSERT INTO ledger_prices (id, document) SELECT * FROM unnest($23::text[], $24::jsonb[]) ON CONFLICT DO NOTHING`,
};
