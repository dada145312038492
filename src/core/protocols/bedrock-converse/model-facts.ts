import type { ReasoningEffort } from '../../chat/request.js';
import type { UpstreamRenderContext } from '../protocol.js';

export type Family = 'claude' | 'nova' | 'gpt-oss' | 'mistral' | 'other';

/** What Converse leaves to the model behind it. Stated in the catalogue (`family`, `thinking`, `effort`, `cache_points`, `structured_output`), else read off the id. */
export interface BedrockFacts {
  family: Family;
  /** How thinking is asked for; `none`: not at all. */
  thinking: 'none' | 'budget' | 'adaptive' | 'nova' | 'effort';
  efforts: readonly ReasoningEffort[];
  cachePoints: boolean;
  /** `outputConfig.textFormat` and `toolSpec.strict`. */
  structuredOutput: boolean;
  /** Takes temperature and top_p together, one of them, or neither (`sampling: false` in the catalogue). */
  sampling: 'both' | 'one' | 'none';
}

const FAMILIES: readonly [RegExp, Family][] = [
  [/anthropic\.claude|\bclaude-/, 'claude'],
  [/amazon\.nova/, 'nova'],
  [/openai\.gpt-oss/, 'gpt-oss'],
  [/\bmistral\./, 'mistral'],
];
const KNOWN_FAMILIES: ReadonlySet<unknown> = new Set(['claude', 'nova', 'gpt-oss', 'mistral', 'other']);
const KNOWN_THINKING: ReadonlySet<unknown> = new Set(['none', 'budget', 'adaptive', 'nova', 'effort']);
const USUAL_THINKING: Readonly<Record<Family, BedrockFacts['thinking']>> = {
  claude: 'budget',
  nova: 'nova',
  'gpt-oss': 'effort',
  mistral: 'none',
  other: 'none',
};

export function readFacts({ upstreamModel, reasons, modelFacts }: UpstreamRenderContext): BedrockFacts {
  const family = familyOf(modelFacts['family'], upstreamModel);
  const efforts = modelFacts['effort'];
  return {
    family,
    thinking: reasons ? thinkingOf(modelFacts['thinking'], family) : 'none',
    efforts: Array.isArray(efforts) ? efforts.filter((level): level is ReasoningEffort => typeof level === 'string') : ['low', 'medium', 'high'],
    cachePoints: typeof modelFacts['cache_points'] === 'boolean' ? modelFacts['cache_points'] : family === 'claude' || family === 'nova',
    structuredOutput: modelFacts['structured_output'] === true,
    sampling: modelFacts['sampling'] === false ? 'none' : family === 'claude' ? 'one' : 'both',
  };
}

function familyOf(stated: unknown, upstreamModel: string): Family {
  if (KNOWN_FAMILIES.has(stated)) return stated as Family;
  return FAMILIES.find(([pattern]) => pattern.test(upstreamModel))?.[1] ?? 'other';
}

function thinkingOf(stated: unknown, family: Family): BedrockFacts['thinking'] {
  return KNOWN_THINKING.has(stated) ? (stated as BedrockFacts['thinking']) : USUAL_THINKING[family];
}
