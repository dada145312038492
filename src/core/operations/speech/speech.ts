import { estimateTokens } from '../../chat/estimate-tokens.js';
import { NO_USAGE, type Usage } from '../../chat/usage.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer } from '../../protocols/protocol.js';
import { openaiEndpoint } from '../endpoint.js';
import type { Operation, OperationReply, OperationRequest, OperationWire, WholeAnswer } from '../operation.js';
import { jsonOf } from '../read-answer.js';
import { extraOf, jsonBody, modelsOf } from '../read-request.js';
import { wavSeconds } from '../wav.js';

/** OpenAI takes 4,096 characters (API reference of speech, read 2026-11-21), others more. */
const MAX_INPUT_CHARS = 100_000;
/** Slow speech, so that a hold is high enough; languages written in syllables say more per character. */
const SECONDS_PER_CHAR = 0.25;
const SECONDS_PER_CHAR_USUAL = 0.07;
/** OpenAI's sound tokens of one second, rounded up (1,250 of a minute are stated for gpt-4o-mini-tts, pricing page read 2026-11-21). */
const TOKENS_PER_SECOND = 21;
const TYPES: Readonly<Record<string, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};

export interface SpeechRequest extends OperationRequest {
  members: JsonObject;
  input: string;
  format: string;
}

const openai: OperationWire<SpeechRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/audio/speech'),
  render: ({ members }, { upstreamModel }) => jsonBody({ ...members, model: upstreamModel }),
  parse(answer, request) {
    const sound = soundOf(answer, request);
    const seconds = wavSeconds(sound.body as Uint8Array) ?? request.input.length * SECONDS_PER_CHAR_USUAL;
    return { estimate: estimateOf(request, seconds), images: 0, seconds, render: () => sound };
  },
};

/** `POST /v1/audio/speech`: the answer is the sound itself. Nobody states usage, so that ours is an estimate. */
export const speech: Operation<SpeechRequest> = { kind: 'speech', endpoint: 'audio', reads: 'json', parse, wires: { openai } };

function parse(body: unknown): SpeechRequest {
  const fields = Fields.of(body, '');
  const input = fields.requiredString('input');
  if (input.length > MAX_INPUT_CHARS) throw invalidRequest('input', `\`input\` has ${input.length} characters; at most ${MAX_INPUT_CHARS} are accepted.`);
  if (fields.string('stream_format') === 'sse') throw invalidRequest('stream_format', '`stream_format: sse` is not supported; leave it out or write `audio`.');
  const seconds = Math.ceil(input.length * SECONDS_PER_CHAR);
  return {
    ...modelsOf(fields),
    members: extraOf(fields.object, ['model', 'models']),
    input,
    format: fields.string('response_format') ?? 'mp3',
    bounds: { promptTokens: Math.ceil(estimateTokens(input)), outputTokens: seconds * TOKENS_PER_SECOND, audioOutput: true, units: { seconds } },
  };
}

function estimateOf({ bounds }: SpeechRequest, seconds: number): Usage {
  return { ...NO_USAGE, input: bounds.promptTokens, audioOut: Math.ceil(seconds * TOKENS_PER_SECOND) };
}

/** Bytes of sound; Mistral wraps them in JSON as `audio_data` (recorded 2026). Throws UnreadableAnswer for anything else that is text. */
function soundOf(answer: WholeAnswer, { format }: SpeechRequest): OperationReply {
  const usual = TYPES[format] ?? 'application/octet-stream';
  if (answer.contentType.startsWith('application/json')) {
    const data = jsonOf(answer)['audio_data'];
    if (typeof data !== 'string' || data === '') throw new UnreadableAnswer('The provider’s answer has no sound.');
    return { contentType: usual, body: Buffer.from(data, 'base64') };
  }
  if (answer.contentType.startsWith('text/') || answer.bytes.length === 0) throw new UnreadableAnswer('The provider’s answer is no sound.');
  return { contentType: answer.contentType === '' ? usual : answer.contentType, body: answer.bytes };
}
