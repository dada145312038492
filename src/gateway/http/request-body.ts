import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../../core/errors/gateway-error.js';

export interface BodyLimits {
  maxBytes: number;
  /** The whole body must have arrived within so many milliseconds. */
  deadlineMs: number;
}

/** A client on a slow line may need this long for a prompt with images. */
export const BODY_DEADLINE_MS = 60_000;

/**
 * Reads a JSON request body that Fastify has left unread, so that a bad key never costs reading the body.
 * Throws `unsupported_media_type`, `request_too_large`, `request_timeout`, `invalid_request`.
 */
export async function readJsonBody(message: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  refuseMediaType(message);
  refuseDeclaredLength(message, limits.maxBytes);
  const body = await collect(message, limits);
  if (body.length === 0) throw new GatewayError('invalid_request', 'The request has no body; send a JSON object.');
  return body;
}

/** Reads a `multipart/form-data` body the same way. */
export async function readFormBody(message: IncomingMessage, limits: BodyLimits): Promise<{ contentType: string; bytes: Buffer }> {
  const contentType = message.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(contentType)) {
    throw new GatewayError('unsupported_media_type', `Content-Type ${JSON.stringify(contentType || 'missing')} is not supported; send multipart/form-data.`);
  }
  refuseDeclaredLength(message, limits.maxBytes);
  return { contentType, bytes: await collect(message, limits) };
}

function refuseMediaType(message: IncomingMessage): void {
  const contentType = message.headers['content-type'];
  if (contentType !== 'application/json' && !isJson(contentType)) {
    throw new GatewayError('unsupported_media_type', `Content-Type ${JSON.stringify(contentType ?? 'missing')} is not supported; send application/json.`);
  }
  const encoding = message.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new GatewayError('unsupported_media_type', `Content-Encoding ${JSON.stringify(encoding)} is not supported; send the body uncompressed.`);
  }
}

function isJson(contentType: string | undefined): boolean {
  const [type, ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (type !== 'application/json' && !(type ?? '').match(/^application\/[a-z0-9.+-]+\+json$/)) return false;
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  return charset === undefined || /^charset="?utf-?8"?$/.test(charset);
}

function refuseDeclaredLength(message: IncomingMessage, maxBytes: number): void {
  if (Number(message.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('request_too_large', `The request body is larger than ${maxBytes} bytes.`, { headers: { connection: 'close' } });
}

function collect(message: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => {
      const seconds = limits.deadlineMs / 1000;
      fail(new GatewayError('request_timeout', `The request body did not arrive within ${seconds} s.`, { headers: { connection: 'close' } }));
    }, limits.deadlineMs);
    const settle = (): void => {
      clearTimeout(timer);
      message.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
    };
    const fail = (error: Error): void => {
      settle();
      message.resume();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limits.maxBytes) return fail(tooLarge(limits.maxBytes));
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      settle();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    };
    const onGone = (): void => fail(new ClientGone());
    message.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

/** The client closed its connection; nobody is left to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection');
    this.name = 'ClientGone';
  }
}
