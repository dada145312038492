import { Controller, Get, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Organizations, Projects } from '../auth/index.js';
import { ExchangeRates, Statements } from '../billing/index.js';
import { StatementQueryDto } from './dto/usage.dto.js';
import { Operated } from './operated.js';
import type { StatementDocument } from './statements/statement-document.js';
import { renderStatementCsv } from './statements/render-csv.js';
import { renderStatementHtml } from './statements/render-html.js';
import { renderStatement } from './statements/render-json.js';

/** The page carries its own style and nothing else: no script, no other origin, no frame. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PROJECT_COUNT = 200;

/** An organization's month: as JSON, as CSV for a spreadsheet, as a page to print. */
@Operated('statements')
@Controller('admin/v1/statements')
export class StatementsController {
  constructor(
    private readonly organizations: Organizations,
    private readonly projects: Projects,
    private readonly statements: Statements,
    private readonly rates: ExchangeRates,
  ) {}

  /** Opening balance + credit − usage = closing balance. A month that is over never changes: a later refund stands in a later month. */
  @Get()
  async one(@Query() query: StatementQueryDto, @Res() reply: FastifyReply): Promise<void> {
    const document = await this.read(query);
    const name = `statement-${document.statement.organizationId}-${document.statement.month}`.replace(/[^\w.-]/g, '_');
    if (query.format === 'csv') {
      void reply.type('text/csv; charset=utf-8').header('content-disposition', `attachment; filename="${name}.csv"`).send(renderStatementCsv(document));
    } else if (query.format === 'html') {
      const headers = { 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' };
      void reply.type('text/html; charset=utf-8').headers(headers).send(renderStatementHtml(document, query.language ?? 'en'));
    } else {
      void reply.send(renderStatement(document));
    }
  }

  private async read(query: StatementQueryDto): Promise<StatementDocument> {
    const organization = await this.organizations.get(query.organization_id);
    const statement = await this.statements.get(organization.id, query.month, query.timezone ?? 'UTC');
    // Of a month that still runs the newest rate; of one that is over the rate it ended with.
    const rate = query.currency === undefined ? null : await this.rates.get(query.currency, Math.min(statement.toMs, Date.now()));
    const { data } = await this.projects.list({ organization_id: organization.id, limit: PROJECT_COUNT });
    return { statement, organizationName: organization.name, projectNames: new Map(data.map(({ id, name }) => [id, name])), rate };
  }
}
