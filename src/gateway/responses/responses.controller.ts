import { Controller, Delete, Get, Param, Query, Req, UseGuards } from '@nestjs/common';
import { VirtualKeyGuard, type AuthenticatedRequest } from '../../auth/index.js';
import { invalidRequest } from '../../core/errors/gateway-error.js';
import type { Caller } from '../../core/policy/caller.js';
import { DescribeCustomerCall } from '../api-docs.js';
import { responseNotFound } from './response-histories.js';
import { StoredResponses, type StoredResponse } from './stored-responses.js';

type Json = Record<string, unknown>;

const DEFAULT_ITEMS = 20;
const MAX_ITEMS = 100;

/** Responses that were kept, for the organization that asked for them. */
@Controller('v1/responses')
@UseGuards(VirtualKeyGuard)
export class ResponsesController {
  constructor(private readonly stored: StoredResponses) {}

  @Get(':id')
  @DescribeCustomerCall('One response that was kept')
  async one(@Req() request: AuthenticatedRequest, @Param('id') id: string): Promise<Json> {
    return JSON.parse((await this.get(request, id)).response) as Json;
  }

  @Delete(':id')
  @DescribeCustomerCall('Forget a response')
  async delete(@Req() request: AuthenticatedRequest, @Param('id') id: string): Promise<Json> {
    const deleted = await this.stored.delete(id, (request.caller as Caller).organizationId);
    if (!deleted) throw responseNotFound(id, 'id');
    return { id, object: 'response', deleted: true };
  }

  @Get(':id/input_items')
  @DescribeCustomerCall('The items that a kept response answers')
  async inputItems(@Req() request: AuthenticatedRequest, @Param('id') id: string, @Query() query: Record<string, unknown>): Promise<Json> {
    const stored = await this.get(request, id);
    const items = (JSON.parse(stored.input) as Json[]).map((item, at) => ({ id: `item_og${id.replace(/^resp_/, '')}i${at}`, type: 'message', ...item }));
    return pageOf(query['order'] === 'asc' ? items : items.reverse(), query);
  }

  private async get(request: AuthenticatedRequest, id: string): Promise<StoredResponse> {
    const found = await this.stored.find(id, (request.caller as Caller).organizationId);
    if (found === null) throw responseNotFound(id, 'id');
    return found;
  }
}

function pageOf(items: readonly Json[], query: Record<string, unknown>): Json {
  const limit = query['limit'] === undefined ? DEFAULT_ITEMS : Number(query['limit']);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_ITEMS) throw invalidRequest('limit', `\`limit\` must be an integer from 1 to ${MAX_ITEMS}.`);
  const from = query['after'] === undefined ? 0 : items.findIndex((item) => item['id'] === query['after']) + 1;
  const data = items.slice(from, from + limit);
  return { object: 'list', data, first_id: data[0]?.['id'] ?? null, last_id: data.at(-1)?.['id'] ?? null, has_more: from + limit < items.length };
}
