import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { newRequestId } from '../../platform/ids/index.js';
import type { RouteTable } from './route-table.js';
import { refuseTwoHosts } from './two-hosts.js';

const ADMIN_BODY_BYTES = 16 * 1024 * 1024;

/**
 * What Nest cannot say of its HTTP server. To be called before the routes are registered (Nest: with `bodyParser: false`).
 * - Every request has an id, also the ones that are refused before any controller.
 * - Inference bodies stay unread: a bad key with a 5 MB body is 401 at once, and the scanner reads the client's own bytes.
 * - No redirect, no trailing-slash difference.
 */
export function configureHttp(instance: FastifyInstance, routes: RouteTable): void {
  instance.addHook('onRoute', (route) => routes.add(route.method, route.url));
  instance.addHook('onRequest', (request, reply, done) => {
    request.id = newRequestId();
    reply.header('x-request-id', request.id);
    done(refuseTwoHosts(request.raw.rawHeaders) ?? undefined);
  });
  // Exactly `application/json`: JSON has no charset parameter (RFC 8259 section 11), and clients compare.
  instance.addHook('onSend', (_request, reply, payload, done) => {
    if (reply.getHeader('content-type') === 'application/json; charset=utf-8') reply.header('content-type', 'application/json');
    done(null, payload);
  });
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('*', (request, payload, done) => {
    if (isInference(request)) return done(null, undefined);
    readAdminBody(request, payload, done);
  });
}

function isInference(request: FastifyRequest): boolean {
  return request.url.startsWith('/v1/');
}

/** The configuration document stays text: its own parser names line and column, in YAML and in JSON. */
function isDocument(request: FastifyRequest): boolean {
  return request.url.startsWith('/admin/v1/apply');
}

type Done = (error: Error | null, body?: unknown) => void;

class RefusedBody extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

function readAdminBody(request: FastifyRequest, payload: IncomingMessage, done: Done): void {
  const chunks: Buffer[] = [];
  let size = 0;
  payload.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= ADMIN_BODY_BYTES) chunks.push(chunk);
  });
  payload.on('error', (error) => done(error));
  payload.on('end', () => {
    if (size > ADMIN_BODY_BYTES) return done(new RefusedBody(413, `The request body is larger than ${ADMIN_BODY_BYTES} bytes.`));
    const text = Buffer.concat(chunks).toString('utf8');
    if (isDocument(request)) return done(null, text);
    parseAdminBody(request.headers['content-type'] ?? '', text, done);
  });
}

function parseAdminBody(contentType: string, text: string, done: Done): void {
  if (text === '') return done(null, undefined);
  if (!/^application\/json\b/.test(contentType)) {
    return done(new RefusedBody(415, `Content-Type ${JSON.stringify(contentType)} is not supported; send application/json.`));
  }
  try {
    done(null, JSON.parse(text, dropPrototype));
  } catch (error) {
    done(new RefusedBody(400, `The body is not valid JSON: ${(error as Error).message}`));
  }
}

function dropPrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new SyntaxError('the member name __proto__ is not allowed');
  return value;
}
