import { NOWHERE, Roster, type Placed } from '../../core/collections/roster.js';
import { GatewayError } from '../../core/errors/gateway-error.js';
import type { BodySink, InboundMessage } from '../../platform/inbound/index.js';

export interface BodyLimits {
  maxBytes: number;
  /** The whole body must have arrived within so many milliseconds. */
  deadlineMs: number;
}

/** A client on a slow line may need this long for a prompt with images. */
export const BODY_DEADLINE_MS = 60_000;

/**
 * Reads a JSON request body that the framework has left unread, so that a bad key never costs reading the body. Mostly it is there already.
 * Throws, or rejects with, `unsupported_media_type`, `request_too_large`, `request_timeout`, `invalid_request`.
 */
export function readJsonBody(message: InboundMessage, limits: BodyLimits): Buffer | Promise<Buffer> {
  refuseMediaType(message);
  refuseDeclaredLength(message, limits.maxBytes);
  const whole = message.takeWhole();
  return whole === null ? collect(message, limits).then(requireBody) : requireBody(whole);
}

function requireBody(body: Buffer): Buffer {
  if (body.length === 0) throw new GatewayError('invalid_request', 'The request has no body; send a JSON object.');
  return body;
}

/** Reads a `multipart/form-data` body the same way. */
export async function readFormBody(message: InboundMessage, limits: BodyLimits): Promise<{ contentType: string; bytes: Buffer }> {
  const contentType = message.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(contentType)) {
    throw new GatewayError('unsupported_media_type', `Content-Type ${JSON.stringify(contentType || 'missing')} is not supported; send multipart/form-data.`);
  }
  refuseDeclaredLength(message, limits.maxBytes);
  return { contentType, bytes: message.takeWhole() ?? (await collect(message, limits)) };
}

function refuseMediaType(message: InboundMessage): void {
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

function refuseDeclaredLength(message: InboundMessage, maxBytes: number): void {
  if (message.contentLength > maxBytes) throw tooLarge(maxBytes);
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('request_too_large', `The request body is larger than ${maxBytes} bytes.`, { headers: { connection: 'close' } });
}

function collect(message: InboundMessage, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => new BodyReader(message, limits, { resolve, reject }));
}

interface Settled {
  resolve(body: Buffer): void;
  reject(error: Error): void;
}

/** Bodies under way. One coarse timer looks at all of them: nearly every body is there at once, and a timer of its own would cost as much as reading it. */
const UNDER_WAY = new Roster<BodyReader>();
const LOOK_MS = 250;
let looking: NodeJS.Timeout | undefined;

function look(): void {
  const nowMs = performance.now();
  for (const reader of UNDER_WAY) reader.tick(nowMs);
  if (UNDER_WAY.size > 0) return;
  clearInterval(looking);
  looking = undefined;
}

class BodyReader implements Placed, BodySink {
  place = NOWHERE;
  readonly #chunks: Buffer[] = [];
  readonly #dueAtMs: number;
  #size = 0;

  constructor(
    private readonly message: InboundMessage,
    private readonly limits: BodyLimits,
    private readonly settled: Settled,
  ) {
    this.#dueAtMs = performance.now() + limits.deadlineMs;
    UNDER_WAY.add(this);
    looking ??= setInterval(look, LOOK_MS).unref();
    message.read(this);
  }

  tick(nowMs: number): void {
    if (nowMs < this.#dueAtMs) return;
    const seconds = this.limits.deadlineMs / 1000;
    this.#fail(new GatewayError('request_timeout', `The request body did not arrive within ${seconds} s.`, { headers: { connection: 'close' } }));
  }

  take(chunk: Buffer): void {
    if (this.place === NOWHERE) return;
    this.#size += chunk.length;
    if (this.#size > this.limits.maxBytes) return this.#fail(tooLarge(this.limits.maxBytes));
    this.#chunks.push(chunk);
  }

  end(): void {
    if (this.place === NOWHERE) return;
    UNDER_WAY.delete(this);
    this.settled.resolve(this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#size));
  }

  /** Every request closes in the end: an error is made only for one whose body is not whole. */
  gone(): void {
    if (this.place !== NOWHERE) this.#fail(new ClientGone());
  }

  /** What still comes is read and thrown away, so that the refusal can be heard. */
  #fail(error: Error): void {
    if (this.place === NOWHERE) return;
    UNDER_WAY.delete(this);
    this.#chunks.length = 0;
    this.message.discard();
    this.settled.reject(error);
  }
}

/** The client closed its connection; nobody is left to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection');
    this.name = 'ClientGone';
  }
}
