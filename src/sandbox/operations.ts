import { hash } from 'node:crypto';
import { GatewayError } from '../core/errors/gateway-error.js';
import { Fields, isObject } from '../core/json/index.js';
import { parseMultipart } from '../core/operations/index.js';
import type { UpstreamRequest } from '../core/upstream/upstream.js';
import { countTokens } from './count-tokens.js';

const DEFAULT_DIMENSIONS = 256;
const WORDS = /[\p{L}\p{N}]+/gu;
/** One grey pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const SAMPLES_PER_SECOND = 8_000;
const SECONDS_PER_WORD = 0.3;
const VIOLENT = /\b(kill|murder|hurt|bomb)\b/i;

type Json = Record<string, unknown>;

/** By the end of the path that was called: one deterministic answer each. */
const ANSWERS: Readonly<Record<string, (upstream: UpstreamRequest) => Json>> = {
  '/embeddings': (upstream) => embed(read(upstream)),
  '/rerank': (upstream) => rerank(read(upstream)),
  '/moderations': (upstream) => moderate(read(upstream)),
  '/images/generations': (upstream) => draw(read(upstream)),
  '/images/edits': edit,
  '/audio/speech': (upstream) => speak(read(upstream)),
  '/audio/transcriptions': transcribe,
};

/** The answer to what is no chat; null when the path is a chat's. Throws GatewayError 400. */
export function operationAnswer(upstream: UpstreamRequest): Json | null {
  const { pathname } = new URL(upstream.url);
  const path = Object.keys(ANSWERS).find((known) => pathname.endsWith(known));
  return path === undefined ? null : (ANSWERS[path]?.(upstream) ?? null);
}

function read({ body }: UpstreamRequest): Fields {
  const text = typeof body === 'string' ? body : Buffer.from(body ?? '').toString('utf8');
  return Fields.of(JSON.parse(text), '');
}

function embed(fields: Fields): Json {
  const dimensions = fields.integer('dimensions', { min: 1, max: 4_096 }) ?? DEFAULT_DIMENSIONS;
  const input = fields.object['input'];
  const inputs: unknown[] = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input];
  const texts = inputs.map((item) => (typeof item === 'string' ? item : (item as number[]).join(' ')));
  const total = texts.reduce((sum, text) => sum + countTokens(text), 0);
  const data = texts.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text, dimensions) }));
  return { object: 'list', data, model: fields.string('model'), usage: { prompt_tokens: total, total_tokens: total } };
}

/** Each word has a place and a sign: texts that share words are near each other. Of length 1. */
function vectorOf(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const word of wordsOf(text)) {
    const digest = Number.parseInt(hash('sha1', word).slice(0, 8), 16);
    const at = digest % dimensions;
    vector[at] = (vector[at] as number) + (digest & 0x1000_0000 ? 1 : -1);
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector.with(0, 1) : vector.map((value) => value / length);
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(WORDS) ?? [text];

/** By the share of the query's words that a document has. */
function rerank(fields: Fields): Json {
  const query = new Set(wordsOf(fields.requiredString('query')));
  const documents = (fields.object['documents'] as unknown[]).map((item) => (isObject(item) ? String(item['text']) : String(item)));
  const scored = documents.map((text, index) => ({ index, relevance_score: scoreOf(text, query) }));
  const sorted = scored.toSorted((a, b) => b.relevance_score - a.relevance_score || a.index - b.index);
  const total = documents.reduce((sum, text) => sum + countTokens(text) + query.size, 0);
  return { results: sorted.slice(0, fields.integer('top_n', { min: 1, max: 1e6 })), usage: { total_tokens: total } };
}

function scoreOf(text: string, query: ReadonlySet<string>): number {
  const words = new Set(wordsOf(text));
  return [...query].filter((word) => words.has(word)).length / query.size;
}

function moderate(fields: Fields): Json {
  const input = fields.object['input'];
  const inputs: unknown[] = Array.isArray(input) ? input : [input];
  const results = inputs.map((item) => verdictOn(typeof item === 'string' ? item : String((item as Json)['text'] ?? '')));
  const total = inputs.reduce<number>((sum, item) => sum + countTokens(typeof item === 'string' ? item : ''), 0);
  return { id: 'modr-sandbox', model: fields.string('model'), results, usage: { prompt_tokens: total, total_tokens: total } };
}

function verdictOn(text: string): Json {
  const violence = VIOLENT.test(text);
  return { flagged: violence, categories: { violence, harassment: false }, category_scores: { violence: violence ? 0.95 : 0.01, harassment: 0.01 } };
}

function draw(fields: Fields): Json {
  return drawn(fields.integer('n', { min: 1, max: 10 }) ?? 1, fields.requiredString('prompt'));
}

/** The same pixel, whatever it started from. */
function edit(upstream: UpstreamRequest): Json {
  const type = upstream.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/')) return draw(read(upstream));
  const form = parseMultipart(Buffer.from(upstream.body ?? ''), type);
  return drawn(Number(form.field('n') ?? 1), form.field('prompt') ?? '');
}

function drawn(count: number, prompt: string): Json {
  const input = countTokens(prompt);
  const data = Array.from({ length: count }, () => ({ b64_json: PNG }));
  return { created: 0, data, usage: { input_tokens: input, output_tokens: count * 100, total_tokens: input + count * 100 } };
}

/** Silence, as long as the words take; as Mistral wraps its sound. */
function speak(fields: Fields): Json {
  const samples = Math.ceil(countTokens(fields.requiredString('input')) * SECONDS_PER_WORD * SAMPLES_PER_SECOND);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + samples, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  head.writeUInt32LE(SAMPLES_PER_SECOND, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(samples, 40);
  return { audio_data: Buffer.concat([head, Buffer.alloc(samples, 0x80)]).toString('base64') };
}

/** It does not listen: it says what it was sent. */
function transcribe({ body, headers }: UpstreamRequest): Json {
  const form = parseMultipart(Buffer.from(body ?? ''), headers['content-type'] ?? '');
  const file = form.file('file');
  if (file === undefined) throw new GatewayError('invalid_request', 'The form has no file.', { param: 'file' });
  return { text: `A file of ${file.bytes.length} bytes.`, usage: { type: 'duration', seconds: Math.max(1, Math.round(file.bytes.length / SAMPLES_PER_SECOND)) } };
}
