import { hash } from 'node:crypto';
import { GatewayError } from '../core/errors/gateway-error.js';
import type { ChatProtocol, RenderContext } from '../core/protocols/protocol.js';
import { InProcessTransport, type UpstreamCall, type UpstreamHandler, type UpstreamRequest } from '../core/upstream/upstream.js';
import { AttemptCounter } from './attempt-counter.js';
import { operationAnswer } from './operations.js';
import { SANDBOX_MODELS } from './models.js';
import { protocolOf, readCall, type Protocols, type SandboxCall } from './read-call.js';
import { renderFrames, renderWhole, type Answer } from './render-script.js';
import { SandboxUpstreamCall, type Performance } from './sandbox-call.js';
import type { SandboxTimer } from './timer.js';

/** The upstream inside this process: answers a provider's wire requests with a provider's wire answers. */
export class SandboxTransport extends InProcessTransport {
  private readonly attempts = new AttemptCounter();

  constructor(
    private readonly protocols: Protocols,
    private readonly timer: SandboxTimer,
  ) {
    super();
  }

  override dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const call = new SandboxUpstreamCall(this.perform(request), handler, this.timer, request.deadlines);
    call.start();
    return call;
  }

  private perform(upstream: UpstreamRequest): Performance {
    const protocol = protocolOf(upstream.url, this.protocols);
    const requestId = `sandbox_${hash('sha1', upstream.body ?? '').slice(0, 16)}`;
    try {
      const answer = operationAnswer(upstream);
      if (answer !== null) return wholeAnswer(answer, requestId);
      return this.play(readCall(upstream, protocol), upstream, requestId);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return errorPerformance(protocol, error, { status: error.status, requestId });
    }
  }

  private play(call: SandboxCall, upstream: UpstreamRequest, requestId: string): Performance {
    const model = SANDBOX_MODELS[call.model];
    if (model === undefined) throw new GatewayError('model_not_found', `The sandbox has no model \`${call.model.slice(0, 100)}\`.`);
    const script = model(call.request, call.model === 'flaky' ? this.attempts.next(upstream.body) : 1);
    if (script.kind === 'error') return errorPerformance(call.protocol, script.error, { status: script.status, requestId, headers: script.headers });
    const context = contextOf(call, requestId, this.timer.nowMs());
    const headers = { 'content-type': call.request.stream ? 'text/event-stream; charset=utf-8' : 'application/json', 'x-request-id': requestId };
    const frames = call.request.stream ? renderFrames(call, script, context) : wholeFrames(call, script, context);
    return { status: 200, headers, frames, ending: script.ending };
  }
}

/** Without a stream the answer comes when its last word is written; a cut one breaks off in the middle, a stalled one never begins. */
function wholeFrames(call: SandboxCall, script: Answer, context: RenderContext): Performance['frames'] {
  if (script.ending === 'stall') return [];
  const text = renderWhole(call, script, context);
  const delayMs = script.pieces.reduce((sum, piece) => sum + piece.delayMs, 0);
  return [{ text: script.ending === 'cut' ? text.slice(0, text.length / 2) : text, delayMs }];
}

function contextOf(call: SandboxCall, requestId: string, nowMs: number): RenderContext {
  const responseId = `chatcmpl-${requestId}`;
  return {
    requestId,
    responseId,
    createdS: Math.floor(nowMs / 1_000),
    model: call.request.model,
    includeUsage: call.request.includeUsage,
    reasoningField: 'reasoning_content',
  };
}

function wholeAnswer(answer: Record<string, unknown>, requestId: string): Performance {
  const headers = { 'content-type': 'application/json', 'x-request-id': requestId };
  return { status: 200, headers, frames: [{ text: JSON.stringify(answer), delayMs: 0 }], ending: 'whole' };
}

function errorPerformance(
  protocol: ChatProtocol,
  error: GatewayError,
  facts: { status: number; requestId: string; headers?: Record<string, string> },
): Performance {
  const text = JSON.stringify(protocol.renderError(error, facts.requestId));
  return {
    status: facts.status,
    headers: { 'content-type': 'application/json', 'x-request-id': facts.requestId, ...facts.headers },
    frames: [{ text, delayMs: 0 }],
    ending: 'whole',
  };
}
