import type { ChatEvent } from '../../chat/event.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { annotationsOf } from './citations.js';
import { BEDROCK, STRUCTURED_OUTPUT_TOOL, textOf } from './facts.js';

type Block =
  | { kind: 'call'; index: number; argumentsSeen: boolean }
  /** The emulated structured output: its input is the answer's text. */
  | { kind: 'structured' }
  /** Carried out by the provider: nothing for the client. */
  | { kind: 'server' }
  | { kind: 'reasoning'; signature: string; encrypted: string };

/** Content blocks by their index in the stream. Text and reasoning have no start: their first delta begins them. */
export class StreamBlocks {
  readonly #open = new Map<unknown, Block>();
  #callCount = 0;
  #emulated = false;
  #textLength = 0;

  get calls(): { count: number; emulated: boolean } {
    return { count: this.#callCount, emulated: this.#emulated };
  }

  start(place: unknown, start: unknown): ChatEvent[] {
    const use = isObject(start) ? start['toolUse'] : undefined;
    if (!isObject(use)) {
      if (isObject(start) && isObject(start['toolResult'])) this.#open.set(place, { kind: 'server' });
      return [];
    }
    if (use['type'] === 'server_tool_use') {
      this.#open.set(place, { kind: 'server' });
      return [{ type: 'opaque', choice: 0, protocol: BEDROCK, value: { toolUse: use } }];
    }
    if (use['name'] === STRUCTURED_OUTPUT_TOOL) {
      this.#emulated = true;
      this.#open.set(place, { kind: 'structured' });
      return [];
    }
    const index = this.#callCount++;
    this.#open.set(place, { kind: 'call', index, argumentsSeen: false });
    return [{ type: 'tool-call-start', choice: 0, index, id: textOf(use['toolUseId']), name: textOf(use['name']) }];
  }

  delta(place: unknown, delta: unknown): ChatEvent[] {
    if (!isObject(delta)) return [];
    if (typeof delta['text'] === 'string') return this.#text(delta['text']);
    if (isObject(delta['toolUse'])) return this.#input(place, textOf(delta['toolUse']['input']));
    if (isObject(delta['reasoningContent'])) return this.#reasoning(place, delta['reasoningContent']);
    if (isObject(delta['citation'])) {
      return [{ type: 'annotations', choice: 0, value: annotationsOf([delta['citation']], { start: 0, end: this.#textLength }) }];
    }
    if (isObject(delta['toolResult']) || Array.isArray(delta['toolResult'])) return [];
    return [{ type: 'drift', what: `delta:${Object.keys(delta)[0] ?? 'empty'}` }];
  }

  stop(place: unknown): ChatEvent[] {
    const block = this.#open.get(place);
    this.#open.delete(place);
    if (block?.kind === 'reasoning') {
      const { signature, encrypted } = block;
      return [{ type: 'reasoning-end', choice: 0, origin: BEDROCK, ...(signature !== '' && { signature }), ...(encrypted !== '' && { encrypted }) }];
    }
    // A tool without arguments streams none, which is no JSON; clients parse it.
    if (block?.kind === 'call' && !block.argumentsSeen) return [{ type: 'tool-call-delta', choice: 0, index: block.index, argumentsText: '{}' }];
    return [];
  }

  #text(text: string): ChatEvent[] {
    this.#textLength += text.length;
    return [{ type: 'text-delta', choice: 0, text }];
  }

  #input(place: unknown, input: string): ChatEvent[] {
    const block = this.#open.get(place);
    if (input === '' || block === undefined) return [];
    if (block.kind === 'structured') return this.#text(input);
    if (block.kind !== 'call') return [];
    block.argumentsSeen = true;
    return [{ type: 'tool-call-delta', choice: 0, index: block.index, argumentsText: input }];
  }

  #reasoning(place: unknown, content: JsonObject): ChatEvent[] {
    const open = this.#open.get(place);
    const block = open?.kind === 'reasoning' ? open : { kind: 'reasoning' as const, signature: '', encrypted: '' };
    this.#open.set(place, block);
    block.signature += textOf(content['signature']);
    block.encrypted += textOf(content['redactedContent']);
    const text = textOf(content['text']);
    return text === '' ? [] : [{ type: 'reasoning-delta', choice: 0, text }];
  }
}
