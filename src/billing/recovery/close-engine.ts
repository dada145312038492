import type { RequestFold } from '../../core/ledger/index.js';
import type { Database } from '../../platform/database/index.js';
import { failpoint } from '../../platform/failpoint/index.js';
import type { LedgerRepository } from '../posting/ledger.repository.js';

/** A crash may leave thousands of unfinished requests: more time than a request's statement has. */
const STATEMENT_TIMEOUT_MS = 60_000;

export interface EngineClosing {
  engineId: number;
  /** Unfinished requests with the end that their last checkpoint gives them. */
  folds: readonly RequestFold[];
  state: 'ended' | 'swept';
  /** Only while the heartbeat is still this one (PostgreSQL's own text of the timestamp). */
  heartbeatAt?: string;
}

/**
 * Posts what a dead engine left, then returns its leases, in one transaction under the engine's row. False when somebody else
 * has it in hand. An engine that was swept before is settled again: what is late is posted as late.
 */
export function closeEngine(database: Database, repository: LedgerRepository, closing: EngineClosing): Promise<boolean> {
  const { engineId, folds, state, heartbeatAt } = closing;
  return database.transaction(
    async (transaction) => {
      const { rowCount } = await transaction.query(
        `SELECT 1 FROM ledger_engines WHERE id = $1 AND ($2::timestamptz IS NULL OR (state = 'live' AND heartbeat_at = $2)) FOR UPDATE`,
        [engineId, heartbeatAt ?? null],
      );
      if (rowCount === 0) return false;
      // In order of id, before anything else locks some of them.
      await transaction.query(
        'SELECT 1 FROM ledger_ceilings WHERE id IN (SELECT ceiling_id FROM ledger_leases WHERE engine_id = $1) ORDER BY id FOR NO KEY UPDATE',
        [engineId],
      );
      await repository.postWithin(transaction, folds, 'checkpoint');
      failpoint('half-recovered');
      await transaction.query('SELECT ledger_return_leases($1, ARRAY(SELECT number FROM ledger_leases WHERE engine_id = $1))', [engineId]);
      await transaction.query("UPDATE ledger_engines SET state = $2, ended_at = now() WHERE id = $1 AND state = 'live'", [engineId, state]);
      return true;
    },
    { statementTimeoutMs: STATEMENT_TIMEOUT_MS },
  );
}
