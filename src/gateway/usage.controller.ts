import { Controller, Get, Query, Req, UseGuards } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { VirtualKeyGuard, type AuthenticatedRequest } from '../auth/index.js';
import { parseUsageWords, renderUsageReport, UsageReports, type UsageGroup } from '../billing/index.js';
import type { Caller } from '../core/policy/caller.js';
import { TagUsage } from '../logs/index.js';
import { DescribeCustomerCall } from './api-docs.js';
import { CurrencyViews } from './currency-views.js';
import { readQuery } from './read-query.js';

/** A key sees its project; which provider served is the operator's business. */
const GROUPS = ['hour', 'day', 'month', 'model', 'key', 'tag'] as const;
const WORDS = ['from', 'to', 'timezone', 'group_by', 'key_id', 'model', 'currency'] as const;
const optional = (name: string, description: string): MethodDecorator => ApiQuery({ name, required: false, description, schema: { type: 'string' } });

/** What the project of a key has used. Works with no credit at all. */
@Controller('v1/usage')
@UseGuards(VirtualKeyGuard)
export class UsageController {
  constructor(
    private readonly reports: UsageReports,
    private readonly tags: TagUsage,
    private readonly views: CurrencyViews,
  ) {}

  @Get()
  @DescribeCustomerCall("What this key's project has used and was charged, by the time of admission")
  @optional('from', 'A date in the timezone or a time with offset, inclusive; default: 30 days before `to`')
  @optional('to', 'The same, exclusive; default: now')
  @optional('timezone', "IANA name; default: the project's")
  @optional('group_by', `Up to three of ${GROUPS.join(', ')}; a tag with day alone`)
  @optional('key_id', 'One key of the project')
  @optional('model', 'One model')
  @optional('currency', "Also shown in this currency, at the operator's stored rate; default: the project's")
  async usage(@Req() request: AuthenticatedRequest, @Query() query: unknown): Promise<Record<string, unknown>> {
    const { organizationId, projectId, timezone: home, currency } = request.caller as Caller;
    const words = readQuery(query, WORDS);
    const { groupBy, ...range } = parseUsageWords(words, { timezone: home, groups: GROUPS });
    const filters = { organizationId, projectId, keyId: words.key_id, model: words.model };
    const groups = groupBy.filter((group): group is UsageGroup => group !== 'tag');
    const report = await this.reports.report({ ...filters, ...range, groupBy: groups.length < groupBy.length ? [] : groups });
    const rate = await this.views.find(words.currency, currency, report.toMs);
    const rendered = renderUsageReport(report, { timezone: range.timezone, groupBy, rate, withMargin: false });
    if (groups.length === groupBy.length) return rendered;
    const data = await this.tags.list({ ...filters, fromMs: report.fromMs, toMs: report.toMs, timezone: range.timezone, byDay: groups.includes('day') });
    return { ...rendered, data, source: 'request_log' };
  }
}
