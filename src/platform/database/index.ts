export { applicationRole } from './application-role.js';
export type { CopyTarget } from './copy.js';
export type { CopyWriter } from './copy-writer.js';
export { Database, Queryable, type PoolStats, type Statement, type TransactionOptions } from './database.js';
export { DatabaseUnavailableError, isDatabaseUnavailable } from './database-errors.js';
export { EmbeddedPostgresError, startEmbeddedPostgres, type EmbeddedPostgres } from './embedded/embedded-postgres.js';
export { migrate, type ExtraMigration, type MigrationClass } from './migrate.js';
export { encodeValues, forgetValues, type RowValues } from './row-values.js';
export { connectionConfig, databaseSettings, type DatabaseSettings } from './settings.js';
