import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { Sampling } from '../../chat/request.js';
import type { Fields, NumberRange } from '../../json/index.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { kindOf } from '../../json/index.js';

/** OpenAI takes 4, other providers up to 16; the provider's own limit is the provider's to state. */
const MAX_STOP_SEQUENCES = 64;
const MAX_BIASES = 1_024;
const MAX_TOKENS = 2 ** 31 - 1;

interface Reader {
  name: keyof Sampling;
  read(fields: Fields, wire: string): unknown;
}

function numbers(name: keyof Sampling, range: NumberRange): Reader {
  return { name, read: (fields, wire) => fields.number(wire, range) };
}

function integers(name: keyof Sampling, range: NumberRange): Reader {
  return { name, read: (fields, wire) => fields.integer(wire, range) };
}

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['temperature', numbers('temperature', { min: 0, max: 2 })],
  ['top_p', numbers('topP', { min: 0, max: 1 })],
  ['min_p', numbers('minP', { min: 0, max: 1 })],
  ['presence_penalty', numbers('presencePenalty', { min: -2, max: 2 })],
  ['frequency_penalty', numbers('frequencyPenalty', { min: -2, max: 2 })],
  ['repetition_penalty', numbers('repetitionPenalty', { min: 0, max: 10 })],
  // vLLM and others write -1 for "no limit".
  ['top_k', integers('topK', { min: -1, max: 1_000_000 })],
  ['seed', integers('seed', { min: -(2 ** 63), max: 2 ** 64 })],
  ['n', integers('n', { min: 1, max: 128 })],
  ['top_logprobs', integers('topLogprobs', { min: 0, max: 20 })],
  ['stop', { name: 'stop', read: parseStop }],
  ['logprobs', { name: 'logprobs', read: (fields) => fields.boolean('logprobs') }],
  ['logit_bias', { name: 'logitBias', read: parseLogitBias }],
]);

/** Goes through what the body has, which is little, rather than through all that it might have. */
export function parseSampling(fields: Fields): Sampling {
  const sampling: Partial<Record<keyof Sampling, unknown>> = {};
  for (const wire in fields.object) {
    const reader = READERS.get(wire);
    if (reader === undefined) continue;
    const value = reader.read(fields, wire);
    if (value !== undefined) sampling[reader.name] = value;
  }
  return sampling as Sampling;
}

function parseStop(fields: Fields): string[] | undefined {
  const value = fields.object['stop'];
  if (typeof value === 'string') return [value];
  if (value !== undefined && value !== null && !Array.isArray(value)) throw fields.wrong('stop', 'a string or an array of strings');
  return fields.stringArray('stop', MAX_STOP_SEQUENCES);
}

function parseLogitBias(fields: Fields): Record<string, number> | undefined {
  const biases = fields.rawObject('logit_bias');
  if (biases === undefined) return undefined;
  const entries = Object.entries(biases);
  if (entries.length > MAX_BIASES) throw fields.wrong('logit_bias', `an object of at most ${MAX_BIASES} members`);
  for (const [token, bias] of entries) {
    if (typeof bias !== 'number' || !Number.isFinite(bias) || Math.abs(bias) > 100) {
      const path = `logit_bias[${JSON.stringify(token.slice(0, 40))}]`;
      throw invalidRequest(path, `\`${path}\` must be a number from -100 to 100, but is ${kindOf(bias)}.`);
    }
  }
  return biases as Record<string, number>;
}

/** Both names work on every model; when both are given the smaller number holds and the other is reported as dropped. */
export function readMaxTokens(fields: Fields, adjustments: ParameterAdjustment[]): { value: number; wireName: string } | undefined {
  const range = { min: 1, max: MAX_TOKENS };
  const old = fields.integer('max_tokens', range);
  const now = fields.integer('max_completion_tokens', range);
  if (now === undefined) return old === undefined ? undefined : { value: old, wireName: 'max_tokens' };
  if (old === undefined) return { value: now, wireName: 'max_completion_tokens' };
  const oldHolds = old < now;
  adjustments.push({ parameter: oldHolds ? 'max_completion_tokens' : 'max_tokens', action: 'dropped' });
  return oldHolds ? { value: old, wireName: 'max_tokens' } : { value: now, wireName: 'max_completion_tokens' };
}
