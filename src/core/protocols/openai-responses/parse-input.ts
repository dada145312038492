import type { Message, Part, Role, ToolCallPart } from '../../chat/message.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields, isObject } from '../../json/index.js';
import { unpackProof } from './foreign-proof.js';
import { parseContent } from './parse-content.js';
import { objectsOf, PROTOCOL, text, wrapCustomInput } from './types.js';

const MAX_ITEMS = 20_000;
const ROLES = ['system', 'developer', 'user', 'assistant'] as const;

/** `instructions` and `input` as turns. */
export function parseInput(fields: Fields): Message[] {
  const instructions = fields.string('instructions');
  const first: Message[] = instructions === undefined || instructions === '' ? [] : [{ role: 'system', parts: [{ type: 'text', text: instructions }] }];
  const { input } = fields.object;
  if (typeof input === 'string') return [...first, { role: 'user', parts: [{ type: 'text', text: input }] }];
  const items = fields.array('input', MAX_ITEMS);
  if (items === undefined) {
    if (fields.has('previous_response_id') || fields.has('prompt')) return first;
    throw invalidRequest('input', '`input` is missing; it must be a string or an array of items.');
  }
  const turns = new Turns();
  items.forEach((item, at) => turns.add(Fields.of(item, `input[${at}]`)));
  return [...first, ...turns.messages];
}

/** Items are smaller than turns: what the model said, thought and called before somebody answered is one assistant message. */
class Turns {
  readonly messages: Message[] = [];
  /** Gemini's proof of the function call that comes next. */
  private callSignature: string | undefined;

  add(item: Fields): void {
    const type = item.string('type') ?? (item.has('role') ? 'message' : 'item_reference');
    switch (type) {
      case 'message':
        return this.message(item);
      case 'reasoning':
        return this.reasoning(item);
      case 'function_call':
        return this.call(item, 'arguments');
      case 'custom_tool_call':
        return this.call(item, 'input');
      case 'function_call_output':
      case 'custom_tool_call_output':
        return this.result(item, type);
      default:
        return this.opaque(item);
    }
  }

  private message(item: Fields): void {
    const role = item.oneOf('role', ROLES);
    if (role === undefined) throw invalidRequest(item.at('role'), `\`${item.at('role')}\` is missing; it must be one of ${ROLES.join(', ')}.`);
    const parts = parseContent(item);
    const last = this.messages.at(-1);
    const spoken = last?.parts.some((part) => part.type === 'text' || part.type === 'refusal');
    if (role === 'assistant' && last?.role === 'assistant' && spoken === false) last.parts.push(...parts);
    else this.messages.push({ role: role satisfies Role, parts });
  }

  private reasoning(item: Fields): void {
    const proof = item.string('encrypted_content');
    const { proof: proven, callSignature } = proof === undefined || proof === '' ? { proof: {}, callSignature: undefined } : unpackProof(proof);
    if (callSignature !== undefined) {
      this.callSignature = callSignature;
      return;
    }
    const id = item.string('id');
    const origin = proven.origin ?? (id === undefined ? undefined : PROTOCOL);
    this.assistant().push({
      type: 'reasoning',
      text: reasoningText(item.object),
      ...proven,
      ...(origin === undefined ? {} : { origin }),
      ...(id === undefined ? {} : { id }),
    });
  }

  private call(item: Fields, key: 'arguments' | 'input'): void {
    const written = item.string(key) ?? '';
    const part: ToolCallPart = {
      type: 'tool-call',
      id: item.requiredString('call_id'),
      name: item.requiredString('name'),
      arguments: key === 'input' ? wrapCustomInput(written) : written,
    };
    if (key === 'input') part.foreign = { protocol: PROTOCOL, members: { type: 'custom_tool_call' } };
    if (this.callSignature !== undefined) part.signature = this.callSignature;
    this.callSignature = undefined;
    this.assistant().push(part);
  }

  private result(item: Fields, type: string): void {
    const part: Part = { type: 'tool-result', toolCallId: item.requiredString('call_id'), content: parseContent(item, 'output') };
    if (type !== 'function_call_output') part.foreign = { protocol: PROTOCOL, members: { type } };
    const last = this.messages.at(-1);
    if (last?.role === 'tool') last.parts.push(part);
    else this.messages.push({ role: 'tool', parts: [part] });
  }

  /** Stands where it stood, so that it is rendered back into its place. */
  private opaque(item: Fields): void {
    const last = this.messages.at(-1);
    const parts = last === undefined || last.role === 'tool' ? this.assistant() : last.parts;
    parts.push({ type: 'opaque', protocol: PROTOCOL, value: item.object });
  }

  private assistant(): Part[] {
    const last = this.messages.at(-1);
    if (last?.role === 'assistant') return last.parts;
    const message: Message = { role: 'assistant', parts: [] };
    this.messages.push(message);
    return message.parts;
  }
}

/** The thought itself where a provider shows it (LM Studio, DeepSeek), else its summary. */
export function reasoningText(item: Readonly<Record<string, unknown>>): string {
  const thought = objectsOf(item['content'])
    .map((part) => text(part['text']))
    .join('');
  if (thought !== '') return thought;
  const summary = item['summary'];
  if (isObject(summary) || !Array.isArray(summary)) return text(summary);
  return objectsOf(summary)
    .map((part) => text(part['text']))
    .join('\n\n');
}
