import { member, type JsonBytes } from '../json/index.js';
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

/** Needs by the names the log shows. Read by functions: reading members by varying names costs V8 five times as much (2026-11-30). */
const NEEDS: readonly (readonly [name: string, flag: FlagName, isNeeded: (needs: RequestNeeds) => boolean])[] = [
  ['streaming', 'streaming', (needs) => needs.streaming],
  ['tools', 'tools', (needs) => needs.tools],
  ['parallel_tools', 'parallelTools', (needs) => needs.parallelTools],
  ['vision', 'vision', (needs) => needs.vision],
  ['audio_input', 'audioInput', (needs) => needs.audioInput],
  ['audio_output', 'audioOutput', (needs) => needs.audioOutput],
  ['image_output', 'imageOutput', (needs) => needs.imageOutput],
  ['files', 'files', (needs) => needs.files],
  ['json_schema', 'jsonSchema', (needs) => needs.jsonSchema],
  ['json_object', 'jsonObject', (needs) => needs.jsonObject],
  ['reasoning', 'reasoning', (needs) => needs.reasoning],
  ['logprobs', 'logprobs', (needs) => needs.logprobs],
];

/** What a member of a written record is that is left out. */
export const USUAL_ROUTING: Readonly<Record<string, unknown>> = {
  endpoint: 'chat', needs: [], choices: 1, max_output_tokens: null, no_fallback: false, allow_degraded: false, affinity: null, history_origin: null,
  arm: null, explored: false,
};

const MODELS = member('models');
const ENDPOINT = member('endpoint');
const CHOICES = member('choices');
const PROMPT_TOKENS = member('prompt_tokens');
const MAX_OUTPUT_TOKENS = member('max_output_tokens');
const NO_FALLBACK = member('no_fallback');
const ALLOW_DEGRADED = member('allow_degraded');
const SEED = member('seed');
const HISTORY_ORIGIN = member('history_origin');
const ARM = member('arm');
const EXPLORED = member('explored');

/** As the log keeps it, without what is usual: members of the object that has been begun. */
export function writeRoutingRecord(json: JsonBytes, record: RoutingRecord): void {
  json.beginArrayOf(MODELS);
  for (const model of record.models) json.textItem(model);
  json.endArray();
  if (record.endpoint !== 'chat') json.text(ENDPOINT, record.endpoint);
  writeNeeds(json, record.needs);
  if (record.noFallback) json.flag(NO_FALLBACK, true);
  if (record.allowDegraded) json.flag(ALLOW_DEGRADED, true);
  json.number(SEED, record.seed);
  if (record.affinity !== null) writeAffinity(json, record.affinity);
  if (record.historyOrigin !== null) json.text(HISTORY_ORIGIN, record.historyOrigin);
  if (record.arm !== null) json.text(ARM, record.arm);
  if (record.explored) json.flag(EXPLORED, true);
}

const NEED_NAMES = member('needs');

function writeNeeds(json: JsonBytes, needs: RequestNeeds): void {
  let isOpen = false;
  for (const [name, , isNeeded] of NEEDS) {
    if (!isNeeded(needs)) continue;
    if (!isOpen) json.beginArrayOf(NEED_NAMES);
    isOpen = true;
    json.textItem(name);
  }
  if (isOpen) json.endArray();
  if (needs.choices !== 1) json.number(CHOICES, needs.choices);
  json.number(PROMPT_TOKENS, needs.promptTokensEstimate);
  if (needs.maxOutputTokens !== undefined) json.number(MAX_OUTPUT_TOKENS, needs.maxOutputTokens);
}

const AFFINITY = member('affinity');
const SOURCE = member('source');
const KEY = member('key');

function writeAffinity(json: JsonBytes, { source, value }: AffinityKey): void {
  json.beginObjectOf(AFFINITY);
  json.text(SOURCE, source);
  json.text(KEY, value);
  json.endObject();
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
  const flags = Object.fromEntries(NEEDS.map(([name, flag]) => [flag, names.includes(name)])) as Record<FlagName, boolean>;
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
