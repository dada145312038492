import type { MediaSource } from '../../chat/message.js';
import { encodeSse } from '../sse/index.js';
import { wrapSignature } from './foreign-signature.js';
import { isCitation } from './render-blocks.js';
import { imageBlock } from './render-response.js';
import { isObject, type JsonObject, type WireBlock } from './types.js';

type Kind = 'text' | 'thinking' | 'tool' | 'other';

interface OpenBlock {
  index: number;
  kind: Kind;
  /** Canonical number of the tool call, for `tool`. */
  tool?: number;
  argumentsText: string;
  /** Opened by a frame of the upstream, which will close it too. */
  adopted?: true;
}

export function frameOf(event: JsonObject & { type: string }): string {
  return encodeSse(JSON.stringify(event), event.type);
}

/**
 * Writes content blocks with contiguous indexes. One block is open at a time, except tool calls whose arguments are still
 * incomplete when the next call starts: providers may interleave their fragments, and Anthropic's events name the block they belong to.
 */
export class BlockWriter {
  private next = 0;
  private open: OpenBlock[] = [];
  /** Index of an upstream's block (native lane) → index it has here. */
  private readonly adopted = new Map<number, number>();

  text(text: string): string {
    return this.into('text', { type: 'text', text: '' }, { type: 'text_delta', text });
  }

  thinking(thinking: string): string {
    return this.into('thinking', { type: 'thinking', thinking: '', signature: '' }, { type: 'thinking_delta', thinking });
  }

  /** Citations belong to the text block they follow; without one, or in another protocol's shape, they have no place. */
  citations(values: readonly unknown[]): string {
    const block = this.open.find((candidate) => candidate.kind === 'text');
    if (block === undefined) return '';
    return values
      .filter(isCitation)
      .map((citation) => this.delta(block.index, { type: 'citations_delta', citation }))
      .join('');
  }

  endThinking(end: { signature?: string; encrypted?: string; origin: string }): string {
    let out = '';
    if (end.signature !== undefined) {
      out += this.into(
        'thinking',
        { type: 'thinking', thinking: '', signature: '' },
        { type: 'signature_delta', signature: wrapSignature(end.signature, end.origin) },
      );
    }
    out += this.close((block) => block.kind === 'thinking');
    if (end.encrypted !== undefined) out += this.whole({ type: 'redacted_thinking', data: wrapSignature(end.encrypted, end.origin) });
    return out;
  }

  toolStart(tool: number, id: string, name: string): string {
    const closed = this.close((block) => block.kind !== 'tool' || isComplete(block.argumentsText));
    return closed + this.start('tool', { type: 'tool_use', id, name, input: {} }, tool);
  }

  toolDelta(tool: number, argumentsText: string): string {
    const block = this.open.find((candidate) => candidate.kind === 'tool' && candidate.tool === tool);
    // Closed because its JSON was complete: what follows is white space or a repetition.
    if (block === undefined || argumentsText === '') return '';
    block.argumentsText += argumentsText;
    return this.delta(block.index, { type: 'input_json_delta', partial_json: argumentsText });
  }

  image(source: MediaSource): string {
    return this.whole(imageBlock(source));
  }

  /** A block that arrives whole; a tool's input streams as Anthropic streams it. */
  whole(block: WireBlock): string {
    const before = this.closeAll();
    const input = block['input'];
    if (!isObject(input) || !block.type.endsWith('tool_use')) return before + this.start('other', block) + this.closeAll();
    const started = this.start('other', { ...block, input: {} });
    const index = this.next - 1;
    return before + started + this.delta(index, { type: 'input_json_delta', partial_json: JSON.stringify(input) }) + this.closeAll();
  }

  closeAll(): string {
    return this.close(() => true);
  }

  /** Native lane: blocks that we opened between the upstream's end before its next one. */
  closeOwn(): string {
    return this.close((block) => block.adopted !== true);
  }

  /** Native lane: an upstream's frame is about to open this block. */
  adopt(upstreamIndex: number, block: JsonObject, toolIndex: number | undefined): number {
    const index = this.next;
    this.next += 1;
    this.adopted.set(upstreamIndex, index);
    const kind: Kind = block['type'] === 'text' || block['type'] === 'thinking' ? block['type'] : toolIndex === undefined ? 'other' : 'tool';
    this.open.push({ index, kind, argumentsText: '', adopted: true, ...(toolIndex === undefined ? {} : { tool: toolIndex }) });
    return index;
  }

  /** The block opened last is the one that the upstream knows by this number. */
  follow(upstreamIndex: number): void {
    this.adopted.set(upstreamIndex, this.next - 1);
  }

  adoptedIndex(upstreamIndex: number): number {
    return this.adopted.get(upstreamIndex) ?? upstreamIndex;
  }

  /** Native lane: the upstream's frame closes the block itself. */
  release(index: number): void {
    this.open = this.open.filter((block) => block.index !== index);
  }

  private into(kind: Kind, block: WireBlock, delta: JsonObject): string {
    const current = this.open.length === 1 ? this.open[0] : undefined;
    if (current?.kind === kind) return this.delta(current.index, delta);
    const opened = this.closeAll() + this.start(kind, block);
    return opened + this.delta(this.next - 1, delta);
  }

  private start(kind: Kind, block: WireBlock, tool?: number): string {
    const index = this.next;
    this.next += 1;
    this.open.push({ index, kind, argumentsText: '', ...(tool === undefined ? {} : { tool }) });
    return frameOf({ type: 'content_block_start', index, content_block: block });
  }

  private delta(index: number, delta: JsonObject): string {
    return frameOf({ type: 'content_block_delta', index, delta });
  }

  private close(which: (block: OpenBlock) => boolean): string {
    const closing = this.open.filter(which);
    this.open = this.open.filter((block) => !closing.includes(block));
    return closing.map((block) => frameOf({ type: 'content_block_stop', index: block.index })).join('');
  }
}

function isComplete(argumentsText: string): boolean {
  try {
    JSON.parse(argumentsText);
    return true;
  } catch {
    return false;
  }
}
