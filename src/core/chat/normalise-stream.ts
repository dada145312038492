import { isContent, type ChatEvent, type StreamItem } from './event.js';
import type { FinishReason } from './response.js';
import { uniqueToolCallId } from './tool-call-id.js';

export { normaliseResponse } from './normalise-response.js';

export interface NormalisedItem {
  item: StreamItem;
  /** No event that a client would see was changed, dropped or added: the frame it came from may be passed on. */
  native: boolean;
}

interface ChoiceState {
  finished: boolean;
  /** Upstream's index of each tool call that has begun. */
  calls: Set<number>;
}

const NOTHING: NormalisedItem = { item: { events: [] }, native: false };

/**
 * Between every protocol's parser and renderer: what leaves it obeys one grammar, whatever a provider did (README,
 * invariants 1–6). One item in, one item out; an item that needs no change is passed on as the identical object.
 */
export class StreamNormaliser {
  private readonly choices = new Map<number, ChoiceState>();
  private readonly toolIds = new Set<string>();
  private started = false;
  private ended = false;
  private finishCount = 0;
  private intact = true;
  private drift: string[] = [];
  private lastChoice = -1;
  private lastState: ChoiceState | undefined;

  /** `idSeed` makes the ids of tool calls that came without one: the same for the same request. */
  constructor(private readonly idSeed: string) {}

  push(item: StreamItem): NormalisedItem {
    if (this.ended) return NOTHING;
    this.intact = true;
    const { events } = item;
    let changed: ChatEvent[] | undefined;
    for (let at = 0; at < events.length; at += 1) {
      const event = events[at] as ChatEvent;
      const result = this.judge(event);
      if (result !== event || this.drift.length > 0) changed = this.rewrite(changed ?? events.slice(0, at), result);
      else changed?.push(event);
      if (this.ended) break;
    }
    return { item: changed === undefined ? item : { ...item, events: changed }, native: this.intact };
  }

  private rewrite(events: ChatEvent[], result: ChatEvent | null): ChatEvent[] {
    for (const what of this.drift) events.push({ type: 'drift', what });
    this.drift = [];
    if (result?.type === 'end') events.push(...this.missingFinishes());
    if (result !== null) events.push(result);
    return events;
  }

  /** The event to pass on: the same, another in its place, or none. */
  private judge(event: ChatEvent): ChatEvent | null {
    switch (event.type) {
      case 'text-delta':
        return event.text === '' ? null : this.content(event, event.choice);
      case 'tool-call-start':
        return this.toolCallStart(event);
      case 'tool-call-delta':
        return this.toolCallDelta(event);
      case 'finish':
        return this.finish(event);
      case 'start':
      case 'end':
      case 'error':
        return this.frame(event);
      default:
        return this.other(event);
    }
  }

  private other(event: ChatEvent): ChatEvent | null {
    if (!('choice' in event)) return event;
    const empty = (event.type === 'reasoning-delta' || event.type === 'refusal-delta') && event.text === '';
    return empty ? null : this.content(event, event.choice);
  }

  private frame(event: Extract<ChatEvent, { type: 'start' | 'end' | 'error' }>): ChatEvent | null {
    if (event.type === 'start') {
      if (this.started) return null;
      this.started = true;
      return event;
    }
    this.ended = true;
    if (event.type === 'end' && this.unfinished().length > 0) {
      this.intact = false;
      this.drift.push('finish:missing');
    }
    return event;
  }

  private content(event: ChatEvent, choice: number): ChatEvent | null {
    const state = this.stateOf(choice);
    if (!state.finished) return event;
    this.intact = false;
    this.drift.push(isContent(event) ? 'content_after_finish' : `${event.type}_after_finish`);
    return null;
  }

  private toolCallStart(event: Extract<ChatEvent, { type: 'tool-call-start' }>): ChatEvent | null {
    const kept = this.content(event, event.choice);
    if (kept === null) return null;
    const { calls } = this.stateOf(event.choice);
    if (calls.has(event.index)) {
      // Some providers repeat id and name with every fragment; the first ones hold.
      this.intact = false;
      return null;
    }
    calls.add(event.index);
    const id = uniqueToolCallId(event.id, this.toolIds, `${this.idSeed}${event.choice === 0 ? '' : `c${event.choice}`}n${event.index}`);
    if (id === event.id) return event;
    this.intact = false;
    this.drift.push(event.id === '' ? 'tool_call_id:missing' : 'tool_call_id:repeated');
    return { ...event, id };
  }

  private toolCallDelta(event: Extract<ChatEvent, { type: 'tool-call-delta' }>): ChatEvent | null {
    const kept = this.content(event, event.choice);
    if (kept === null || this.stateOf(event.choice).calls.has(event.index)) return kept;
    this.intact = false;
    this.drift.push('tool_call_delta:without_start');
    return null;
  }

  private finish(event: Extract<ChatEvent, { type: 'finish' }>): ChatEvent | null {
    const state = this.stateOf(event.choice);
    if (state.finished) {
      this.intact = false;
      this.drift.push('finish:repeated');
      return null;
    }
    state.finished = true;
    this.finishCount += 1;
    const reason = reasonWith(event.reason, state);
    if (reason === event.reason) return event;
    this.intact = false;
    return { ...event, reason };
  }

  private missingFinishes(): ChatEvent[] {
    return this.unfinished().map((choice) => {
      const state = this.stateOf(choice);
      state.finished = true;
      return { type: 'finish', choice, reason: reasonWith('stop', state), raw: null };
    });
  }

  private unfinished(): number[] {
    if (this.choices.size === 0 && this.finishCount === 0) return [0];
    return this.finishCount === this.choices.size ? [] : [...this.choices].filter(([, state]) => !state.finished).map(([choice]) => choice);
  }

  private stateOf(choice: number): ChoiceState {
    if (choice === this.lastChoice) return this.lastState as ChoiceState;
    let state = this.choices.get(choice);
    if (state === undefined) {
      state = { finished: false, calls: new Set() };
      this.choices.set(choice, state);
    }
    this.lastChoice = choice;
    this.lastState = state;
    return state;
  }
}

/** Gemini and some compatible servers say `stop` although the model called tools (spec providers.md, 3 and 11). */
function reasonWith(reason: FinishReason, state: ChoiceState): FinishReason {
  return reason === 'stop' && state.calls.size > 0 ? 'tool_calls' : reason;
}
