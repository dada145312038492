import type { Capabilities } from '../catalog/model.js';
import type { UpstreamErrorFacts } from './upstream-failure.js';

/**
 * What providers' error texts mean. Each pattern was read off a real answer (recordings of 2025–2026 and providers' documentation);
 * codes are compared whole, words within the first 2,000 characters, so that a long echo of the client's prompt costs nothing.
 */
export interface Wording {
  codes: ReadonlySet<string>;
  words: string;
  param: string | null;
}

export function wordingOf(facts: UpstreamErrorFacts | null): Wording {
  const codes = [facts?.rawCode, facts?.rawType].filter((code): code is string => typeof code === 'string' && code !== '');
  return { codes: new Set(codes.map((code) => code.toLowerCase())), words: (facts?.message ?? '').slice(0, 2_000), param: facts?.param ?? null };
}

interface Pattern {
  codes: readonly string[];
  words: RegExp;
}

const matches = (wording: Wording, pattern: Pattern): boolean => pattern.codes.some((code) => wording.codes.has(code)) || pattern.words.test(wording.words);

/**
 * The credential is refused or has no money. Words are anchored to the start: errors echo the client's own text, and a client
 * must not be able to set an operator's credential aside by sending a parameter named "Incorrect API key provided".
 */
const CREDENTIAL: Pattern = {
  codes: [
    'invalid_api_key',
    'api_key_invalid',
    'authentication_error',
    'unauthenticated',
    'account_deactivated',
    'billing_not_active',
    'billing_error',
    'insufficient_balance',
    'unrecognizedclientexception',
    'expiredtokenexception',
    'invalid_authentication_error',
    'invalidapikey',
  ],
  words:
    /^\W{0,3}(?:(?:the |your )?(?:incorrect|invalid|missing|wrong) (?:api[ -]?key|x-api-key|authentication|credentials?)|(?:the |your )?api[ -]?key (?:not valid|not found|is (?:invalid|not valid|expired|missing|disabled)|expired|has (?:expired|been))|your credit balance is too low|insufficient (?:balance|credits?|funds)|authentication fails|this (?:organization|account) has been disabled|your account is not active|the security token included in the request is|(?:your )?access (?:was |is )?(?:terminated|denied due to invalid subscription key))/i,
};

