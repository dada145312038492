import type { ChatEvent } from '../../chat/event.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { thoughtSignature } from './parse-messages.js';

interface Call {
  /** Our own number: 0, 1, … in the order of appearance. */
  index: number;
  id: string;
  name: string;
  started: boolean;
  /** Arguments that came before the name. */
  early: string;
  kind: 'function' | 'custom';
  signature?: string;
}

type Emit = (event: ChatEvent) => void;

/**
 * Gives the fragments of one choice's tool calls to their calls. Providers number them by `index` (OpenAI), number all of
 * them 0 (Gemini's compatible API), or not at all (whole calls in one chunk): a fragment that brings another id and a name
 * begins another call, one that brings neither continues the last.
 */
export class ToolCallNumbering {
  private readonly byIndex = new Map<number, Call>();
  private readonly calls: Call[] = [];

  constructor(private readonly choice: number) {}

  get count(): number {
    return this.calls.length;
  }

  read(raw: unknown, emit: Emit): void {
    if (!isObject(raw)) return;
    const kind = isObject(raw['custom']) ? 'custom' : 'function';
    const inner = isObject(raw[kind]) ? raw[kind] : {};
    const name = textOf(inner['name']);
    const call = this.callFor(raw, name);
    if (call === null) return emit({ type: 'drift', what: 'tool_call:unnumbered' });
    call.kind = call.started ? call.kind : kind;
    call.name ||= name;
    call.id ||= textOf(raw['id']);
    call.signature ??= thoughtSignature(raw['extra_content']);
    this.emitCall(call, argumentsOf(inner[kind === 'custom' ? 'input' : 'arguments']), emit);
  }

  /** The whole call at once, in the old form that knows only one. */
  readLegacy(raw: JsonObject, emit: Emit): void {
    this.read({ index: 0, function: raw }, emit);
  }

  private callFor(raw: JsonObject, name: string): Call | null {
    const id = textOf(raw['id']);
    const index = typeof raw['index'] === 'number' ? raw['index'] : undefined;
    if (index === undefined) return this.unnumbered(id, name);
    const known = this.byIndex.get(index);
    const isAnother = known !== undefined && known.started && id !== '' && name !== '' && known.id !== '' && id !== known.id;
    return known === undefined || isAnother ? this.begin(id, index) : known;
  }

  private unnumbered(id: string, name: string): Call | null {
    const known = id === '' ? undefined : this.calls.find((call) => call.id === id);
    if (known !== undefined) return known;
    return id !== '' || name !== '' ? this.begin(id, undefined) : (this.calls.at(-1) ?? null);
  }

  private begin(id: string, index: number | undefined): Call {
    const call: Call = { index: this.calls.length, id, name: '', started: false, early: '', kind: 'function' };
    this.calls.push(call);
    if (index !== undefined) this.byIndex.set(index, call);
    return call;
  }

  private emitCall(call: Call, fragment: string, emit: Emit): void {
    const { choice } = this;
    if (!call.started) {
      call.early += fragment;
      if (call.name === '') return;
      call.started = true;
      const start: ChatEvent = { type: 'tool-call-start', choice, index: call.index, id: call.id, name: call.name };
      if (call.kind === 'custom') start.kind = 'custom';
      if (call.signature !== undefined) start.signature = call.signature;
      emit(start);
      if (call.early !== '') emit({ type: 'tool-call-delta', choice, index: call.index, argumentsText: call.early });
    } else if (fragment !== '') {
      emit({ type: 'tool-call-delta', choice, index: call.index, argumentsText: fragment });
    }
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** JSON text; some servers send the object itself. */
function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}
