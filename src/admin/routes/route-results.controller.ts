import { Controller, Get, Query } from '@nestjs/common';
import { invalidRequest } from '../../core/errors/gateway-error.js';
import { CacheUsage, RouteResults, type ResultRange } from '../../logs/index.js';
import { ConfigurationService } from '../../providers/index.js';
import { CacheUsageQueryDto, RouteResultsQueryDto } from '../dto/route-results.dto.js';
import { Operated } from '../operated.js';

const DAY_MS = 86_400_000;
const MAX_DAYS = 92;

/** How experiments, copies and prompt caches did. */
@Operated('routes')
@Controller('admin/v1')
export class RouteResultsController {
  constructor(
    private readonly results: RouteResults,
    private readonly caches: CacheUsage,
    private readonly configuration: ConfigurationService,
  ) {}

  /** Per arm, by the arm that was drawn, whoever answered in the end; and per target of copies. Default: the last seven days. */
  @Get('routes/results')
  async experiment(@Query() query: RouteResultsQueryDto): Promise<Record<string, unknown>> {
    const range = rangeOf(query, 7);
    const route = this.configuration.routes().routes.find(({ name }) => name === query.route);
    return { route: query.route, strategy: route?.['strategy'] ?? null, ...renderRange(range), ...(await this.results.get(query.route, range)) };
  }

  /** Cached tokens ÷ prompt tokens and what that saved, per model or key, from whole hours. Default: the last day. */
  @Get('cache-usage')
  async cacheUsage(@Query() query: CacheUsageQueryDto): Promise<Record<string, unknown>> {
    const range = rangeOf(query, 1);
    const groupBy = query.group_by ?? 'model';
    const data = await this.caches.list({ ...range, groupBy, organizationId: query.organization_id, keyId: query.key_id, model: query.model });
    return { ...renderRange(range), group_by: groupBy, data, next_cursor: null };
  }
}

function rangeOf({ from, to }: { from?: string; to?: string }, days: number): ResultRange {
  const toMs = to === undefined ? Date.now() + 1 : Date.parse(to);
  const fromMs = from === undefined ? toMs - days * DAY_MS : Date.parse(from);
  if (fromMs >= toMs) throw invalidRequest('from', 'from must be before to.');
  if (toMs - fromMs > MAX_DAYS * DAY_MS) throw invalidRequest('from', `from and to must be at most ${MAX_DAYS} days apart.`);
  return { fromMs, toMs };
}

function renderRange({ fromMs, toMs }: ResultRange): Record<string, unknown> {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}
