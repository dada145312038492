import { Injectable } from '@nestjs/common';
import { normaliseResponse } from '../core/chat/normalise-stream.js';
import type { ChatResponse } from '../core/chat/response.js';
import { NO_USAGE } from '../core/chat/usage.js';
import { renderParameterReport } from '../core/chat/parameter-report.js';
import type { OperationResult } from '../core/operations/index.js';
import type { GatewayError } from '../core/errors/gateway-error.js';
import { JsonBytes } from '../core/json/index.js';
import { formatUsd } from '../core/pricing/index.js';
import type { AnswerRoute, AnswerSummary, NativeAnswer } from '../core/protocols/protocol.js';
import type { AttemptOutcome } from './attempt.js';
import type { AdmittedExchange, Exchange } from './exchange.js';
import { renderErrorReply } from './http/error-reply.js';
import { renderContextFor } from './render-context.js';
import { storesPayload } from './request-log-of.js';

type Answered = Extract<AttemptOutcome, { kind: 'answered' }>;
type Failed = Extract<AttemptOutcome, { kind: 'failed' }>;

/** The log keeps no longer answer of an operation: vectors and images by the megabyte help nobody. */
const MAX_KEPT_CHARS = 1_000_000;
/** What one long answer needed is not kept for the others. */
const MAX_SPARE_BYTES = 1_048_576;

/** The last bytes to the client: after the money is settled, whatever the end was. */
@Injectable()
export class Answers {
  /** Answers are written into the same memory one after the other: what is sent of one has left it before the next begins. */
  private json = new JsonBytes();

  send(exchange: AdmittedExchange, outcome: Answered): void {
    const summary = summaryOf(exchange);
    if (outcome.renderer !== undefined) return exchange.reply.end(outcome.renderer.finish(summary));
    if (outcome.result !== undefined) return this.sendResult(exchange, outcome.result, summary);
    this.sendJson(exchange, outcome, summary);
  }

  /** The answer of a stream, for the log of keys that store payloads, in the client's own shape but as one piece. */
  keep(exchange: AdmittedExchange, response: ChatResponse | undefined): void {
    if (response === undefined) return;
    const summary = { usage: response.usage ?? NO_USAGE, estimated: response.usage === undefined };
    exchange.responseBody = JSON.stringify(exchange.protocol.renderResponse(response, renderContextFor(exchange), summary));
  }

  /** Before the first byte: throws, so that one door renders all errors. After it: the in-stream error, then the end. */
  fail(exchange: AdmittedExchange, error: GatewayError, outcome: Failed): void {
    if (!exchange.reply.headersSent) throw error;
    exchange.error = error;
    exchange.reply.end(outcome.renderer?.fail(error, summaryOf(exchange)) ?? '');
  }

  /** The one way an error leaves when nothing was sent yet; a stream that a mistake of ours broke ends in-band, or its client would wait for ever. */
  refuse(exchange: Exchange, error: GatewayError): void {
    exchange.error = error;
    if (exchange.reply?.headersSent === true) {
      const context = renderContextFor(exchange as AdmittedExchange);
      return exchange.reply.end(exchange.protocol.createStreamRenderer(context).fail(error));
    }
    const reply = renderErrorReply(error, exchange.protocol, exchange.requestId);
    exchange.reply?.sendJson(reply.status, { ...this.headers(exchange), ...reply.headers }, JSON.stringify(reply.body));
  }

