import type { ParameterAction, ParameterAdjustment } from '../../core/chat/parameter-report.js';
import type { ChatRequest } from '../../core/chat/request.js';

type Read = (request: ChatRequest) => unknown;

/** Parameters a client may have given, by canonical name: how to see that, and OpenAI's name for it. */
const GIVEN: Readonly<Record<string, { read: Read; name: string }>> = {
  temperature: { read: (r) => r.sampling.temperature, name: 'temperature' },
  topP: { read: (r) => r.sampling.topP, name: 'top_p' },
  topK: { read: (r) => r.sampling.topK, name: 'top_k' },
  minP: { read: (r) => r.sampling.minP, name: 'min_p' },
  seed: { read: (r) => r.sampling.seed, name: 'seed' },
  stop: { read: (r) => r.sampling.stop, name: 'stop' },
  n: { read: (r) => r.sampling.n, name: 'n' },
  presencePenalty: { read: (r) => r.sampling.presencePenalty, name: 'presence_penalty' },
  frequencyPenalty: { read: (r) => r.sampling.frequencyPenalty, name: 'frequency_penalty' },
  repetitionPenalty: { read: (r) => r.sampling.repetitionPenalty, name: 'repetition_penalty' },
  logitBias: { read: (r) => r.sampling.logitBias, name: 'logit_bias' },
  logprobs: { read: (r) => r.sampling.logprobs, name: 'logprobs' },
  topLogprobs: { read: (r) => r.sampling.topLogprobs, name: 'top_logprobs' },
  maxOutputTokens: { read: (r) => r.maxOutputTokens, name: 'max_tokens' },
  tools: { read: (r) => (r.tools.length > 0 ? r.tools : undefined), name: 'tools' },
  toolChoice: { read: (r) => r.toolChoice, name: 'tool_choice' },
  parallelToolCalls: { read: (r) => r.parallelToolCalls, name: 'parallel_tool_calls' },
  responseFormat: { read: (r) => r.responseFormat, name: 'response_format' },
  reasoning: { read: (r) => r.reasoning, name: 'reasoning_effort' },
  promptCacheKey: { read: (r) => r.promptCacheKey, name: 'prompt_cache_key' },
  serviceTier: { read: (r) => r.serviceTier, name: 'service_tier' },
  metadata: { read: (r) => r.metadata, name: 'metadata' },
  user: { read: (r) => r.user, name: 'user' },
  safetyIdentifier: { read: (r) => r.safetyIdentifier, name: 'safety_identifier' },
  store: { read: (r) => r.store, name: 'store' },
  verbosity: { read: (r) => r.verbosity, name: 'verbosity' },
  modalities: { read: (r) => r.modalities, name: 'modalities' },
  audioOutput: { read: (r) => r.audioOutput, name: 'audio' },
};

/** Wire names that differ between the protocols, to canonical ones; OpenAI's own are added below. */
const CANONICAL: Record<string, string> = {
  max_completion_tokens: 'maxOutputTokens',
  maxOutputTokens: 'maxOutputTokens',
  random_seed: 'seed',
  stop_sequences: 'stop',
  stopSequences: 'stop',
  candidateCount: 'n',
  topP: 'topP',
  topK: 'topK',
  presencePenalty: 'presencePenalty',
  frequencyPenalty: 'frequencyPenalty',
  responseLogprobs: 'logprobs',
  thinking: 'reasoning',
  reasoning: 'reasoning',
  thinkingConfig: 'reasoning',
  // What the word `effort` makes of it.
  enable_thinking: 'reasoning',
  thinking_budget: 'reasoning',
  chat_template_kwargs: 'reasoning',
};
for (const [canonical, { name }] of Object.entries(GIVEN)) CANONICAL[name] ??= canonical;

/** The gateway asks for usage by itself and shows it as the client wished, so its loss on the way is nobody's. */
const OURS: ReadonlySet<string> = new Set(['model', 'messages', 'contents', 'stream', 'stream_options']);

/** Collects what the dialect did, under the client's own names, and only for what the client had given. */
export class DialectReport {
  readonly adjustments: ParameterAdjustment[];

  constructor(
    private readonly request: ChatRequest,
    /** The wire holds the client's own members. */
    private readonly native: boolean,
    adjustments: readonly ParameterAdjustment[] = [],
  ) {
    this.adjustments = [...adjustments];
  }

  /** `path` is the upstream's name of the parameter, dotted when nested. */
  add(path: string, action: ParameterAction, detail?: string): void {
    const name = this.clientName(path);
    if (name !== null) this.addNamed(name, action, detail);
  }

  /** Under a name that is the client's already; once. */
  addNamed(name: string, action: ParameterAction, detail?: string): void {
    const known = this.adjustments.some((item) => item.parameter === name && item.action === action);
    if (!known) this.adjustments.push(detail === undefined ? { parameter: name, action } : { parameter: name, action, detail });
  }

  /** The client's word for an upstream parameter; null when the client never gave it. */
  clientName(path: string): string | null {
    const leaf = path.slice(path.lastIndexOf('.') + 1);
    if (OURS.has(leaf)) return null;
    if (Object.hasOwn(this.request.extra, leaf)) return leaf;
    const canonical = CANONICAL[leaf];
    const entry = canonical === undefined ? undefined : GIVEN[canonical];
    const own = this.native ? leaf : null;
    if (canonical === undefined || entry === undefined) return own;
    if (entry.read(this.request) === undefined) return own;
    return this.request.wireNames[canonical] ?? own ?? entry.name;
  }
}
