import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { ChatAnswer } from './chat-client.js';

export interface RawCall {
  method?: string;
  path?: string;
  /** A list of names and values in turn may name a header twice. */
  headers?: Record<string, string> | string[];
  body?: string | Uint8Array;
}

const DEADLINE_MS = 10_000;

/** One HTTP call exactly as written, on a connection of its own. */
export function rawCall(origin: string, { method = 'GET', path = '/', headers = {}, body }: RawCall): Promise<ChatAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(origin, { method, path, headers, agent: false, timeout: DEADLINE_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${method} ${path.slice(0, 100)} in ${DEADLINE_MS} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}

/** Bytes to a socket; everything that came back until the other side closed, or nothing came for `quietMs`. */
export function rawBytes(origin: string, bytes: string | Uint8Array, options: { halfClose?: boolean; quietMs?: number } = {}): Promise<string> {
  const url = new URL(origin);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ port: Number(url.port), host: url.hostname, allowHalfOpen: true });
    socket.setTimeout(options.quietMs ?? 2_000, () => socket.destroy());
    socket.on('connect', () => (options.halfClose === true ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
