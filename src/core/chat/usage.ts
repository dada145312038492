/**
 * Token counts of one answer, in classes that never overlap, whatever the provider's own convention is.
 * All counts are non-negative integers below 2^53. A class that a provider does not report is 0.
 */
export interface Usage {
  /** Prompt tokens billed at the full input price: neither read from nor written to a prompt cache, not audio. */
  input: number;
  cacheRead: number;
  /** Written to a prompt cache with the provider's default lifetime (five minutes at Anthropic). */
  cacheWrite: number;
  /** Written to a prompt cache with a lifetime of one hour. */
  cacheWrite1h: number;
  /** Visible completion tokens: without reasoning, audio and image tokens. */
  output: number;
  reasoning: number;
  audioIn: number;
  audioOut: number;
  /** Generated images' tokens. */
  image: number;
}

export type TokenClass = keyof Usage;

export const TOKEN_CLASSES: readonly TokenClass[] = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h', 'output', 'reasoning', 'audioIn', 'audioOut', 'image'];

export const NO_USAGE: Readonly<Usage> = Object.freeze({
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
  audioIn: 0,
  audioOut: 0,
  image: 0,
});

/** Everything the prompt was billed for, cached tokens included (OpenAI's `prompt_tokens`). */
export function promptTokens(usage: Usage): number {
  return usage.input + usage.cacheRead + usage.cacheWrite + usage.cacheWrite1h + usage.audioIn;
}

/** Everything the answer was billed for, reasoning included (OpenAI's `completion_tokens`). */
export function completionTokens(usage: Usage): number {
  return usage.output + usage.reasoning + usage.audioOut + usage.image;
}
