import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { scanBody, spliceBody, type ScannedBody } from '../../core/json/index.js';
import { narrowStore } from '../../core/policy/index.js';
import type { AdmittedExchange, Exchange } from '../exchange.js';
import { renderContextFor } from '../render-context.js';
import { openResponseState, responseStateOf } from './response-state.js';
import { StoredResponses, type StoredResponse } from './stored-responses.js';

type Json = Record<string, unknown>;

/** Responses that refer to earlier ones: their history is the gateway's, so that any provider may go on with it. */
@Injectable()
export class ResponseHistories {
  constructor(private readonly stored: StoredResponses) {}

  /**
   * Before a request is judged: settles whether its answer is kept, and puts the items of the response it refers to before its own.
   * Does nothing for other APIs. Throws `store_disabled` and `not_found`.
   */
  async resolve(exchange: Exchange): Promise<void> {
    if (exchange.protocol.id !== 'openai-responses') return;
    const scanned = exchange.body as ScannedBody;
    const allowed = narrowStore(exchange.caller.store, exchange.options.store ?? 'full') === 'full';
    const previousResponseId = previousOf(scanned.value);
    openResponseState(exchange, { keep: allowed && scanned.value['store'] !== false, previousResponseId });
    const change = { ...storeChange(exchange, scanned, allowed), ...(await this.history(previousResponseId, exchange, allowed)) };
    if (Object.keys(change).length > 0) rewrite(exchange, scanned, change);
    // Keeping is done here; a provider that is spoken to in another protocol need not keep it too.
    delete exchange.request?.store;
  }

  /** After the answer has left, well or not. */
  keep(exchange: AdmittedExchange): void {
    const state = responseStateOf(exchange);
    // Without a settlement the answer was a replay of an earlier one, which is kept already.
    if (state?.keep !== true || exchange.error !== undefined || exchange.settlement === undefined || exchange.settlement.state === 'canceled') return;
    const response = exchange.request.stream ? state.memory.answer && JSON.stringify(state.memory.answer) : exchange.responseBody;
    if (response === undefined) return;
    const { responseId } = renderContextFor(exchange);
    const input = JSON.stringify(itemsOf(exchange.body.value['input']));
    this.stored.keep({ id: responseId, organizationId: exchange.caller.organizationId, createdAtMs: exchange.receivedAtMs, input, response });
  }

  /** The whole input in the place of the reference. */
  private async history(id: string | undefined, exchange: Exchange, allowed: boolean): Promise<Json> {
    if (id === undefined) return {};
    const earlier = await this.earlier(id, exchange, allowed);
    return { input: [...historyOf(earlier), ...itemsOf(exchange.body?.value['input'])], previous_response_id: undefined };
  }

  private async earlier(id: string, exchange: Exchange, allowed: boolean): Promise<StoredResponse> {
    if (!allowed) {
      const message = 'Responses are not kept for this key, so there is none to refer to; send the whole history, or use a key whose policy is `store: full`.';
      throw new GatewayError('store_disabled', message, { param: 'previous_response_id' });
    }
    const found = await this.stored.find(id, exchange.caller.organizationId);
    if (found === null) throw responseNotFound(id, 'previous_response_id');
    return found;
  }
}

function storeChange(exchange: Exchange, scanned: ScannedBody, allowed: boolean): Json {
  if (allowed || scanned.value['store'] !== true) return {};
  exchange.parameters.push({ parameter: 'store', action: 'dropped' });
  return { store: false };
}

function rewrite(exchange: Exchange, scanned: ScannedBody, change: Json): void {
  exchange.body = scanBody(spliceBody(scanned, { ...scanned.value, ...change }));
  exchange.request = exchange.protocol.parseRequest(exchange.body.value);
}

export function responseNotFound(id: string, param: string): GatewayError {
  return new GatewayError('not_found', `There is no response ${JSON.stringify(id.slice(0, 80))} of this organization.`, { param });
}

function previousOf(body: Json): string | undefined {
  const id = body['previous_response_id'];
  if (id === undefined || id === null) return undefined;
  if (typeof id === 'string' && id !== '') return id;
  throw invalidRequest('previous_response_id', '`previous_response_id` must be a non-empty string.');
}

function historyOf(earlier: StoredResponse): unknown[] {
  const { output } = JSON.parse(earlier.response) as { output: unknown[] };
  return [...(JSON.parse(earlier.input) as unknown[]), ...output];
}

/** A text is one message of the user's. */
export function itemsOf(input: unknown): unknown[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }];
  return Array.isArray(input) ? (input as unknown[]) : [];
}
