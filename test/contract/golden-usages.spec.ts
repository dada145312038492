/** Every provider's way of counting, priced to the nano-USD: figures written down by hand, not computed by the code they test. */
import { NO_USAGE, type Usage } from '../../src/core/chat/usage.js';
import { settle, type Ending } from '../../src/core/ledger/index.js';
import { parsePrice } from '../../src/core/pricing/index.js';
import type { ResponseDialect } from '../../src/core/protocols/dialect.js';
import type { ProtocolId } from '../../src/core/protocols/protocol.js';
import { DEFINITIONS, type ProviderDefinition } from '../../src/providers/definitions/index.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';

type Json = Record<string, unknown>;

/** In nano-USD a token: input 3,000, output 15,000, cache_read 300, cache_write 3,750, cache_write_1h 6,000, reasoning 20,000, audio_in 40,000. */
const PRICE = parsePrice({ input: '3', output: '15', cache_read: '0.30', cache_write: '3.75', cache_write_1h: '6', reasoning: '20', audio_in: '40', audio_out: '80' }, 'price');
const DELIVERED: Usage = { ...NO_USAGE, input: 10, output: 2 };
/** 10 × 3,000 + 2 × 15,000. */
const ESTIMATE = 60_000n;

const BODIES: Readonly<Record<Exclude<ProtocolId, 'bedrock-invoke'>, (usage: Json | undefined) => Json>> = {
  'openai-chat': (usage) => ({ id: 'x', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }], usage }),
  'openai-completions': (usage) => ({ id: 'x', object: 'text_completion', created: 1, model: 'm', choices: [{ index: 0, text: 'hi', finish_reason: 'stop' }], usage }),
  'openai-responses': (usage) => ({
    id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'm',
    output: [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'hi', annotations: [] }] }], usage,
  }),
  'anthropic-messages': (usage) => ({ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn', stop_sequence: null, usage }),
  'gemini-generate': (usage) => ({ candidates: [{ content: { parts: [{ text: 'hi' }], role: 'model' }, finishReason: 'STOP', index: 0 }], usageMetadata: usage }),
  'cohere-chat': (usage) => ({ id: 'x', finish_reason: 'COMPLETE', message: { role: 'assistant', content: [{ type: 'text', text: 'hi' }] }, usage }),
  'ollama-chat': (usage) => ({ model: 'm', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: 'hi' }, done: true, done_reason: 'stop', ...usage }),
  'bedrock-converse': (usage) => ({ output: { message: { role: 'assistant', content: [{ text: 'hi' }] } }, stopReason: 'end_turn', metrics: { latencyMs: 1 }, usage }),
};
type Golden = readonly [name: string, usage: Json, nanoUsd: bigint];

/** For every definition of the protocol, whatever it says of its own: what no convention disagrees about. */
const PLAIN: Readonly<Partial<Record<ProtocolId, readonly Golden[]>>> = {
  'openai-chat': [
    ['prompt and completion', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200 }, 6_000_000n],
    ['an explicit 0', { prompt_tokens: 1000, completion_tokens: 0, total_tokens: 1000 }, 3_000_000n],
    ['one token', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }, 18_000n],
  ],
  'openai-completions': [['prompt and completion', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200 }, 6_000_000n]],
  // 600 × 3,000 + 400 × 300 + 150 × 15,000 + 50 × 20,000
  'openai-responses': [
    ['cached and reasoning inside', { input_tokens: 1000, input_tokens_details: { cached_tokens: 400 }, output_tokens: 200, output_tokens_details: { reasoning_tokens: 50 }, total_tokens: 1200 }, 5_170_000n],
  ],
  // 600 × 3,000 + 400 × 300 + 100 × 3,750 + 50 × 6,000 + 200 × 15,000
  'anthropic-messages': [
    ['caches beside the input', { input_tokens: 600, cache_read_input_tokens: 400, cache_creation_input_tokens: 150, cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 50 }, output_tokens: 200 }, 5_595_000n],
    ['a write without lifetimes is of five minutes', { input_tokens: 600, cache_read_input_tokens: 0, cache_creation_input_tokens: 150, output_tokens: 200 }, 5_362_500n],
  ],
  'gemini-generate': [
    ['cached inside, thoughts beside', { promptTokenCount: 1000, cachedContentTokenCount: 400, candidatesTokenCount: 150, thoughtsTokenCount: 50, totalTokenCount: 1200 }, 5_170_000n],
    ['tool use is prompt', { promptTokenCount: 900, toolUsePromptTokenCount: 100, candidatesTokenCount: 200, totalTokenCount: 1200 }, 6_000_000n],
    // 900 × 3,000 + 100 × 40,000 + 200 × 15,000
    ['sound in the prompt', { promptTokenCount: 1000, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 900 }, { modality: 'AUDIO', tokenCount: 100 }], candidatesTokenCount: 200, totalTokenCount: 1200 }, 9_700_000n],
  ],
  // Billed units are Cohere's own bill; `tokens` are what was read and written. 600 × 3,000 + 400 × 300 + 200 × 15,000
  'cohere-chat': [['tokens, of which some were cached', { billed_units: { input_tokens: 50, output_tokens: 190 }, tokens: { input_tokens: 1000, output_tokens: 200 }, cached_tokens: 400 }, 4_920_000n]],
  'ollama-chat': [['counts at the top', { prompt_eval_count: 1000, eval_count: 200 }, 6_000_000n]],
  // 600 × 3,000 + 400 × 300 + 100 × 3,750 + 200 × 15,000
  'bedrock-converse': [['caches beside the input', { inputTokens: 600, cacheReadInputTokens: 400, cacheWriteInputTokens: 100, outputTokens: 200, totalTokens: 1300 }, 5_295_000n]],
};

