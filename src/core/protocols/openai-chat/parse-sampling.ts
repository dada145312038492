import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { Sampling } from '../../chat/request.js';
import type { Fields, NumberRange } from '../../json/index.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { kindOf } from '../../json/index.js';

/** OpenAI takes 4, other providers up to 16; the provider's own limit is the provider's to state. */
const MAX_STOP_SEQUENCES = 64;
const MAX_BIASES = 1_024;
const MAX_TOKENS = 2 ** 31 - 1;

const NUMBERS: readonly (readonly [keyof Sampling, string, NumberRange])[] = [
  ['temperature', 'temperature', { min: 0, max: 2 }],
  ['topP', 'top_p', { min: 0, max: 1 }],
  ['minP', 'min_p', { min: 0, max: 1 }],
  ['presencePenalty', 'presence_penalty', { min: -2, max: 2 }],
  ['frequencyPenalty', 'frequency_penalty', { min: -2, max: 2 }],
  ['repetitionPenalty', 'repetition_penalty', { min: 0, max: 10 }],
];

const INTEGERS: readonly (readonly [keyof Sampling, string, NumberRange])[] = [
  // vLLM and others write -1 for "no limit".
  ['topK', 'top_k', { min: -1, max: 1_000_000 }],
  ['seed', 'seed', { min: -(2 ** 63), max: 2 ** 64 }],
  ['n', 'n', { min: 1, max: 128 }],
  ['topLogprobs', 'top_logprobs', { min: 0, max: 20 }],
];

export function parseSampling(fields: Fields): Sampling {
  const sampling: Sampling = {};
  for (const [name, wire, range] of NUMBERS) {
    const value = fields.number(wire, range);
    if (value !== undefined) Object.assign(sampling, { [name]: value });
  }
  for (const [name, wire, range] of INTEGERS) {
    const value = fields.integer(wire, range);
    if (value !== undefined) Object.assign(sampling, { [name]: value });
  }
  const stop = parseStop(fields);
  if (stop !== undefined) sampling.stop = stop;
  const logprobs = fields.boolean('logprobs');
  if (logprobs !== undefined) sampling.logprobs = logprobs;
  const logitBias = parseLogitBias(fields);
  if (logitBias !== undefined) sampling.logitBias = logitBias;
  return sampling;
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
