import { Controller, Get, Param, Query } from '@nestjs/common';
import { LedgerRequests } from '../billing/index.js';
import { GatewayError } from '../core/errors/gateway-error.js';
import { RequestLogReader, type RequestLogPage } from '../logs/index.js';
import { RequestQueryDto, requestLogQueryOf } from './dto/request-query.dto.js';
import { renderRequestMoney } from './render-ledger.js';
import { Operated } from './operated.js';

@Operated('requests')
@Controller('admin/v1/requests')
export class RequestsController {
  constructor(
    private readonly reader: RequestLogReader,
    private readonly ledger: LedgerRequests,
  ) {}

  @Get()
  list(@Query() query: RequestQueryDto): Promise<RequestLogPage> {
    return this.reader.list(requestLogQueryOf(query));
  }

  /**
   * What the log knows of a request, with state and money as the ledger has them now. A request whose process was killed has
   * no log record; the ledger's row alone is shown then.
   */
  @Get(':id')
  async one(@Param('id') id: string): Promise<Record<string, unknown>> {
    const [logged, settled] = await Promise.all([this.reader.find(id), this.ledger.find(id)]);
    if (logged === null && settled === null) throw new GatewayError('not_found', `There is no request ${id.slice(0, 64)}.`, { param: 'id' });
    return { ...(logged ?? { id, object: 'request', attempts: [], candidates: [], parameters: [] }), ...(settled === null ? {} : renderRequestMoney(settled)) };
  }
}
