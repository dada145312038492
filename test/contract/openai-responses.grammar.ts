/** The grammar of a response's stream as its clients rely on it (api-conventions 67 and 68), judged from outside. */
type Json = Record<string, unknown>;

export interface WireEvent {
  event: string | undefined;
  data: Json;
}

export function eventsOfWire(text: string): WireEvent[] {
  return text
    .replace(/\r\n/g, '\n')
    .split('\n\n')
    .flatMap((block) => {
      const lines = block.split('\n');
      const data = lines.find((line) => line.startsWith('data:'))?.slice(5);
      if (data === undefined || data.trim() === '[DONE]') return [];
      const event = lines.find((line) => line.startsWith('event:'))?.slice(6);
      return [{ event: event?.trim(), data: JSON.parse(data) as Json }];
    });
}

const LAST = ['response.completed', 'response.incomplete', 'response.failed'];

export interface GrammarWishes {
  id: string;
  model: string;
  /** The upstream's own events: what is in them is the provider's. */
  native?: boolean;
}

export function grammarFaults(events: readonly WireEvent[], { id, model, native }: GrammarWishes): string[] {
  const faults: string[] = [];
  const types = events.map(({ data }) => String(data['type']));
  if (events.some(({ event, data }) => event !== data['type'])) faults.push('an event whose name is not its type');
  if (events.some(({ data }, at) => data['sequence_number'] !== at)) faults.push('sequence_number does not rise by one');
  if (types[0] !== 'response.created') faults.push(`begins with ${types[0]}`);
  if (!LAST.includes(types.at(-1) ?? '')) faults.push(`ends with ${types.at(-1)}`);
  if (types.filter((type) => LAST.includes(type)).length !== 1) faults.push('not exactly one last event');
  const responses = events.map(({ data }) => data['response'] as Json | undefined).filter((response) => response !== undefined);
  if (responses.some((response) => response['id'] !== id || response['model'] !== model)) faults.push('identity differs');
  if (types.at(-1) !== 'response.failed' && typeof (responses.at(-1)?.['usage'] as Json | null)?.['total_tokens'] !== 'number')
    faults.push('no usage at the end');
  return native === true ? faults : [...faults, ...itemFaults(events)];
}

function itemFaults(events: readonly WireEvent[]): string[] {
  const faults: string[] = [];
  const open = new Map<unknown, unknown>();
  const done: unknown[] = [];
  let begun = 0;
  for (const { data } of events) {
    const type = String(data['type']);
    const index = data['output_index'];
    if (type === 'response.output_item.added') {
      if (index !== begun) faults.push(`output_index ${String(index)} instead of ${begun}`);
      begun += 1;
      open.set(index, (data['item'] as Json)['id']);
    } else if (type === 'response.output_item.done') {
      if (!open.delete(index)) faults.push('done without added');
      done[index as number] = data['item'];
    } else if (index !== undefined && (!open.has(index) || open.get(index) !== data['item_id'])) {
      faults.push(`${type} outside its item`);
    }
  }
  const last = events.at(-1)?.data['response'] as Json | undefined;
  if (open.size > 0 && last?.['status'] !== 'failed') faults.push('an item is still open');
  if (last?.['status'] !== 'failed' && JSON.stringify(last?.['output']) !== JSON.stringify(done)) faults.push('the output is not the items told');
  return faults;
}
