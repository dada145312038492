import type { ChatRequest, RequestNeeds } from '../chat/request.js';
import type { Caller } from '../policy/caller.js';
import type { AffinityKey } from './affinity-key.js';
import type { Plan } from './plan.js';
import type { PlanQuestion } from './plan-attempts.js';

/** What a plan was made from, without a word of the client's text: enough to make it again under another configuration. */
export interface RoutingRecord {
  /** The name asked for, then the client's own fallbacks. */
  models: readonly string[];
  needs: RequestNeeds;
  endpoint: string;
  noFallback: boolean;
  allowDegraded: boolean;
  seed: number;
  affinity: AffinityKey | null;
  historyOrigin: string | null;
  arm: string | null;
  explored: boolean;
}

/** Of a request that was planned, or was refused before. */
export function routingRecordOf({ request, needs, options }: Omit<PlanQuestion, 'caller'>, plan: Plan | undefined): RoutingRecord {
  return {
    models: request.models === undefined ? [request.model] : [request.model, ...request.models],
    needs,
    endpoint: options.endpoint ?? 'chat',
    noFallback: options.noFallback,
    allowDegraded: options.allowDegraded === true,
    ...(plan === undefined ? UNPLANNED : drawsOf(plan)),
  };
}

type Draws = Pick<RoutingRecord, 'seed' | 'affinity' | 'historyOrigin' | 'arm' | 'explored'>;

const UNPLANNED: Draws = { seed: 0, affinity: null, historyOrigin: null, arm: null, explored: false };

function drawsOf({ seed, affinity, historyOrigin, arm, explored }: Plan): Draws {
  return { seed, affinity: affinity ?? null, historyOrigin: historyOrigin ?? null, arm: arm ?? null, explored: explored === true };
}

/** The question a record answers, asked again. Where no affinity was worked out then, it is now. */
export function questionOfRecord(record: RoutingRecord, asked: { caller: Caller | null; tags: readonly string[]; sessionId?: string }): PlanQuestion {
  const [model = '', ...models] = record.models;
  const { affinity, historyOrigin } = record;
  return {
    request: { ...EMPTY, model, ...(models.length > 0 && { models }) },
    needs: record.needs,
    caller: asked.caller,
    options: {
      noFallback: record.noFallback,
      allowDegraded: record.allowDegraded,
      endpoint: record.endpoint,
      tags: asked.tags,
      ...(asked.sessionId !== undefined && { sessionId: asked.sessionId }),
    },
    recalled: affinity === null ? { historyOrigin } : { affinity, historyOrigin },
  };
}

const EMPTY: Omit<ChatRequest, 'model'> = { messages: [], tools: [], sampling: {}, stream: false, includeUsage: false, extra: {}, wireNames: {} };

type FlagName = Exclude<keyof RequestNeeds, 'choices' | 'promptTokensEstimate' | 'maxOutputTokens'>;

/** Needs by the names the log shows. */
const NEEDS: Readonly<Record<string, FlagName>> = {
  streaming: 'streaming',
  tools: 'tools',
  parallel_tools: 'parallelTools',
  vision: 'vision',
  audio_input: 'audioInput',
  audio_output: 'audioOutput',
  image_output: 'imageOutput',
  files: 'files',
  json_schema: 'jsonSchema',
  json_object: 'jsonObject',
  reasoning: 'reasoning',
  logprobs: 'logprobs',
};

/** As the log keeps and shows it. */
export function renderRoutingRecord(record: RoutingRecord): Record<string, unknown> {
  const { needs, affinity } = record;
  return {
    models: record.models,
    endpoint: record.endpoint,
    needs: Object.keys(NEEDS).filter((name) => needs[NEEDS[name] as FlagName]),
    choices: needs.choices,
    prompt_tokens: needs.promptTokensEstimate,
    max_output_tokens: needs.maxOutputTokens ?? null,
    no_fallback: record.noFallback,
    allow_degraded: record.allowDegraded,
    seed: record.seed,
    affinity: affinity === null ? null : { source: affinity.source, key: affinity.value },
    history_origin: record.historyOrigin,
    arm: record.arm,
    explored: record.explored,
  };
}

/** Null for what is no record: a log written before there were any, or of a request that was refused unread. */
export function parseRoutingRecord(value: unknown): RoutingRecord | null {
  if (typeof value !== 'object' || value === null) return null;
  const stored = value as Record<string, unknown>;
  const { models, seed, needs } = stored;
  if (!Array.isArray(models) || models.length === 0 || typeof seed !== 'number' || !Array.isArray(needs)) return null;
  return {
    models: models.map(String),
    needs: parseNeeds(stored, needs.map(String)),
    endpoint: textOf(stored['endpoint']) ?? 'chat',
    noFallback: stored['no_fallback'] === true,
    allowDegraded: stored['allow_degraded'] === true,
    seed,
    affinity: parseAffinity(stored['affinity']),
    historyOrigin: textOf(stored['history_origin']),
    arm: textOf(stored['arm']),
    explored: stored['explored'] === true,
  };
}

function parseNeeds(stored: Readonly<Record<string, unknown>>, names: readonly string[]): RequestNeeds {
  const flags = Object.fromEntries(Object.entries(NEEDS).map(([name, flag]) => [flag, names.includes(name)])) as Record<FlagName, boolean>;
  const maximum = stored['max_output_tokens'];
  return {
    ...flags,
    choices: countOf(stored['choices']) ?? 1,
    promptTokensEstimate: countOf(stored['prompt_tokens']) ?? 0,
    ...(typeof maximum === 'number' && { maxOutputTokens: maximum }),
  };
}

function parseAffinity(value: unknown): AffinityKey | null {
  const { source, key } = (value ?? {}) as { source?: AffinityKey['source']; key?: unknown };
  return source === undefined || typeof key !== 'string' ? null : { value: key, source };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const countOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