const INSIDE: readonly Golden[] = [
  ['cached inside the prompt, reasoning inside the completion', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, prompt_tokens_details: { cached_tokens: 400 }, completion_tokens_details: { reasoning_tokens: 50 } }, 5_170_000n],
  ['everything cached', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, prompt_tokens_details: { cached_tokens: 1000 } }, 3_300_000n],
];

/** What a definition says of its own numbers (`usageSemantics`, in this order) → figures that only this reading gives. */
const CONVENTIONS: Readonly<Record<string, readonly Golden[]>> = {
  '{}': [
    ...INSIDE,
    // The provider's own total only adds up beside: 1000 × 3,000 + 200 × 15,000 + 50 × 20,000
    ['reasoning beside, as the total shows (xAI)', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1250, completion_tokens_details: { reasoning_tokens: 50 } }, 7_000_000n],
    ['DeepSeek’s own names', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, prompt_cache_hit_tokens: 400, prompt_cache_miss_tokens: 600 }, 4_920_000n],
    ['Mistral’s own name', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, num_cached_tokens: 400 }, 4_920_000n],
    ['OpenRouter’s writes', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, prompt_tokens_details: { cached_tokens: 400, cache_write_tokens: 100 } }, 4_995_000n],
    ['sound, in and out', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, prompt_tokens_details: { audio_tokens: 100 }, completion_tokens_details: { audio_tokens: 100 } }, 16_200_000n],
  ],
  '{"promptIncludesCacheRead":true}': INSIDE,
  '{"promptIncludesCacheRead":true,"promptIncludesCacheWrite":true,"completionIncludesReasoning":true}': [
    ...INSIDE,
    ['written inside the prompt', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, prompt_tokens_details: { cached_tokens: 400, cache_creation_input_tokens: 100 } }, 4_995_000n],
  ],
  // 1000 × 3,000 + 200 × 15,000 + 50 × 20,000
  '{"completionIncludesReasoning":false}': [['reasoning beside the completion', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, reasoning_tokens: 50 }, 7_000_000n]],
};

interface Case {
  definition: string;
  protocol: Exclude<ProtocolId, 'bedrock-invoke'>;
  dialect: ResponseDialect;
  golden: Golden;
}

const semanticsOf = (dialect: ResponseDialect): string => JSON.stringify(dialect.usageSemantics ?? {});

/** A definition and its variants, with the protocols it may speak. Bedrock's InvokeModel carries bodies of the other protocols. */
function facesOf(definition: ProviderDefinition): Pick<Case, 'definition' | 'protocol' | 'dialect'>[] {
  const faces = [{ protocol: definition.protocol, response: definition.response }, ...(definition.variants ?? [])];
  return faces.flatMap(({ protocol, response }) => (protocol === 'bedrock-invoke' ? [] : [{ definition: definition.id, protocol, dialect: response }]));
}

