import { Injectable } from '@nestjs/common';
import type { LayerName } from '../../core/policy/index.js';
import { Database } from '../../platform/database/index.js';

const TABLES: Readonly<Record<LayerName, string>> = { organization: 'organizations', project: 'projects', key: 'virtual_keys' };
const DEFAULT_PERCENTS = [80];

/** At how much of a budget its owner wants to be told. */
@Injectable()
export class BudgetThresholds {
  constructor(private readonly database: Database) {}

  /** Whole per cent, by id; ids without a budget (any more) are missing. */
  async listSoftPercents(layer: LayerName, ids: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
    const { rows } = await this.database.query<{ id: string; percents: number[] | null }>(
      `SELECT id, budget->'soft_percents' AS percents FROM ${TABLES[layer]} WHERE id = ANY ($1::text[]) AND budget IS NOT NULL`,
      [ids],
    );
    return new Map(rows.map(({ id, percents }) => [id, percents ?? DEFAULT_PERCENTS]));
  }
}
