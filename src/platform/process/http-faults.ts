import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import { ERROR_CATALOGUE, type ErrorCode } from '../../core/errors/catalogue.js';
import { newRequestId } from '../ids/index.js';

/** What the HTTP parser refuses never becomes a request: no route, no hook and no filter sees it, so it is answered here. */
interface Fault {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
}

const PARSER_FAULTS: Readonly<Record<string, Fault>> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'request_too_large', message: 'The request headers are larger than this server accepts.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'request_timeout', message: 'The request did not arrive in time.' },
};
const OTHER_FAULT: Fault = { status: 400, code: 'invalid_request', message: 'The request is not valid HTTP/1.1.' };
const REASONS: Readonly<Record<number, string>> = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' };

function bodyOf({ code, message }: Fault, requestId: string): string {
  return JSON.stringify({ error: { message, type: ERROR_CATALOGUE[code].type, param: null, code, request_id: requestId } });
}

/** For node's `clientError`: the socket has no response object any more. */
export function answerParserFault(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const fault = PARSER_FAULTS[error.code ?? ''] ?? OTHER_FAULT;
  const requestId = newRequestId();
  const body = bodyOf(fault, requestId);
  const head = [
    `HTTP/1.1 ${fault.status} ${REASONS[fault.status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** For what Fastify refuses before routing: an URL that cannot be decoded. */
export function answerFrameworkFault(_error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  const requestId = newRequestId();
  const fault: Fault = { ...OTHER_FAULT, message: 'The URL of the request is not valid.' };
  void reply.status(fault.status).header('x-request-id', requestId).header('content-type', 'application/json; charset=utf-8').send(bodyOf(fault, requestId));
}
