import { Body, Controller, Get, Post, Query, Req } from '@nestjs/common';
import { ExchangeRates, parseUsageWords, renderRate, renderUsageReport, USAGE_GROUPS, UsageReports, type UsageGroup } from '../billing/index.js';
import { invalidRequest } from '../core/errors/gateway-error.js';
import { TagUsage } from '../logs/index.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { AddExchangeRateDto, ExchangeRateQueryDto, UsageQueryDto } from './dto/usage.dto.js';
import { Operated } from './operated.js';
import { readUsd } from './read-values.js';

const RATE_COUNT = 200;

/** What was used, charged and paid to providers, over all organizations. */
@Operated('usage')
@Controller('admin/v1/usage')
export class UsageController {
  constructor(
    private readonly reports: UsageReports,
    private readonly tags: TagUsage,
    private readonly rates: ExchangeRates,
  ) {}

  /** By the time of admission, to the nano-USD: from the hourly sums, and from the ledger's rows where those do not reach. */
  @Get()
  async usage(@Query() query: UsageQueryDto): Promise<Record<string, unknown>> {
    const { groupBy, ...range } = parseUsageWords(query, { timezone: 'UTC', groups: [...USAGE_GROUPS, 'tag'] });
    const filters = { organizationId: query.organization_id, projectId: query.project_id, keyId: query.key_id, model: query.model };
    const groups = groupBy.filter((group): group is UsageGroup => group !== 'tag');
    const byTag = groups.length < groupBy.length;
    const report = await this.reports.report({ ...filters, ...range, groupBy: byTag ? [] : groups });
    const rate = query.currency === undefined ? null : await this.rates.get(query.currency, report.toMs);
    const rendered = renderUsageReport(report, { timezone: range.timezone, groupBy, rate, withMargin: true });
    if (!byTag) return rendered;
    const data = await this.tags.list({ ...filters, fromMs: report.fromMs, toMs: report.toMs, timezone: range.timezone, byDay: groups.includes('day') });
    return { ...rendered, data, source: 'request_log' };
  }
}

/** Rates for views of amounts; never for money of record. A rate is never changed: a later one follows it. */
@Operated('exchange rates')
@Controller('admin/v1/exchange-rates')
export class ExchangeRatesController {
  constructor(private readonly rates: ExchangeRates) {}

  /** Newest first. */
  @Get()
  async list(@Query() { currency }: ExchangeRateQueryDto): Promise<Record<string, unknown>> {
    return { data: (await this.rates.list(currency ?? null, RATE_COUNT)).map(renderRate), next_cursor: null };
  }

  @Post()
  async add(@Body() body: AddExchangeRateDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    const nanoPerUsd = readUsd('rate', body.rate);
    if (nanoPerUsd === 0n) throw invalidRequest('rate', 'rate must be more than 0.');
    const effectiveFromMs = body.effective_from === undefined ? Date.now() : Date.parse(body.effective_from);
    if (Number.isNaN(effectiveFromMs)) throw invalidRequest('effective_from', 'effective_from must be a time such as 2026-11-01T00:00:00Z.');
    return renderRate(await this.rates.add({ currency: body.currency, nanoPerUsd, effectiveFromMs, source: body.source }, request.transaction));
  }
}
