import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { Corrections, Reconciliations } from '../billing/index.js';
import { invalidRequest } from '../core/errors/gateway-error.js';
import { MAPPING_NAMES, type ReportMapping } from '../core/reconciliation/index.js';
import { RequestLogReader } from '../logs/index.js';
import type { Queryable } from '../platform/database/index.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { ListQueryDto } from './dto/list-query.dto.js';
import { ImportReportDto, PostCorrectionsDto, ReconciliationLinesDto } from './dto/reconciliation.dto.js';
import { Operated } from './operated.js';
import { readUsd } from './read-values.js';
import { renderCorrections, renderReconciledLine, renderReconciliation } from './render-reconciliation.js';

const DEFAULT_LIMIT = 50;

/** What providers say they took, against the ledger. Comparing changes nothing; corrections are new transactions, on the operator's word. */
@Operated('reconciliation')
@Controller('admin/v1/reconciliations')
export class ReconciliationsController {
  constructor(
    private readonly reconciliations: Reconciliations,
    private readonly corrections: Corrections,
    private readonly logs: RequestLogReader,
  ) {}

  /** The same report again is the first one's reconciliation. */
  @Post()
  async import(@Body() body: ImportReportDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    const [fromMs, toMs] = [timeOf('from', body.from), timeOf('to', body.to)];
    if (toMs <= fromMs) throw invalidRequest('to', 'to must lie after from.');
    const { provider, format, report } = body;
    const toleranceNanoUsd = body.tolerance_usd === undefined ? 0n : readUsd('tolerance_usd', body.tolerance_usd);
    const find = (ids: readonly string[]): Promise<ReadonlyMap<string, string>> => this.logs.findByUpstreamIds(ids, fromMs, toMs);
    return renderReconciliation(
      await this.reconciliations.import({ provider, fromMs, toMs, format, report, mapping: mappingOf(body.mapping), toleranceNanoUsd }, find, request.transaction as Queryable),
    );
  }

  /** Newest first. */
  @Get()
  async list(@Query() query: ListQueryDto): Promise<Record<string, unknown>> {
    if (query.cursor !== undefined && !/^rec_\w{1,40}$/.test(query.cursor)) throw invalidRequest('cursor', 'cursor must be the next_cursor of an earlier page.');
    const limit = query.limit ?? DEFAULT_LIMIT;
    const rows = await this.reconciliations.list({ limit: limit + 1, before: query.cursor });
    return { data: rows.slice(0, limit).map(renderReconciliation), next_cursor: rows.length > limit ? rows[limit - 1]?.id : null };
  }

  /** With its lines; `cursor` pages them. */
  @Get(':id')
  async one(@Param('id') id: string, @Query() query: ReconciliationLinesDto): Promise<Record<string, unknown>> {
    if (query.cursor !== undefined && !/^\d{1,9}$/.test(query.cursor)) throw invalidRequest('cursor', 'cursor must be the next_cursor of an earlier page.');
    const limit = query.limit ?? DEFAULT_LIMIT;
    const found = await this.reconciliations.get(id);
    const after = query.cursor === undefined ? undefined : Number(query.cursor);
    const lines = await this.reconciliations.listLines(id, { limit: limit + 1, after, outcome: query.outcome, open: query.open });
    const page = { data: lines.slice(0, limit).map(renderReconciledLine), next_cursor: lines.length > limit ? String(lines[limit - 1]?.number) : null };
    return { ...renderReconciliation(found), lines: page };
  }

  /** Posts what is proposed, at most 500 lines at once; `remaining` says how many are left. */
  @Post(':id/corrections')
  async correct(@Param('id') id: string, @Body() body: PostCorrectionsDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    return renderCorrections(await this.corrections.post(id, body.lines ?? null, request.transaction as Queryable));
  }
}

function mappingOf(value: Readonly<Record<string, unknown>>): ReportMapping {
  for (const [name, column] of Object.entries(value)) {
    if (!(MAPPING_NAMES as readonly string[]).includes(name)) throw invalidRequest(`mapping.${name.slice(0, 64)}`, `mapping.${name.slice(0, 64)} is not known; known are ${MAPPING_NAMES.join(', ')}.`);
    if (typeof column !== 'string' || column === '' || column.length > 256) throw invalidRequest(`mapping.${name}`, `mapping.${name} must be the name of a column.`);
  }
  if (value['cost'] === undefined) throw invalidRequest('mapping.cost', 'mapping.cost is missing.');
  return value as unknown as ReportMapping;
}

function timeOf(param: string, text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw invalidRequest(param, `${param} must be a time such as 2026-11-01T00:00:00Z.`);
  return ms;
}
