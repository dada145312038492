import type { JsonObject } from '../../json/index.js';
import { done, type OpenItem, type Place } from './open-items.js';
import { unwrapCustomInput } from './types.js';

export interface Call {
  id: string;
  name: string;
  /** `emulated`: the client's custom tool, called with JSON around its text, which is known only when it is whole. */
  kind: 'function' | 'custom' | 'emulated';
}

/** A tool call. Several may be open: providers interleave the fragments of parallel calls. */
export class OpenCall implements OpenItem {
  private written = '';

  constructor(
    private readonly place: Place,
    private readonly call: Call,
    private readonly keep: (item: JsonObject) => void,
  ) {}

  begin(): string {
    const { emit, index } = this.place;
    return emit('response.output_item.added', { output_index: index, item: this.item('in_progress', '') });
  }

  write(delta: string): string {
    this.written += delta;
    return this.call.kind === 'emulated' || delta === '' ? '' : this.deltaEvent(delta);
  }

  close(): string {
    const emulated = this.call.kind === 'emulated';
    const written = emulated ? unwrapCustomInput(this.written) : this.written;
    const late = emulated && written !== '' ? this.deltaEvent(written) : '';
    const said = this.isFunction
      ? this.event('response.function_call_arguments.done', { name: this.call.name, arguments: written })
      : this.event('response.custom_tool_call_input.done', { input: written });
    const item = this.item('completed', written);
    this.keep(item);
    return late + said + done(this.place, item);
  }

  private get isFunction(): boolean {
    return this.call.kind === 'function';
  }

  private deltaEvent(delta: string): string {
    return this.event(this.isFunction ? 'response.function_call_arguments.delta' : 'response.custom_tool_call_input.delta', { delta });
  }

  private item(status: string, written: string): JsonObject {
    const { id: callId, name } = this.call;
    const { id } = this.place;
    return this.isFunction
      ? { id, type: 'function_call', status, call_id: callId, name, arguments: written }
      : { id, type: 'custom_tool_call', status, call_id: callId, name, input: written };
  }

  private event(type: string, members: JsonObject): string {
    const { id, index, emit } = this.place;
    return emit(type, { item_id: id, output_index: index, ...members });
  }
}
