import { isObject, type JsonObject } from '../json/index.js';

/** One model of a foreign price list, in our words. Amounts are USD per million tokens as decimal strings. */
export interface ForeignRow {
  provider: string;
  upstreamModel: string;
  name?: string;
  released?: string;
  contextWindow?: number;
  maxOutput?: number;
  price: Readonly<Record<string, string>>;
  /** Capability flags by the catalogue's names; what the list is silent about is absent. */
  flags: Readonly<Record<string, boolean>>;
  endpoints: readonly string[];
}

export type ForeignFormat = 'models.dev' | 'litellm';

/** Their name of a provider → ours, where it differs. */
const PROVIDERS: Readonly<Record<ForeignFormat, Readonly<Record<string, string>>>> = {
  'models.dev': {
    google: 'gemini',
    togetherai: 'together',
    'fireworks-ai': 'fireworks',
    moonshotai: 'moonshot',
    'amazon-bedrock': 'bedrock',
    azure: 'azure-openai',
    'google-vertex': 'vertex',
    'novita-ai': 'novita',
    'cloudflare-workers-ai': 'cloudflare',
    'ollama-cloud': 'ollama',
  },
  litellm: {
    together_ai: 'together',
    fireworks_ai: 'fireworks',
    dashscope: 'alibaba',
    nvidia_nim: 'nvidia',
    jina_ai: 'jina',
    azure: 'azure-openai',
    bedrock_converse: 'bedrock',
    cohere_chat: 'cohere',
  },
};

const DEV_COSTS = {
  input: 'input',
  output: 'output',
  cache_read: 'cache_read',
  cache_write: 'cache_write',
  reasoning: 'reasoning',
  input_audio: 'audio_in',
  output_audio: 'audio_out',
};
const LITELLM_COSTS = {
  input_cost_per_token: 'input',
  output_cost_per_token: 'output',
  cache_read_input_token_cost: 'cache_read',
  cache_creation_input_token_cost: 'cache_write',
  output_cost_per_reasoning_token: 'reasoning',
  input_cost_per_audio_token: 'audio_in',
  output_cost_per_audio_token: 'audio_out',
};
const LITELLM_FLAGS = {
  supports_function_calling: 'tools',
  supports_vision: 'vision',
  supports_reasoning: 'reasoning',
  supports_response_schema: 'json_schema',
};
const MODES: Readonly<Record<string, string>> = {
  embedding: 'embeddings',
  rerank: 'rerank',
  image_generation: 'images',
  audio_speech: 'audio',
  audio_transcription: 'audio',
  moderation: 'moderations',
};
const MAX_ROWS = 50_000;
const PLACES = 9;

/** Which list this is, by its shape; null when it is neither. */
export function foreignFormat(document: unknown): ForeignFormat | null {
  if (!isObject(document)) return null;
  const entries = Object.values(document).filter(isObject);
  if (entries.some((entry) => isObject(entry['models']))) return 'models.dev';
  return entries.some((entry) => typeof entry['litellm_provider'] === 'string') ? 'litellm' : null;
}

/** Every model of the list that has a name. Unknown members are passed over: the list is not ours to check. */
export function parseForeignPrices(document: unknown, format: ForeignFormat): ForeignRow[] {
  if (!isObject(document)) return [];
  const rows = format === 'models.dev' ? modelsDev(document) : litellm(document);
  return rows.slice(0, MAX_ROWS);
}

function modelsDev(document: JsonObject): ForeignRow[] {
  return Object.entries(document).flatMap(([provider, entry]) => {
    const models = isObject(entry) && isObject(entry['models']) ? entry['models'] : {};
    return Object.entries(models).flatMap(([model, facts]) => (isObject(facts) ? [modelsDevRow(provider, model, facts)] : []));
  });
}

function modelsDevRow(provider: string, upstreamModel: string, facts: JsonObject): ForeignRow {
  const limit = objectAt(facts, 'limit');
  const modalities = objectAt(facts, 'modalities');
  const inputs = Array.isArray(modalities['input']) ? (modalities['input'] as unknown[]) : [];
  return {
    ...identity('models.dev', provider, upstreamModel),
    ...texts({ name: facts['name'], released: facts['release_date'] }),
    ...sizes(limit['context'], limit['output']),
    price: costs(objectAt(facts, 'cost'), DEV_COSTS, 0),
    flags: flags({
      tools: facts['tool_call'],
      reasoning: facts['reasoning'],
      json_schema: facts['structured_output'],
      ...(inputs.length > 0 && { vision: inputs.includes('image') }),
    }),
    endpoints: ['chat'],
  };
}

function litellm(document: JsonObject): ForeignRow[] {
  return Object.entries(document).flatMap(([key, facts]) => {
    if (key === 'sample_spec' || !isObject(facts) || typeof facts['litellm_provider'] !== 'string') return [];
    const provider = facts['litellm_provider'];
    const upstreamModel = key.startsWith(`${provider}/`) ? key.slice(provider.length + 1) : key;
    return [
      {
        ...identity('litellm', provider, upstreamModel),
        ...sizes(facts['max_input_tokens'], facts['max_output_tokens']),
        price: costs(facts, LITELLM_COSTS, 6),
        flags: flags(Object.fromEntries(Object.entries(LITELLM_FLAGS).map(([theirs, ours]) => [ours, facts[theirs]]))),
        endpoints: [MODES[String(facts['mode'])] ?? 'chat'],
      },
    ];
  });
}

function identity(format: ForeignFormat, provider: string, upstreamModel: string): Pick<ForeignRow, 'provider' | 'upstreamModel'> {
  const names = PROVIDERS[format];
  return { provider: Object.hasOwn(names, provider) ? (names[provider] as string) : provider, upstreamModel };
}

function texts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''));
}

function flags(values: Readonly<Record<string, unknown>>): Record<string, boolean> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean'));
}

function sizes(context: unknown, output: unknown): Pick<ForeignRow, 'contextWindow' | 'maxOutput'> {
  const size = (value: unknown): number | undefined => (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined);
  const [contextWindow, maxOutput] = [size(context), size(output)];
  return { ...(contextWindow !== undefined && { contextWindow }), ...(maxOutput !== undefined && { maxOutput }) };
}

/** Zero says "not known" as often as "free" in such lists, so it is passed over: nothing becomes free by an import. */
function costs(from: JsonObject, names: Readonly<Record<string, string>>, shift: number): Record<string, string> {
  const price: Record<string, string> = {};
  for (const [theirs, ours] of Object.entries(names)) {
    const value = from[theirs];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) price[ours] = decimal(value, shift);
  }
  return price;
}

/** The shortest decimal that the number stands for, moved by powers of ten without binary fractions: 1.5e-7 per token is "0.15" per million. */
export function decimal(value: number, shift: number): string {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const point = 1 + Number(exponent) + shift;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const fraction = padded
    .slice(at, at + PLACES)
    .replace(/0+$/, '')
    .padEnd(2, '0');
  return `${padded.slice(0, at)}.${fraction}`;
}

function objectAt(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isObject(value) ? value : {};
}
