import { Injectable } from '@nestjs/common';
import type { Budget, Limits, Policy } from '../../core/policy/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { KeyDirectory } from '../keys/key-directory.js';
import { LAYER_MEMBERS, layerColumns, refuseUnknown, requireName, type LayerInput } from './layer-input.js';
import { pageLimit, pageOf, pageStart, type Page, type PageRequest } from './page.js';
import { insertRow, notFound, updateRow, withIsoTimes, type Timestamped } from './tables.js';

/** As the admin API shows it. */
export interface Organization {
  id: string;
  name: string;
  policy: Policy;
  limits: Limits;
  budget: Budget | null;
  created_at: string;
  updated_at: string;
}

const COLUMNS = 'id, name, policy, limits, budget, created_at, updated_at';

/**
 * With `on` a change is part of the caller's transaction, which then calls `KeyDirectory.refresh` after its commit; without it
 * the change is committed and in force here before the promise resolves.
 */
@Injectable()
export class Organizations {
  constructor(
    private readonly database: Database,
    private readonly directory: KeyDirectory,
  ) {}

  async create(input: LayerInput, on?: Queryable): Promise<Organization> {
    refuseUnknown(input, LAYER_MEMBERS);
    requireName(input);
    const id = newId('org');
    await insertRow(on ?? this.database, 'organizations', { id, ...layerColumns(input) });
    return this.#written(id, on);
  }

  async patch(id: string, input: LayerInput, on?: Queryable): Promise<Organization> {
    refuseUnknown(input, LAYER_MEMBERS);
    await updateRow(on ?? this.database, 'organizations', id, layerColumns(input));
    return this.#written(id, on);
  }

  async find(id: string, on: Queryable = this.database): Promise<Organization | null> {
    const result = await on.query<Timestamped<Organization>>(`SELECT ${COLUMNS} FROM organizations WHERE id = $1`, [id]);
    const row = result.rows[0];
    return row === undefined ? null : withIsoTimes(row);
  }

  async get(id: string, on?: Queryable): Promise<Organization> {
    const found = await this.find(id, on);
    if (found === null) throw notFound('organizations', id);
    return found;
  }

  async list(request: PageRequest = {}): Promise<Page<Organization>> {
    const limit = pageLimit(request);
    const result = await this.database.query<Timestamped<Organization>>(
      `SELECT ${COLUMNS} FROM organizations WHERE $1::text IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`,
      [pageStart(request), limit + 1],
    );
    return pageOf(result.rows.map(withIsoTimes), limit);
  }

  async #written(id: string, on: Queryable | undefined): Promise<Organization> {
    if (on === undefined) await this.directory.refresh();
    return this.get(id, on);
  }
}
