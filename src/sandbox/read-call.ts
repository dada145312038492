import type { ChatRequest } from '../core/chat/request.js';
import { GatewayError } from '../core/errors/gateway-error.js';
import type { ChatProtocol, ClientProtocolId } from '../core/protocols/protocol.js';
import type { UpstreamRequest } from '../core/upstream/upstream.js';

export type Protocols = Readonly<Record<ClientProtocolId, ChatProtocol>>;

export interface SandboxCall {
  protocol: ChatProtocol;
  request: ChatRequest;
  /** Upstream name: `echo`. */
  model: string;
}

const GEMINI_PATH = /\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;

/** The protocol whose path was called; the sandbox speaks openai-chat at any other. */
export function protocolOf(url: string, protocols: Protocols): ChatProtocol {
  const { pathname } = new URL(url);
  if (GEMINI_PATH.test(pathname)) return protocols['gemini-generate'];
  if (pathname.endsWith('/responses')) return protocols['openai-responses'];
  return pathname.endsWith('/messages') ? protocols['anthropic-messages'] : protocols['openai-chat'];
}

/** Reads the call as a provider would. Throws GatewayError 400 or 404. */
export function readCall(upstream: UpstreamRequest, protocol: ChatProtocol): SandboxCall {
  const text = typeof upstream.body === 'string' ? upstream.body : Buffer.from(upstream.body ?? '').toString('utf8');
  const request = protocol.parseRequest(parse(text));
  const gemini = GEMINI_PATH.exec(new URL(upstream.url).pathname);
  if (gemini !== null) {
    request.model = decodeURIComponent(gemini[1] ?? '');
    request.stream = gemini[2] === 'streamGenerateContent';
  }
  return { protocol, request, model: request.model.slice(request.model.lastIndexOf('/') + 1) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GatewayError('invalid_request', 'The body is not valid JSON.');
  }
}
