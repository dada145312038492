import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Redeem codes. Nothing of a code itself is stored but its keyed digest; a large batch's codes lie sealed until they are
 * fetched once. The checks and keys here are invariant I16: no code is used more often than it may, nor twice by one
 * organization, whoever writes.
 */
export class BillingRedeemCodes1763721000000 implements MigrationInterface {
  name = 'BillingRedeemCodes1763721000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(ROLE);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE redeem_guesses, redeem_deliveries, redeem_uses, redeem_codes, redeem_batches');
  }
}

const TABLES = `
  CREATE TABLE redeem_batches (
    id text COLLATE "C" PRIMARY KEY,
    amount bigint NOT NULL CHECK (amount > 0),
    max_uses integer NOT NULL CHECK (max_uses > 0),
    code_count integer NOT NULL CHECK (code_count > 0),
    generated_count integer NOT NULL DEFAULT 0 CHECK (generated_count >= 0 AND generated_count <= code_count),
    expires_at timestamptz,
    credit_expires_at timestamptz,
    organization_ids text[],
    note text,
    deliver_until timestamptz,
    delivered_at timestamptz,
    revoked_at timestamptz,
    revoke_reason text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX redeem_batches_unfinished ON redeem_batches (created_at) WHERE generated_count < code_count AND revoked_at IS NULL;
  CREATE INDEX redeem_batches_undelivered ON redeem_batches (deliver_until) WHERE deliver_until IS NOT NULL AND delivered_at IS NULL;

  CREATE TABLE redeem_codes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id text COLLATE "C" NOT NULL REFERENCES redeem_batches (id),
    number integer NOT NULL,
    digest bytea NOT NULL UNIQUE,
    max_uses integer NOT NULL CHECK (max_uses > 0),
    uses integer NOT NULL DEFAULT 0 CHECK (uses >= 0 AND uses <= max_uses),
    revoked_at timestamptz,
    revoke_reason text,
    UNIQUE (batch_id, number)
  ) WITH (fillfactor = 90);
  -- A list of batches counts uses; most codes of most batches have none.
  CREATE INDEX redeem_codes_used ON redeem_codes (batch_id, uses) WHERE uses > 0;

  CREATE TABLE redeem_uses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code_id bigint NOT NULL REFERENCES redeem_codes (id),
    organization_id text NOT NULL,
    key_id text NOT NULL,
    grant_id bigint NOT NULL UNIQUE REFERENCES ledger_grants (id),
    redeemed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT redeem_uses_once UNIQUE (code_id, organization_id)
  );

  CREATE TABLE redeem_deliveries (
    batch_id text COLLATE "C" NOT NULL REFERENCES redeem_batches (id),
    part integer NOT NULL,
    sealed text NOT NULL,
    PRIMARY KEY (batch_id, part)
  );

  CREATE TABLE redeem_guesses (
    organization_id text NOT NULL,
    client_digest bytea NOT NULL,
    guessed_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX redeem_guesses_organization ON redeem_guesses (organization_id, guessed_at);
  CREATE INDEX redeem_guesses_client ON redeem_guesses (client_digest, guessed_at);
  CREATE INDEX redeem_guesses_all ON redeem_guesses (guessed_at);`;

const ROLE = `
  DO $$
  BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'og_app') THEN
      GRANT SELECT, INSERT, UPDATE ON redeem_batches, redeem_codes TO og_app;
      GRANT SELECT, INSERT ON redeem_uses TO og_app;
      GRANT SELECT, INSERT, DELETE ON redeem_deliveries, redeem_guesses TO og_app;
    END IF;
  END $$;`;