const FACES = DEFINITIONS.flatMap(facesOf);
const CASES: Case[] = FACES.flatMap((face) => {
  const own = face.protocol === 'openai-chat' ? (CONVENTIONS[semanticsOf(face.dialect)] ?? []) : [];
  return [...(PLAIN[face.protocol] ?? []), ...own].map((golden) => ({ ...face, golden }));
});

function usageIn(text: string, { protocol, dialect }: Pick<Case, 'protocol' | 'dialect'>): Usage | undefined {
  return UPSTREAM_PROTOCOLS[protocol].parseResponse(JSON.parse(text), { dialect, choices: 1 }).usage;
}

function ending(usage: Usage | undefined): Ending {
  return {
    end: 'completed', price: PRICE, cost: PRICE, usage, delivered: DELIVERED, hadHeaders: true, hadContent: true, billPartial: true, requests: 1, images: 0, seconds: 0,
    suspenseNanoUsd: 0n, attempts: 1, endedAtMs: 0,
  };
}

describe('golden usages', () => {
  it('has figures for every definition and for what each says of its numbers', () => {
    expect(DEFINITIONS.length).toBeGreaterThan(40);
    const bare = FACES.filter(({ protocol, dialect }) => PLAIN[protocol] === undefined || (protocol === 'openai-chat' && CONVENTIONS[semanticsOf(dialect)] === undefined));
    expect(bare.map(({ definition, protocol, dialect }) => `${definition} ${protocol} ${semanticsOf(dialect)}`)).toEqual([]);
    const silent = FACES.filter(({ protocol }) => protocol !== 'openai-chat').filter(({ dialect }) => semanticsOf(dialect) !== '{}');
    expect(silent.map(({ definition }) => definition)).toEqual([]);
  });

  it.each(CASES.map((one) => [one.definition, one.protocol, one.golden[0], one] as const))('%s (%s): %s', (_definition, _protocol, _name, one) => {
    const [, usage, nanoUsd] = one.golden;
    const outcome = settle(ending(usageIn(JSON.stringify(BODIES[one.protocol](usage)), one)));
    expect({ nanoUsd: outcome.worthNanoUsd, estimated: outcome.estimated, cost: outcome.providerCostNanoUsd }).toEqual({ nanoUsd, estimated: false, cost: nanoUsd });
  });
});

/** Each protocol's count of the answer, and what may stand there instead. */
const ANSWER_COUNT: Readonly<Record<Case['protocol'], string>> = {
  'openai-chat': '"completion_tokens":200', 'openai-completions': '"completion_tokens":200', 'openai-responses': '"output_tokens":200', 'anthropic-messages': '"output_tokens":200',
  'gemini-generate': '"candidatesTokenCount":150', 'cohere-chat': '"output_tokens":200', 'ollama-chat': '"eval_count":200', 'bedrock-converse': '"outputTokens":200',
};
const BAD_COUNTS = ['-1', '0.5', '1e400', '-1e400', '1e30', '9007199254740993', '"200"', '"many"', 'true', '[200]', '{"count":200}'];

describe('usages that cannot be believed', () => {
  const protocols = Object.keys(BODIES) as Case['protocol'][];

  it.each(protocols.flatMap((protocol) => BAD_COUNTS.map((bad) => [protocol, bad] as const)))('%s with %s is charged by our own estimate, marked as one', (protocol, bad) => {
    const [, usage] = PLAIN[protocol]?.[0] as Golden;
    const name = (ANSWER_COUNT[protocol].match(/^"\w+":/) ?? [''])[0];
    const text = JSON.stringify(BODIES[protocol](usage));
    expect(text).toContain(ANSWER_COUNT[protocol]);
    const damaged = text.replace(ANSWER_COUNT[protocol], `${name}${bad}`);
    const outcome = settle(ending(usageIn(damaged, { protocol, dialect: {} })));
    expect(outcome).toMatchObject({ worthNanoUsd: ESTIMATE, estimated: true });
  });

  it.each(protocols)('%s without any usage is charged by our own estimate', (protocol) => {
    const outcome = settle(ending(usageIn(JSON.stringify(BODIES[protocol](undefined)), { protocol, dialect: {} })));
    expect(outcome).toMatchObject({ worthNanoUsd: ESTIMATE, estimated: true });
  });

  it('a count that is believable and absurd is not charged either', () => {
    const usage = { ...NO_USAGE, output: Number.MAX_SAFE_INTEGER };
    expect(settle(ending(usage))).toMatchObject({ worthNanoUsd: ESTIMATE, estimated: true });
  });
});
