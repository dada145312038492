import type { ChatRequest, ReasoningEffort, ReasoningRequest, ResponseFormat } from '../../chat/request.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { jsonSchemaOf } from './json-schema-of-openapi.js';
import { arrayMember, booleanMember, integerMember, member, numberMember, objectMember, remainder, stringMember, writtenName, type Wire } from './wire.js';

type Parsed = Pick<ChatRequest, 'sampling' | 'maxOutputTokens' | 'responseFormat' | 'reasoning' | 'modalities' | 'wireNames'>;

/** Canonical name → member of `generationConfig`. */
const NUMBERS = { temperature: 'temperature', topP: 'topP', topK: 'topK', presencePenalty: 'presencePenalty', frequencyPenalty: 'frequencyPenalty' } as const;
const INTEGERS = { seed: 'seed', n: 'candidateCount', topLogprobs: 'logprobs' } as const;
const EFFORTS: ReadonlySet<string> = new Set<ReasoningEffort>(['minimal', 'low', 'medium', 'high']);

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.values(NUMBERS),
  ...Object.values(INTEGERS),
  'maxOutputTokens',
  'stopSequences',
  'responseLogprobs',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  'responseModalities',
  'thinkingConfig',
]);

/** `generationConfig`; `rest` holds its members without a canonical place, to be sent on to Gemini upstreams. */
export function parseGenerationConfig(body: Wire): Parsed & { rest: Wire } {
  const config = objectMember(body, 'generationConfig', '');
  if (config === undefined) return { sampling: {}, wireNames: {}, rest: {} };
  const path = writtenName(body, 'generationConfig') as string;
  const parsed: Parsed = { sampling: {}, wireNames: {} };
  readSampling(config, path, parsed);
  const rest = remainder(config, KNOWN);
  readFormat(config, path, { parsed, rest });
  const reasoning = readThinking(config, path);
  if (reasoning !== undefined) {
    parsed.reasoning = reasoning;
    parsed.wireNames['reasoning'] = `${path}.${writtenName(config, 'thinkingConfig')}`;
  }
  const modalities = arrayMember(config, 'responseModalities', path);
  if (modalities !== undefined) {
    parsed.modalities = modalities.map((modality) => String(modality).toLowerCase());
    parsed.wireNames['modalities'] = `${path}.${writtenName(config, 'responseModalities')}`;
  }
  return { ...parsed, rest };
}

function readSampling(config: Wire, path: string, parsed: Parsed): void {
  const note = (canonical: string, camel: string): void => {
    parsed.wireNames[canonical] = `${path}.${writtenName(config, camel)}`;
  };
  for (const [canonical, camel] of Object.entries(NUMBERS) as [keyof typeof NUMBERS, string][]) {
    const value = numberMember(config, camel, path);
    if (value === undefined) continue;
    parsed.sampling[canonical] = value;
    note(canonical, camel);
  }
  for (const [canonical, camel] of Object.entries(INTEGERS) as [keyof typeof INTEGERS, string][]) {
    const value = integerMember(config, camel, path);
    if (value === undefined) continue;
    parsed.sampling[canonical] = value;
    note(canonical, camel);
  }
  const maximum = integerMember(config, 'maxOutputTokens', path);
  if (maximum !== undefined) {
    parsed.maxOutputTokens = maximum;
    note('maxOutputTokens', 'maxOutputTokens');
  }
  const stop = arrayMember(config, 'stopSequences', path);
  if (stop !== undefined) {
    parsed.sampling.stop = stop.map((sequence, index) => requireString(sequence, `${path}.stopSequences[${index}]`));
    note('stop', 'stopSequences');
  }
  const logprobs = booleanMember(config, 'responseLogprobs', path);
  if (logprobs === undefined) return;
  parsed.sampling.logprobs = logprobs;
  note('logprobs', 'responseLogprobs');
}

function requireString(value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalidRequest(path, `\`${path}\` must be a string.`);
  return value;
}

function readFormat(config: Wire, path: string, into: { parsed: Parsed; rest: Wire }): void {
  const mimeType = stringMember(config, 'responseMimeType', path);
  if (mimeType === undefined) return;
  into.parsed.wireNames['responseFormat'] = `${path}.${writtenName(config, 'responseMimeType')}`;
  const full = objectMember(config, 'responseJsonSchema', path);
  const subset = objectMember(config, 'responseSchema', path);
  if (mimeType === 'application/json') into.parsed.responseFormat = formatOf(full ?? (subset === undefined ? undefined : jsonSchemaOf(subset)));
  else if (mimeType === 'text/plain') into.parsed.responseFormat = { type: 'text' };
  else Object.assign(into.rest, { responseMimeType: mimeType }, subset === undefined ? {} : { responseSchema: subset });
}

function formatOf(schema: Wire | undefined): ResponseFormat {
  if (schema === undefined) return { type: 'json' };
  const title = typeof schema['title'] === 'string' ? schema['title'].replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64) : '';
  return { type: 'json-schema', name: title === '' ? 'response' : title, schema, strict: true };
}

function readThinking(config: Wire, path: string): ReasoningRequest | undefined {
  const thinking = objectMember(config, 'thinkingConfig', path);
  if (thinking === undefined) return undefined;
  const at = `${path}.${writtenName(config, 'thinkingConfig')}`;
  const reasoning: ReasoningRequest = {};
  const budget = integerMember(thinking, 'thinkingBudget', at);
  if (budget === 0) reasoning.enabled = false;
  else if (budget === -1) reasoning.enabled = true;
  else if (budget !== undefined && budget > 0) reasoning.budgetTokens = budget;
  else if (budget !== undefined) throw invalidRequest(`${at}.thinkingBudget`, `\`${at}.thinkingBudget\` must be -1, 0 or a number of tokens.`);
  const level = levelOf(thinking, at);
  if (level !== undefined) reasoning.effort = level;
  // Thoughts are shown only to those who ask.
  reasoning.summary = booleanMember(thinking, 'includeThoughts', at) === true ? 'auto' : 'none';
  return reasoning;
}

function levelOf(thinking: Wire, path: string): ReasoningEffort | undefined {
  const written = member(thinking, 'thinkingLevel');
  if (written === undefined) return undefined;
  const level = String(written).toLowerCase();
  if (level === 'thinking_level_unspecified') return undefined;
  if (!EFFORTS.has(level)) throw invalidRequest(`${path}.thinkingLevel`, `\`${path}.thinkingLevel\` must be MINIMAL, LOW, MEDIUM or HIGH.`);
  return level as ReasoningEffort;
}
