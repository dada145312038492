import type { ChatRequest, ResponseFormat } from '../../chat/request.js';
import type { GeminiFacts } from './model-facts.js';
import { renderThinking } from './render-thinking.js';
import type { AdjustmentReport } from './report.js';
import { responseSchema } from './schema-full.js';
import { schemaSubset } from './schema-subset.js';
import { isWire, put, type Wire } from './wire.js';

/** "The set of character sequences (up to 5) that will stop output generation" (https://ai.google.dev/api/generate-content#GenerationConfig, read 2026-11-21). */
const MAX_STOP_COUNT = 5;

/** `generationConfig` of a canonical request; members a Gemini client sent that have no canonical place come back unchanged. */
export function renderGenerationConfig(request: ChatRequest, facts: GeminiFacts, report: AdjustmentReport): Wire {
  const { sampling } = request;
  const kept = request.extra['generationConfig'];
  const config: Wire = isWire(kept) ? { ...kept } : {};
  put(config, 'temperature', sampling.temperature);
  put(config, 'topP', sampling.topP);
  put(config, 'topK', sampling.topK);
  put(config, 'maxOutputTokens', request.maxOutputTokens);
  put(config, 'stopSequences', stopSequences(sampling.stop, report));
  put(config, 'candidateCount', sampling.n);
  put(config, 'seed', sampling.seed);
  put(config, 'presencePenalty', sampling.presencePenalty);
  put(config, 'frequencyPenalty', sampling.frequencyPenalty);
  put(config, 'responseLogprobs', sampling.logprobs);
  put(config, 'logprobs', sampling.topLogprobs);
  put(
    config,
    'responseModalities',
    request.modalities?.map((modality) => modality.toUpperCase()),
  );
  put(config, 'thinkingConfig', renderThinking(request.reasoning, facts, report));
  Object.assign(config, renderFormat(request.responseFormat, facts), renderVoice(request, report));
  reportDropped(request, report);
  return config;
}

function stopSequences(stop: string[] | undefined, report: AdjustmentReport): string[] | undefined {
  if (stop === undefined || stop.length === 0) return undefined;
  if (stop.length > MAX_STOP_COUNT) report.add('stop', 'clamped', String(MAX_STOP_COUNT));
  return stop.slice(0, MAX_STOP_COUNT);
}

function renderFormat(format: ResponseFormat | undefined, facts: GeminiFacts): Wire {
  if (format === undefined || format.type === 'text') return {};
  if (format.type === 'json') return { responseMimeType: 'application/json' };
  const schema =
    format.description === undefined || format.schema['description'] !== undefined ? format.schema : { ...format.schema, description: format.description };
  return facts.fullJsonSchema
    ? { responseMimeType: 'application/json', responseJsonSchema: responseSchema(schema) }
    : { responseMimeType: 'application/json', responseSchema: schemaSubset(schema) };
}

/** OpenAI's `audio: {voice, format}`; the format cannot be chosen, Gemini speaks 24 kHz PCM. */
function renderVoice(request: ChatRequest, report: AdjustmentReport): Wire {
  const voice = request.audioOutput?.['voice'];
  const format = request.audioOutput?.['format'];
  if (format !== undefined && format !== 'pcm16') report.add('audioOutput', 'clamped', 'pcm16');
  return typeof voice === 'string' ? { speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: voice } } } } : {};
}

/** Parameters Gemini has no word for. `promptCacheKey` is not among them: the gateway itself honours it by affinity. */
function reportDropped(request: ChatRequest, report: AdjustmentReport): void {
  const { sampling } = request;
  for (const name of ['minP', 'repetitionPenalty', 'logitBias'] as const) {
    if (sampling[name] !== undefined) report.add(name, 'dropped');
  }
  for (const name of ['user', 'safetyIdentifier', 'verbosity'] as const) {
    if (request[name] !== undefined) report.add(name, 'dropped');
  }
  if (request.metadata !== undefined && Object.keys(request.metadata).length > 0) report.add('metadata', 'dropped');
  if (request.store === true) report.add('store', 'dropped');
  if (request.parallelToolCalls === false) report.add('parallelToolCalls', 'dropped');
}
