import type { Message, Part, ToolResultPart } from '../../chat/message.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { readMedia, readPart } from './read-part.js';
import { arrayMember, isWire, member, objectMember, stringMember, writtenName, type Wire } from './wire.js';

const ROLES: Readonly<Record<string, 'user' | 'assistant'>> = { user: 'user', model: 'assistant', function: 'user' };

/** A call the conversation has made and not yet answered. */
interface OpenCall {
  id: string;
  name: string;
}

/**
 * `contents` and `systemInstruction` as canonical messages. Gemini may leave call ids out; they are then made from the call's
 * place, and a response without an id answers the oldest open call of its name.
 */
export function parseContents(body: Wire): Message[] {
  const instruction = parseInstruction(body);
  const name = writtenName(body, 'contents');
  if (name === null) throw invalidRequest('contents', '`contents` is required.');
  const contents = isWire(body[name]) ? [body[name]] : body[name];
  if (!Array.isArray(contents) || contents.length === 0) throw invalidRequest(name, `\`${name}\` must be a non-empty array of contents.`);
  const open: OpenCall[] = [];
  return [...instruction, ...contents.flatMap((content: unknown, index) => parseContent(content, `${name}[${index}]`, open))];
}

function parseInstruction(body: Wire): Message[] {
  const name = writtenName(body, 'systemInstruction');
  if (name === null) return [];
  if (typeof body[name] === 'string') return [{ role: 'system', parts: [{ type: 'text', text: body[name] }] }];
  const instruction = objectMember(body, 'systemInstruction', '') as Wire;
  const parts = partsOf(instruction, name).flatMap((part) => readPart(part));
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

function partsOf(content: Wire, path: string): Wire[] {
  const parts = arrayMember(content, 'parts', path) ?? [];
  return parts.map((part, index) => {
    if (!isWire(part)) throw invalidRequest(`${path}.parts[${index}]`, `\`${path}.parts[${index}]\` must be an object.`);
    return part;
  });
}

function parseContent(content: unknown, path: string, open: OpenCall[]): Message[] {
  if (!isWire(content)) throw invalidRequest(path, `\`${path}\` must be an object with \`role\` and \`parts\`.`);
  const written = stringMember(content, 'role', path) ?? 'user';
  const role = ROLES[written === '' ? 'user' : written];
  if (role === undefined) throw invalidRequest(`${path}.role`, `\`${path}.role\` must be \`user\` or \`model\`.`);
  const parts = partsOf(content, path);
  const read = parts.map((part, index) => parsePart(part, { path: `${path}.parts[${index}]`, role, open }));
  return messagesOf(role, read.flat());
}

interface PartPlace {
  path: string;
  role: 'user' | 'assistant';
  open: OpenCall[];
}

function parsePart(part: Wire, place: PartPlace): Part[] {
  const response = member(part, 'functionResponse');
  if (response !== undefined) return [parseFunctionResponse(part, place)];
  const parts = readPart(part);
  for (const call of parts) {
    if (call.type !== 'tool-call') continue;
    if (call.name === '') throw invalidRequest(`${place.path}.functionCall.name`, `\`${place.path}.functionCall.name\` is required.`);
    if (call.id === '') call.id = idOfPlace(place.path);
    place.open.push({ id: call.id, name: call.name });
  }
  return parts;
}

/** `contents[2].parts[0]` → `call_2_0`: the same at every turn, because the history before it does not change. */
function idOfPlace(path: string): string {
  return `call_${[...path.matchAll(/\[(\d+)\]/g)].map((found) => found[1]).join('_')}`;
}

function parseFunctionResponse(part: Wire, place: PartPlace): ToolResultPart {
  const response = objectMember(part, 'functionResponse', place.path) as Wire;
  const path = `${place.path}.functionResponse`;
  const call = answered(stringMember(response, 'id', path) ?? '', stringMember(response, 'name', path) ?? '', place);
  if (call.name === '') throw invalidRequest(`${path}.name`, `\`${path}.name\` is required.`);
  const result: ToolResultPart = { type: 'tool-result', toolCallId: call.id, name: call.name, content: [] };
  const value = member(response, 'response') ?? {};
  // The convention of Google's own clients: a failure stands alone under `error` (https://ai.google.dev/api/caching#FunctionResponse, read 2026-11-21).
  if (isWire(value) && Object.keys(value).length === 1 && typeof value['error'] === 'string') {
    return { ...result, content: [{ type: 'text', text: value['error'] }], isError: true };
  }
  result.content = [{ type: 'text', text: JSON.stringify(value) }, ...mediaOf(arrayMember(response, 'parts', path) ?? [])];
  return result;
}

/** The open call a response belongs to, which is then closed; one that belongs to none keeps what it says of itself. */
function answered(id: string, name: string, place: PartPlace): OpenCall {
  const found = place.open.findIndex((call) => (id === '' ? call.name === name : call.id === id));
  const [call] = found < 0 ? [] : place.open.splice(found, 1);
  return { id: id || (call?.id ?? idOfPlace(place.path)), name: name || (call?.name ?? '') };
}

function mediaOf(parts: readonly unknown[]): Part[] {
  return parts.map((part) => (isWire(part) ? readMedia(part) : null)).filter((part) => part !== null);
}

/** Tool results stand in `tool` messages of their own; the order of the parts is kept. */
function messagesOf(role: 'user' | 'assistant', parts: Part[]): Message[] {
  const messages: Message[] = [];
  for (const part of parts) {
    const wanted = part.type === 'tool-result' ? 'tool' : role;
    const last = messages.at(-1);
    if (last !== undefined && last.role === wanted) last.parts.push(part);
    else messages.push({ role: wanted, parts: [part] });
  }
  return messages.length === 0 ? [{ role, parts: [] }] : messages;
}
