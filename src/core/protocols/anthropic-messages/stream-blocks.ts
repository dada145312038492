import type { ChatEvent } from '../../chat/event.js';
import { isServerBlock, PROTOCOL, STRUCTURED_OUTPUT_TOOL, type JsonObject } from './types.js';

/** One content block being received. Knows what a delta of it means and what its end leaves to say. */
export interface OpenBlock {
  start(): ChatEvent[];
  delta(delta: JsonObject): ChatEvent[];
  stop(): ChatEvent[];
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const drift = (delta: JsonObject): ChatEvent[] => [{ type: 'drift', what: `delta:${textOf(delta['type'])}` }];
const some = (text: string, event: (text: string) => ChatEvent): ChatEvent[] => (text === '' ? [] : [event(text)]);

/** `toolIndex`: the number the next tool call gets. */
export function openBlock(block: JsonObject, toolIndex: () => number): OpenBlock {
  switch (block['type']) {
    case 'text':
      return textBlock(block);
    case 'thinking':
      return thinkingBlock(block);
    case 'redacted_thinking':
      return redactedBlock(block);
    case 'tool_use':
      return block['name'] === STRUCTURED_OUTPUT_TOOL ? emulatedBlock(block) : toolBlock(block, toolIndex());
    default:
      return opaqueBlock(block);
  }
}

const textDelta = (text: string): ChatEvent => ({ type: 'text-delta', choice: 0, text });
const reasoningDelta = (text: string): ChatEvent => ({ type: 'reasoning-delta', choice: 0, text });

function textBlock(block: JsonObject): OpenBlock {
  const cited = (value: unknown): ChatEvent[] => (Array.isArray(value) && value.length > 0 ? [{ type: 'annotations', choice: 0, value }] : []);
  return {
    start: () => [...some(textOf(block['text']), textDelta), ...cited(block['citations'])],
    delta: (delta) => {
      if (delta['type'] === 'text_delta') return some(textOf(delta['text']), textDelta);
      return delta['type'] === 'citations_delta' ? cited([delta['citation']]) : drift(delta);
    },
    stop: () => [],
  };
}

function thinkingBlock(block: JsonObject): OpenBlock {
  let signature = textOf(block['signature']);
  return {
    start: () => some(textOf(block['thinking']), reasoningDelta),
    delta: (delta) => {
      if (delta['type'] === 'thinking_delta') return some(textOf(delta['thinking']), reasoningDelta);
      if (delta['type'] !== 'signature_delta') return drift(delta);
      signature += textOf(delta['signature']);
      return [];
    },
    stop: () => [{ type: 'reasoning-end', choice: 0, origin: PROTOCOL, ...(signature === '' ? {} : { signature }) }],
  };
}

function redactedBlock(block: JsonObject): OpenBlock {
  return {
    start: () => [],
    delta: drift,
    stop: () => [{ type: 'reasoning-end', choice: 0, origin: PROTOCOL, encrypted: textOf(block['data']) }],
  };
}

/** Compatible servers have been seen to put the whole input into the start event and to send no delta. */
function toolBlock(block: JsonObject, index: number): OpenBlock {
  let written = false;
  return {
    start: () => [{ type: 'tool-call-start', choice: 0, index, id: textOf(block['id']), name: textOf(block['name']) }],
    delta: (delta) => {
      if (delta['type'] !== 'input_json_delta') return drift(delta);
      written ||= textOf(delta['partial_json']) !== '';
      return some(textOf(delta['partial_json']), (argumentsText) => ({ type: 'tool-call-delta', choice: 0, index, argumentsText }));
    },
    stop: () => (written ? [] : [{ type: 'tool-call-delta', choice: 0, index, argumentsText: JSON.stringify(block['input'] ?? {}) }]),
  };
}

/** The tool that stands in for a JSON schema: its input is the answer's text. */
function emulatedBlock(block: JsonObject): OpenBlock {
  let written = false;
  return {
    start: () => [],
    delta: (delta) => {
      written ||= textOf(delta['partial_json']) !== '';
      return some(textOf(delta['partial_json']), textDelta);
    },
    stop: () => (written ? [] : [textDelta(JSON.stringify(block['input'] ?? {}))]),
  };
}

/** Server tools and their results: whole, at the block's end. */
function opaqueBlock(block: JsonObject): OpenBlock {
  const type = textOf(block['type']);
  let input = '';
  let content = '';
  return {
    start: () => (isServerBlock(type) ? [] : [{ type: 'drift', what: `block:${type}` }]),
    delta: (delta) => {
      if (delta['type'] === 'input_json_delta') input += textOf(delta['partial_json']);
      else if (delta['type'] === 'compaction_delta') content += textOf(delta['content']);
      else return drift(delta);
      return [];
    },
    stop: () => [{ type: 'opaque', choice: 0, protocol: PROTOCOL, value: completed(block, input, content) }],
  };
}

function completed(block: JsonObject, input: string, content: string): JsonObject {
  const value: JsonObject = { ...block };
  if (content !== '') value['content'] = content;
  if (input === '') return value;
  try {
    value['input'] = JSON.parse(input);
  } catch {
    // Cut off by max_tokens: what there is of it is kept as text.
    value['input'] = { raw_arguments: input };
  }
  return value;
}
