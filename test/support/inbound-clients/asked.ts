import type { GatewayProcess } from '../gateway-process.js';

export type Json = Record<string, unknown>;

/** What a feature asks for, in no protocol's words. */
export interface Asked {
  model: string;
  stream: boolean;
  tools?: boolean;
  /** The second turn of a tool loop: the call and its result are in the history. */
  toolResult?: boolean;
  image?: boolean;
  /** The image is an address that the provider must fetch. */
  imageAddress?: string;
  /** A document, inline. */
  file?: boolean;
  schema?: boolean;
  reasoning?: boolean;
  maxTokens?: number;
}

/** What came back, in OpenAI's words. */
export interface Got {
  status: number;
  text: string;
  reasoning: string;
  calls: { name: string; arguments: unknown }[];
  finish: string | null;
  usage: { prompt: number; completion: number; cached: number } | null;
  errorCode: string | null;
  errorParam: string | null;
  /** Of the error, in words. */
  errorMessage: string;
  ended: boolean;
}

export const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
export const PDF = Buffer.from('%PDF-1.4\n%%EOF\n').toString('base64');
export const CALL_ID = 'call_abcdef123';

export interface InboundClient {
  readonly name: string;
  ask(gateway: GatewayProcess, asked: Asked): Promise<Got>;
}

export function post(gateway: GatewayProcess, path: string, body: Json): Promise<Response> {
  return fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.bootstrap.demo_key ?? ''}`, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
export const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

export function events(body: string): Json[] {
  return body
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => parsed(line.slice(6)) as Json);
}

export const nothing = (status: number): Got => ({
  status,
  text: '',
  reasoning: '',
  calls: [],
  finish: null,
  usage: null,
  errorCode: null,
  errorParam: null,
  errorMessage: '',
  ended: false,
});

/** Of OpenAI's envelope; Anthropic's has a `type` where this has a `code`. */
export function failed(status: number, raw: string, codeAt: 'code' | 'type' = 'code'): Got {
  const error = record(record(parsed(raw))['error']);
  return { ...nothing(status), errorCode: text(error[codeAt]), errorParam: text(error['param']), errorMessage: text(error['message']) };
}

export const hasMedia = (asked: Asked): boolean => asked.image === true || asked.imageAddress !== undefined || asked.file === true;
export const imageUrl = (asked: Asked): string => asked.imageAddress ?? `data:image/png;base64,${PIXEL}`;
