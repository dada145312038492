import { estimateTokens } from '../../chat/estimate-tokens.js';
import { NO_USAGE, type Usage } from '../../chat/usage.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer } from '../../protocols/protocol.js';
import { openaiEndpoint } from '../endpoint.js';
import { renderMultipart, type FormPart, type MultipartForm } from '../multipart.js';
import type { Operation, OperationRequest, OperationResult, OperationWire, WholeAnswer } from '../operation.js';
import { jsonOf, usageOf } from '../read-answer.js';
import { wavSeconds } from '../wav.js';

/** The lowest rate speech is compressed to (Opus at 16 kbit/s), so that a hold is high enough; and what is usual (64 kbit/s). */
const LOWEST_BYTES_PER_SECOND = 2_000;
const USUAL_BYTES_PER_SECOND = 8_000;
/** What sound is read as (OpenAI states 600 input tokens a minute for gpt-4o-transcribe, pricing page read 2026-11-21). */
const TOKENS_PER_SECOND = 10;
/** Quick speech. */
const TEXT_TOKENS_PER_SECOND = 5;
const PLAIN_FORMATS = new Set(['text', 'srt', 'vtt']);

export interface TranscriptionsRequest extends OperationRequest {
  parts: readonly FormPart[];
  format: string;
  /** Of the sound, as well as its bytes tell. */
  seconds: number;
}

const openai: OperationWire<TranscriptionsRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/audio/transcriptions'),
  render({ parts }, { upstreamModel }) {
    const model: FormPart = { name: 'model', bytes: Buffer.from(upstreamModel) };
    return { ...renderMultipart([model, ...parts]), report: [] };
  },
  parse,
};

/** `POST /v1/audio/transcriptions`: the file in memory and bounded, every field passed on, `model` replaced. */
export const transcriptions: Operation<TranscriptionsRequest> = { kind: 'transcriptions', endpoint: 'audio', reads: 'form', parse: parseForm, wires: { openai } };

function parseForm(body: unknown): TranscriptionsRequest {
  const form = body as MultipartForm;
  const model = form.field('model', 256);
  if (model === undefined || model === '') throw invalidRequest('model', '`model` is missing.');
  const file = form.file('file');
  if (file === undefined || file.bytes.length === 0) throw invalidRequest('file', '`file` is missing; send the sound as a file of the form.');
  if (form.field('stream') === 'true') throw invalidRequest('stream', '`stream` is not supported for transcriptions; leave it out.');
  const exact = wavSeconds(file.bytes);
  const most = Math.ceil(exact ?? file.bytes.length / LOWEST_BYTES_PER_SECOND);
  const text = estimateTokens(form.field('prompt') ?? '');
  return {
    model,
    parts: form.parts.filter((part) => part.name !== 'model'),
    format: form.field('response_format') ?? 'json',
    seconds: exact ?? file.bytes.length / USUAL_BYTES_PER_SECOND,
    bounds: {
      promptTokens: Math.ceil(text + most * TOKENS_PER_SECOND),
      outputTokens: most * TEXT_TOKENS_PER_SECOND,
      audioInput: true,
      units: { seconds: most },
    },
  };
}

function parse(answer: WholeAnswer, request: TranscriptionsRequest): OperationResult {
  const text = answer.bytes.toString('utf8');
  if (PLAIN_FORMATS.has(request.format)) return { ...usedBy({}, text, request), render: () => ({ contentType: 'text/plain; charset=utf-8', body: text }) };
  const body = jsonOf(answer);
  if (typeof body['text'] !== 'string') throw new UnreadableAnswer('The provider’s answer has no `text`.');
  return { ...usedBy(body, body['text'], request), render: () => ({ contentType: 'application/json', body: JSON.stringify(withoutMoney(body)) }) };
}

function usedBy(body: JsonObject, text: string, request: TranscriptionsRequest): Omit<OperationResult, 'render'> {
  const seconds = secondsIn(body) ?? request.seconds;
  const estimate = { ...NO_USAGE, audioIn: Math.ceil(seconds * TOKENS_PER_SECOND), output: Math.ceil(estimateTokens(text)) };
  return { usage: audioUsage(body['usage']), estimate, images: 0, seconds };
}

/** OpenAI's whisper states `usage.seconds`, verbose answers a `duration`. */
function secondsIn(body: JsonObject): number | null {
  const usage = isObject(body['usage']) ? body['usage'] : {};
  const stated = usage['seconds'] ?? body['duration'];
  return typeof stated === 'number' && Number.isFinite(stated) && stated > 0 ? stated : null;
}

/** What was heard is sound, unless the details divide it (`input_token_details.audio_tokens`). */
function audioUsage(raw: unknown): Usage | undefined {
  const usage = usageOf(raw);
  const details = isObject(raw) ? raw['input_token_details'] : undefined;
  if (usage === undefined || usage.audioIn > 0) return usage;
  const text = isObject(details) ? details['text_tokens'] : undefined;
  const written = typeof text === 'number' && text >= 0 && text <= usage.input ? text : 0;
  return { ...usage, input: written, audioIn: usage.input - written };
}

/** As it came, but for the provider's own figures of money (`x_groq` names the operator's account). */
function withoutMoney({ x_groq: _account, ...body }: JsonObject): JsonObject {
  return body;
}
