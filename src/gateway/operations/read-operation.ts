import { scanBody } from '../../core/json/index.js';
import { needsOf, OPERATIONS, parseMultipart, questionOf, type OperationKind } from '../../core/operations/index.js';
import type { InboundMessage } from '../../platform/inbound/index.js';
import type { Exchange } from '../exchange.js';
import { BODY_DEADLINE_MS, readFormBody, readJsonBody } from '../http/request-body.js';

/** OpenAI's own limit of a sound file, and a little for the other fields. */
const MAX_FORM_BYTES = 25 * 1_048_576 + 65_536;

interface Incoming {
  message: InboundMessage;
  /** Of a JSON body. */
  maxBytes: number;
}

/** Reads and parses the body of an operation, and says what routing, policy and limits must know of it. Throws GatewayError 400, 408, 413, 415. */
export async function readOperation(exchange: Exchange, kind: OperationKind, incoming: Incoming): Promise<void> {
  const operation = OPERATIONS[kind];
  const body = isForm(operation.reads, incoming) ? await readForm(exchange, incoming) : await readJson(exchange, incoming);
  const request = operation.parse(body);
  exchange.operation = { operation, request };
  exchange.options.endpoint = operation.endpoint;
  exchange.request = questionOf(request);
  exchange.needs = needsOf(request);
}

function isForm(reads: 'json' | 'form' | 'either', { message }: Incoming): boolean {
  return reads === 'form' || (reads === 'either' && /^multipart\//i.test(message.headers['content-type'] ?? ''));
}

async function readJson(exchange: Exchange, { message, maxBytes }: Incoming): Promise<unknown> {
  const bytes = await readJsonBody(message, { maxBytes, deadlineMs: BODY_DEADLINE_MS });
  const startedMs = performance.now();
  exchange.body = scanBody(bytes);
  exchange.timings.parseMs = performance.now() - startedMs;
  return exchange.body.value;
}

/** A form is not kept for the log: it is a file. */
async function readForm(exchange: Exchange, { message }: Incoming): Promise<unknown> {
  const { contentType, bytes } = await readFormBody(message, { maxBytes: MAX_FORM_BYTES, deadlineMs: BODY_DEADLINE_MS });
  const startedMs = performance.now();
  const form = parseMultipart(bytes, contentType);
  exchange.timings.parseMs = performance.now() - startedMs;
  return form;
}
