import type { ExtraMigration } from './migrate.js';

/** Who runs the application where the schema belongs to somebody else. */
export const APPLICATION_ROLE = 'og_app';

const CREATE = `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '${APPLICATION_ROLE}') THEN
      CREATE ROLE ${APPLICATION_ROLE} LOGIN;
    END IF;
  END $$;`;

/** Tables that may only grow say so by a trigger of that name; the role is not even allowed to try. */
const GRANT = `
  DO $$ DECLARE
    t regclass;
  BEGIN
    IF current_user = '${APPLICATION_ROLE}' OR NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '${APPLICATION_ROLE}') THEN
      RETURN;
    END IF;
    GRANT USAGE ON SCHEMA public TO ${APPLICATION_ROLE};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${APPLICATION_ROLE};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${APPLICATION_ROLE};
    REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM ${APPLICATION_ROLE};
    FOR t IN SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE tgname LIKE '%\\_append\\_only' LOOP
      EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM ${APPLICATION_ROLE}', t);
    END LOOP;
  END $$;`;

/**
 * After the migrations, as the schema's owner: what the application's role may do. It may change and delete what is not append-only,
 * and alter nothing. Without such a role nothing is done: the owner runs the application, and the tables' triggers guard them.
 *
 * @param create makes the role when it is not there; only where nobody can log in from outside (the embedded server).
 */
export function applicationRole(create: boolean): ExtraMigration {
  return async (client) => {
    if (create) await client.query(CREATE);
    await client.query(GRANT);
  };
}
