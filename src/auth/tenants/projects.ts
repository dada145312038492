import { Injectable } from '@nestjs/common';
import { invalidRequest } from '../../core/errors/gateway-error.js';
import type { Budget, Limits, Policy } from '../../core/policy/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { KeyDirectory } from '../keys/key-directory.js';
import { placeFault } from '../keys/records.js';
import { LAYER_MEMBERS, layerColumns, refuseUnknown, requireName, type LayerInput } from './layer-input.js';
import { pageLimit, pageOf, pageStart, type Page, type PageRequest } from './page.js';
import { insertRow, isMissingReference, notFound, updateRow, withIsoTimes, type Timestamped } from './tables.js';

export interface ProjectInput extends LayerInput {
  organization_id?: string;
  /** Pins the project: nothing of it is processed elsewhere. */
  zone?: string | null;
  /** IANA name; for budgets' periods, schedules and reports. Default UTC. */
  timezone?: string;
  /** For display; money is in USD. Default USD. */
  currency?: string;
}

export interface Project {
  id: string;
  organization_id: string;
  name: string;
  zone: string | null;
  timezone: string;
  currency: string;
  policy: Policy;
  limits: Limits;
  budget: Budget | null;
  created_at: string;
  updated_at: string;
}

const COLUMNS = 'id, organization_id, name, zone, timezone, currency, policy, limits, budget, created_at, updated_at';
const PLACE_MEMBERS = ['zone', 'timezone', 'currency'] as const;
const EXPECTED = { zone: 'the name of a zone, or null', timezone: 'an IANA timezone like Asia/Seoul', currency: 'a currency code like KRW' };

/** Transactions: as for Organizations. */
@Injectable()
export class Projects {
  constructor(
    private readonly database: Database,
    private readonly directory: KeyDirectory,
  ) {}

  async create(input: ProjectInput, on?: Queryable): Promise<Project> {
    refuseUnknown(input, ['organization_id', ...PLACE_MEMBERS, ...LAYER_MEMBERS]);
    requireName(input);
    if (typeof input.organization_id !== 'string') throw invalidRequest('organization_id', '`organization_id` is required.');
    const id = newId('prj');
    const columns = { id, organization_id: input.organization_id, ...placeColumns(input), ...layerColumns(input) };
    await insertRow(on ?? this.database, 'projects', columns).catch((error: unknown) => {
      if (!isMissingReference(error)) throw error;
      throw invalidRequest('organization_id', '`organization_id` names no organization.');
    });
    return this.#written(id, on);
  }

  async patch(id: string, input: ProjectInput, on?: Queryable): Promise<Project> {
    refuseUnknown(input, [...PLACE_MEMBERS, ...LAYER_MEMBERS]);
    await updateRow(on ?? this.database, 'projects', id, { ...placeColumns(input), ...layerColumns(input) });
    return this.#written(id, on);
  }

  async find(id: string, on: Queryable = this.database): Promise<Project | null> {
    const result = await on.query<Timestamped<Project>>(`SELECT ${COLUMNS} FROM projects WHERE id = $1`, [id]);
    const row = result.rows[0];
    return row === undefined ? null : withIsoTimes(row);
  }

  async get(id: string, on?: Queryable): Promise<Project> {
    const found = await this.find(id, on);
    if (found === null) throw notFound('projects', id);
    return found;
  }

  async list(request: PageRequest & { organization_id?: string } = {}): Promise<Page<Project>> {
    const limit = pageLimit(request);
    const result = await this.database.query<Timestamped<Project>>(
      `SELECT ${COLUMNS} FROM projects
       WHERE ($1::text IS NULL OR id < $1) AND ($2::text IS NULL OR organization_id = $2) ORDER BY id DESC LIMIT $3`,
      [pageStart(request), request.organization_id ?? null, limit + 1],
    );
    return pageOf(result.rows.map(withIsoTimes), limit);
  }

  async #written(id: string, on: Queryable | undefined): Promise<Project> {
    if (on === undefined) await this.directory.refresh();
    return this.get(id, on);
  }
}

function placeColumns(input: ProjectInput): Record<string, unknown> {
  const columns: Record<string, unknown> = {};
  for (const member of PLACE_MEMBERS) {
    const value = input[member];
    if (value === undefined) continue;
    const isText = typeof value === 'string' || (member === 'zone' && value === null);
    const place = { zone: null, timezone: 'UTC', currency: 'USD', [member]: value };
    if (!isText || placeFault(place) !== null) throw invalidRequest(member, `\`${member}\` must be ${EXPECTED[member]}.`);
    columns[member] = value;
  }
  return columns;
}
