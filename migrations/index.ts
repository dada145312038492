/**
 * Every migration, in the order of the numbers that end their names (TypeORM sorts by them and wants 13 digits: a
 * millisecond time, e.g. `class BillingLedger1763715600000 implements MigrationInterface`, file
 * `1763715600000-billing-ledger.ts`). Hand-written SQL for PostgreSQL 15 and later; never edited once released.
 */
import type { MigrationInterface } from 'typeorm';

type MigrationClass = new () => MigrationInterface;

export const migrations: readonly MigrationClass[] = [];
