import { createHash } from 'node:crypto';
import type { Message } from '../../chat/message.js';
import type { Family } from './model-facts.js';

const VALID = /^[a-zA-Z0-9_-]{1,64}$/;
/** Mistral's own rule, also behind Bedrock (vercel/ai packages/amazon-bedrock, read 2026-08). */
const MISTRAL = /^[a-zA-Z0-9]{9}$/;

/** Ids of calls as Bedrock takes them; one that is taken already stays as it is, any other is a function of itself. */
export class ToolIds {
  readonly #valid: RegExp;
  readonly #length: number;

  constructor(family: Family) {
    this.#valid = family === 'mistral' ? MISTRAL : VALID;
    this.#length = family === 'mistral' ? 9 : 24;
  }

  render(id: string): string {
    if (this.#valid.test(id)) return id;
    return createHash('sha256').update(id).digest('hex').slice(0, this.#length);
  }
}

/** Names of every tool that a call in the history names. */
export function calledNames(messages: readonly Message[]): string[] {
  const names = messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool-call' ? [part.name] : [])));
  return [...new Set(names)];
}