const CONTENT: Pattern = {
  codes: [
    'content_filter',
    'content_policy_violation',
    'responsibleaipolicyviolation',
    'data_inspection_failed',
    'moderation_blocked',
    'prohibited_content',
    'content_filter_error',
    'safety',
    'invalid_prompt',
    'sensitive_content',
    '1301',
  ],
  words:
    /content (?:management|filter(?:ing)?|safety|moderation|usage) polic|content violates usage guidelines|blocked by (?:our |the )?content|flagged as potentially violating|violat\w{1,5} (?:our |the |openai'?s? )?(?:usage|content|safety) polic|content exists risk|inappropriate content|response was filtered due to|rejected (?:as a result of|by) (?:our|the) safety system|failed check: safety|output blocked by content|requires moderation on|input was flagged/i,
};

const CONTEXT: Pattern = {
  codes: [
    'context_length_exceeded',
    'exceed_context_size_error',
    'too_many_tokens',
    'too_many_prompt_tokens',
    'model_max_prompt_tokens_exceeded',
    'context_window_exceeded',
    'max_context_length_exceeded',
    'prompt_too_long',
    'string_too_long_context',
  ],
  words:
    /maximum (?:context|prompt) length|prompt (?:is )?too long|(?:exceeds?|exceeded|exceeding|larger than|longer than|greater than|over) (?:the |this |of |model'?s? |available |your ){0,4}(?:max(?:imum)? )?context|input token count .{0,40}exceeds the maximum|(?:input|prompt) tokens exceeded|number of input tokens exceeds|too many tokens: size limit|total length of all messages is too long|input (?:is )?too long|range of input length should be|exceed context limit|tokens? \+ `?max_new_tokens`? must be|too large for model with \d{1,9} maximum context|context (?:length|window|size)(?: limit)? (?:is |was )?exceeded|reduce the length of the (?:messages|prompt|input)/i,
};

const UNSUPPORTED: Pattern = {
  codes: ['unsupported_parameter', 'unknown_parameter', 'unsupported_value', 'not_supported_error', 'unsupported_model_parameter'],
  words:
    /^\W{0,3}(?:unsupported (?:parameter|value)|unknown parameter|unrecognized request arguments? supplied|additional properties are not allowed)|unknown name "|extra inputs are not permitted|(?:is|are) not (?:supported|enabled|available) (?:with|for|by|on) this model|\b(?:is|are) deprecated for this model|does(?:n't| not) support (?:the )?(?:parameter|tools?|function|image|vision|response_format|json|reasoning|logprobs|streaming|system)|not enabled for this model|(?:image|audio|video|tool|function)\w{0,10} (?:inputs? |calling |use )?(?:is|are) not supported|tools param requires/i,
};

const MODEL: Pattern = {
  codes: ['model_not_found', 'deploymentnotfound', 'model_not_available', 'model_not_supported', 'model_access_denied'],
  words:
    /model[^.\n]{0,140}(?:not found|does ?n[o']t exist|was removed|(?:has been|is) deprecated|not (?:be )?available|identifier is invalid|end of its life|no longer|unknown)|access to (?:the |this )?model|no such model|unknown model|model not found|must be (?:a )?verified to use the model|deployment for this resource does not exist|invocation of model|model: [\w./:-]{1,120}$/i,
};

const QUOTA: Pattern = {
  codes: ['insufficient_quota', 'billing_hard_limit_reached', 'insufficient_balance', 'credits_exhausted', 'exceeded_current_quota_error', 'billing_error'],
  words:
    /insufficient (?:balance|credits?|funds|quota)|credit balance is too low|(?:used all available|more) credits|monthly spending limit|billing hard limit/i,
};

/** A 409, 424 or a code without status is the request's fault only when it says so. */
const REQUEST: Pattern = {
  codes: ['invalid_request_error', 'invalid_argument', 'validationexception', 'invalid_value', 'validation_error', 'unprocessable_entity', 'invalid-argument'],
  words:
    /\b(?:invalid|malformed|unsupported|unknown|unrecognized|must (?:be|have|contain|not)|should be|is required|field required|missing (?:required|field)|not (?:allowed|permitted)|expected)\b/i,
};

export const namesCredential = (wording: Wording): boolean => matches(wording, CREDENTIAL);
export const namesContent = (wording: Wording): boolean => matches(wording, CONTENT);
export const namesContextLength = (wording: Wording): boolean => matches(wording, CONTEXT);
export const namesUnsupported = (wording: Wording): boolean => matches(wording, UNSUPPORTED);
export const namesModel = (wording: Wording): boolean => matches(wording, MODEL);
export const namesExhaustedQuota = (wording: Wording): boolean => matches(wording, QUOTA);
export const namesRequest = (wording: Wording): boolean => wording.param !== null || matches(wording, REQUEST);
/** A file or stored response of the client's, not the model: a 404 for it says nothing about the deployment. */
export const namesStoredObject = (wording: Wording): boolean =>
  /\b(?:file|previous response|cached ?content|vector store|container|batch)\b.{0,120}not found|no such file/i.test(wording.words);

/** The parameter an "unsupported" text names, when the provider left `param` empty. */
export function parameterNamed(wording: Wording): string | null {
  if (wording.param !== null && wording.param !== '') return wording.param;
  const found =
    /(?:parameter|value|argument|arguments supplied|unknown name)s?:? ["'`]([\w.[\]-]{1,80})["'`]/i.exec(wording.words) ??
    /^["'`]?([\w.[\]-]{1,80})["'`]?: (?:extra inputs|unsupported)/i.exec(wording.words) ??
    /^["'`]([\w.[\]-]{1,80})["'`] is (?:not supported|deprecated)/i.exec(wording.words);
  return found?.[1] ?? null;
}

const CAPABILITY_WORDS: readonly [keyof Capabilities, RegExp][] = [
  ['vision', /\bimages?\b|vision/i],
  ['tools', /\btools?\b|function[ -]?call/i],
  ['jsonSchema', /json[_ ]schema|structured output|response_format/i],
  ['audioInput', /\baudio\b/i],
  ['logprobs', /logprobs/i],
  ['reasoning', /reasoning|thinking/i],
  ['streaming', /\bstream(?:ing)?\b/i],
];

/** The capability that an "unsupported" text denies, when it denies one. */
export function capabilityDenied(wording: Wording): keyof Capabilities | null {
  if (!namesUnsupported(wording)) return null;
  const text = `${wording.param ?? ''} ${wording.words}`;
  return CAPABILITY_WORDS.find(([, words]) => words.test(text))?.[0] ?? null;
}
