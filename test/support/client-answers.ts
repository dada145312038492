import { eventsOfWire } from '../contract/openai-responses.grammar.js';
import { parsed, type ClientAnswer } from './corpus-expectation.js';

/** What a client of Messages and one of Responses reads out of an answer, whole or streamed; written down independently of the gateway's code. */
type Json = Record<string, unknown>;
const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(record) : []);
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const STOP_REASONS: Readonly<Record<string, string>> = {
  end_turn: 'stop', stop_sequence: 'stop', pause_turn: 'stop', max_tokens: 'length', model_context_window_exceeded: 'length', tool_use: 'tool_calls', refusal: 'content_filter',
};

/** Null: the stream did not end well. */
export function answerOfMessages(body: string, stream: boolean): ClientAnswer | null {
  const message = stream ? messageOfEvents(eventsOfWire(body).map(({ data }) => data)) : (JSON.parse(body) as Json);
  if (message === null) return null;
  const blocks = list(message['content']);
  const said = (type: string, member: string) => blocks.map((block) => (block['type'] === type ? text(block[member]) : '')).join('');
  const usage = record(message['usage']);
  const cached = count(usage['cache_read_input_tokens']);
  const [prompt, completion] = [count(usage['input_tokens']) + cached + count(usage['cache_creation_input_tokens']), count(usage['output_tokens'])];
  return {
    text: said('text', 'text'),
    reasoning: said('thinking', 'thinking'),
    toolCalls: blocks.filter((block) => block['type'] === 'tool_use').map((block) => ({ name: text(block['name']), arguments: asInput(block['input']) })),
    finish: STOP_REASONS[text(message['stop_reason'])] ?? text(message['stop_reason']),
    usage: { prompt, completion, total: prompt + completion, cached },
  };
}

/** A call that was cut off, or has no arguments at all: wrapped by the gateway in whole answers, in streams what was written. */
export function asInput(value: unknown): unknown {
  return typeof value === 'string' ? { raw_arguments: value } : (value ?? {});
}

/** The message as the official client builds it. */
function messageOfEvents(events: readonly Json[]): Json | null {
  if (events.at(-1)?.['type'] !== 'message_stop') return null;
  const started = record(events.find((event) => event['type'] === 'message_start')?.['message']);
  const blocks: Json[] = [];
  const written: string[] = [];
  let last: Json = {};
  for (const event of events) {
    const at = count(event['index']);
    if (event['type'] === 'content_block_start') blocks[at] = { ...record(event['content_block']) };
    if (event['type'] === 'message_delta') last = event;
    const delta = record(event['delta']);
    for (const name of ['text', 'thinking']) if (typeof delta[name] === 'string' && blocks[at] !== undefined) blocks[at][name] = text(blocks[at][name]) + text(delta[name]);
    if (delta['type'] === 'input_json_delta') written[at] = (written[at] ?? '') + text(delta['partial_json']);
  }
  const content = blocks.map((block, at) => (written[at] === undefined || written[at] === '' ? block : { ...block, input: parsed(written[at]) }));
  return { ...started, content, stop_reason: record(last['delta'])['stop_reason'], usage: { ...record(started['usage']), ...record(last['usage']) } };
}

/** Null: the stream did not end well. */
export function answerOfResponses(body: string, stream: boolean): ClientAnswer | null {
  const last = stream ? eventsOfWire(body).at(-1)?.data : undefined;
  if (stream && !['response.completed', 'response.incomplete'].includes(text(last?.['type']))) return null;
  const response = stream ? record(last?.['response']) : (JSON.parse(body) as Json);
  const items = list(response['output']);
  const parts = items.filter((item) => item['type'] === 'message').flatMap((item) => list(item['content']));
  const calls = items.filter((item) => item['type'] === 'function_call');
  const usage = record(response['usage']);
  const cut = text(record(response['incomplete_details'])['reason']);
  return {
    text: parts.map((part) => text(part['text'])).join(''),
    reasoning: items.flatMap((item) => (item['type'] === 'reasoning' ? [...list(item['summary']), ...list(item['content'])] : [])).map((part) => text(part['text'])).join(''),
    toolCalls: calls.map((call) => ({ name: text(call['name']), arguments: parsed(text(call['arguments'])) })),
    finish: response['status'] === 'completed' ? (calls.length > 0 ? 'tool_calls' : 'stop') : cut === 'max_output_tokens' ? 'length' : cut,
    usage: { prompt: count(usage['input_tokens']), completion: count(usage['output_tokens']), total: count(usage['total_tokens']), cached: count(record(usage['input_tokens_details'])['cached_tokens']) },
  };
}
