import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Organizations, projects and virtual keys. A key's secrets are rows of their own, so that a rotation keeps the key's id, and with
 * it its limits, budget and history. Policies stay JSON as the operator wrote them; a row that cannot be read closes its keys only.
 */
export class AuthKeys1763700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE demo_keys, virtual_key_secrets, virtual_keys, projects, organizations');
    await runner.query('DROP FUNCTION auth_touch(), auth_changed(), auth_reload()');
  }
}

const TABLES = ['organizations', 'projects', 'virtual_keys'];

const UP: readonly string[] = [
  `CREATE TABLE organizations (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    policy jsonb NOT NULL DEFAULT '{}',
    limits jsonb NOT NULL DEFAULT '{}',
    budget jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )`,
  `CREATE TABLE projects (
    id text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    name text NOT NULL,
    zone text,
    timezone text NOT NULL DEFAULT 'UTC',
    currency text NOT NULL DEFAULT 'USD',
    policy jsonb NOT NULL DEFAULT '{}',
    limits jsonb NOT NULL DEFAULT '{}',
    budget jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )`,
  `CREATE INDEX projects_by_organization ON projects (organization_id, id)`,
  `CREATE TABLE virtual_keys (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    name text NOT NULL,
    policy jsonb NOT NULL DEFAULT '{}',
    limits jsonb NOT NULL DEFAULT '{}',
    budget jsonb,
    last4 text NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )`,
  `CREATE INDEX virtual_keys_by_project ON virtual_keys (project_id, id)`,
  `CREATE TABLE virtual_key_secrets (
    digest bytea PRIMARY KEY,
    key_id text COLLATE "C" NOT NULL REFERENCES virtual_keys (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamptz
  )`,
  `CREATE INDEX virtual_key_secrets_by_key ON virtual_key_secrets (key_id)`,
  // The demo key is shown again at every start, so it alone is kept: sealed with the master key.
  `CREATE TABLE demo_keys (
    key_id text COLLATE "C" PRIMARY KEY REFERENCES virtual_keys (id) ON DELETE CASCADE,
    sealed text NOT NULL
  )`,
  // Engines reread what changed since they last looked. The database sets the time, so a change made by hand is seen too.
  `CREATE FUNCTION auth_touch() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.updated_at := clock_timestamp();
    -- A clock that was set back must not make a change look older than what it changed.
    IF TG_OP = 'UPDATE' AND NEW.updated_at <= OLD.updated_at THEN
      NEW.updated_at := OLD.updated_at + interval '1 microsecond';
    END IF;
    RETURN NEW;
  END $$`,
  `CREATE FUNCTION auth_changed() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_notify('og_auth', 'changed');
    RETURN NULL;
  END $$`,
  // A deleted row has no time of change left: engines read everything again.
  `CREATE FUNCTION auth_reload() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_notify('og_auth', 'reload');
    RETURN NULL;
  END $$`,
  ...TABLES.flatMap((table) => [
    `CREATE INDEX ${table}_by_change ON ${table} (updated_at)`,
    `CREATE TRIGGER ${table}_touch BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION auth_touch()`,
    `CREATE TRIGGER ${table}_changed AFTER INSERT OR UPDATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION auth_changed()`,
    `CREATE TRIGGER ${table}_deleted AFTER DELETE OR TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION auth_reload()`,
  ]),
];