  /** Every header that names the request, the limits and who serves it; never a provider's own header. */
  headers(exchange: Exchange): Record<string, string> {
    const headers: Record<string, string> = { 'x-request-id': exchange.requestId };
    if (exchange.protocol.id === 'anthropic-messages') {
      exchange.admission?.addAnthropicHeaders(headers);
      headers['request-id'] = exchange.requestId;
    }
    exchange.admission?.addHeaders(headers);
    headers['openai-processing-ms'] = String(Math.round(performance.now() - exchange.startedMs));
    if (exchange.parameters.length > 0) headers['x-og-params'] = renderParameterReport(exchange.parameters);
    const served = exchange.served;
    if (served === undefined) return headers;
    headers['x-og-provider'] = served.deployment.provider.id;
    headers['x-og-model'] = served.model.id;
    headers['x-og-zone'] = zonesOf(served.deployment.provider.zones);
    headers['x-og-attempts'] = String(exchange.tried.length);
    if (exchange.fallback !== undefined) headers['x-og-fallback'] = exchange.fallback;
    return headers;
  }

  private sendResult(exchange: AdmittedExchange, result: OperationResult, summary: AnswerSummary): void {
    const createdS = Math.floor(exchange.receivedAtMs / 1000);
    const model = exchange.served?.model.id ?? exchange.request.model;
    const { contentType, body } = result.render({ requestId: exchange.requestId, createdS, model, summary });
    const headers = { ...this.headers(exchange), 'content-type': contentType };
    if (typeof body === 'string' && body.length <= MAX_KEPT_CHARS) exchange.responseBody = body;
    exchange.reply.sendJson(200, summary.costUsd === undefined ? headers : { ...headers, 'x-og-cost-usd': summary.costUsd }, body);
  }

  private sendJson(exchange: AdmittedExchange, outcome: Answered, summary: AnswerSummary): void {
    const response = normaliseResponse(outcome.response as NonNullable<Answered['response']>, exchange.requestId);
    const context = renderContextFor(exchange);
    const isNative = exchange.served?.deployment.protocol === exchange.protocol.id && hasMembers(outcome.raw);
    const body = isNative
      ? this.nativeBody(exchange.protocol, { raw: outcome.raw as NativeAnswer['raw'], context, summary, response })
      : JSON.stringify(exchange.protocol.renderResponse(response, context, summary));
    const headers = this.headers(exchange);
    if (summary.costUsd !== undefined) headers['x-og-cost-usd'] = summary.costUsd;
    if (typeof body === 'string') exchange.responseBody = body;
    else if (storesPayload(exchange)) exchange.responseBody = body.toString('utf8');
    exchange.reply.sendJson(200, headers, body);
  }

  /** Bytes are valid until the next answer. */
  private nativeBody(protocol: Exchange['protocol'], answer: NativeAnswer): string | Buffer {
    if (this.json.bytes.length > MAX_SPARE_BYTES) this.json = new JsonBytes();
    this.json.length = 0;
    if (protocol.writeNativeResponse?.(this.json, answer) === true) return this.json.bytes.subarray(0, this.json.length);
    return JSON.stringify(protocol.renderNativeResponse(answer.raw, answer.context, answer.summary, answer.response));
  }
}

function zonesOf(zones: readonly string[]): string {
  return (zones.length === 1 ? zones[0] : zones.join(',')) || 'any';
}

/** An answer that came as a stream has no JSON of its own to pass on. */
function hasMembers(raw: Record<string, unknown> | undefined): raw is Record<string, unknown> {
  for (const _name in raw) return true;
  return false;
}

function summaryOf(exchange: AdmittedExchange): AnswerSummary {
  const settlement = exchange.settlement as NonNullable<AdmittedExchange['settlement']>;
  const og: AnswerRoute = {
    provider: exchange.served?.deployment.provider.id,
    model: exchange.served?.model.id,
    attempts: exchange.tried.length,
    request_id: exchange.requestId,
  };
  if (exchange.fallback !== undefined) og.fallback = exchange.fallback;
  return {
    usage: settlement.usage,
    estimated: settlement.estimated,
    costUsd: formatUsd(settlement.chargedNanoUsd),
    costDetails: {
      lines: settlement.lines.map((line) => ({ class: line.class, quantity: line.quantity, unit: line.unit, price_nano_usd: line.priceNanoUsd })),
    },
    og,
  };
}
