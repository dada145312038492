import type { ChatResponse, Choice } from '../../chat/response.js';
import { isObject, jsonString, jsonText, onlyStringNamed, type JsonObject } from '../../json/index.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { RENDERED } from './render-response.js';
import { usageText } from './usage-text.js';

/** Members that every answer must have, to be written in its own order. */
const IDENTITY_MEMBERS = 6;
const CHOICE_MEMBERS = 3;

/**
 * The JSON text of `renderNativeResponse` for the answer that nearly every answer is: one choice, one text, all of the usual
 * members. Null for every other one. Written member by member, because copying the provider's object to change four members
 * of it and then having it serialised costs three times as much (`response.spec.ts` holds one against the other).
 */
export function plainAnswerText(raw: JsonObject, context: RenderContext, summary: AnswerSummary, response: ChatResponse): string | null {
  const choices = choicesText(raw['choices'], response);
  return choices === null || raw['og'] !== undefined ? null : bodyText(raw, choices, context, summary);
}

function bodyText(raw: JsonObject, choices: string, context: RenderContext, summary: AnswerSummary): string | null {
  let text = '{';
  let written = 0;
  let separator = '';
  for (const name in raw) {
    const own = name === 'choices' ? choices : name === 'usage' ? `"usage":${usageText(summary)}` : identityText(name, context);
    if (own !== null) written += 1;
    text += separator;
    text += own ?? `${jsonString(name)}:${JSON.stringify(raw[name])}`;
    separator = ',';
  }
  if (written !== IDENTITY_MEMBERS) return null;
  return summary.og === undefined ? `${text}}` : `${text},"og":${routeText(summary.og)}}`;
}

/** Names of our own; texts and numbers as values. */
function routeText(og: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const name in og) {
    const value = og[name];
    if (value !== undefined) text += `${text === '' ? '' : ','}"${name}":${jsonText(value)}`;
  }
  return `{${text}}`;
}

/** The id is of our own making, and needs no escape. */
function identityText(name: string, { responseId, createdS, model }: RenderContext): string | null {
  if (name === 'id') return `"id":"${responseId}"`;
  if (name === 'object') return '"object":"chat.completion"';
  if (name === 'created') return `"created":${createdS}`;
  return name === 'model' ? `"model":${jsonString(model)}` : null;
}

function choicesText(raw: unknown, { choices, rawText }: ChatResponse): string | null {
  const text = onlyText(choices);
  const [choice] = Array.isArray(raw) && raw.length === 1 ? (raw as unknown[]) : [];
  if (text === null || !isObject(choice) || choice['index'] !== 0) return null;
  const { message } = choice;
  if (!isObject(message) || !hasRenderedAlone(message)) return null;
  return choiceText(choice, contentText(text, message, rawText), (choices[0] as Choice).finish);
}

/** As the provider wrote it, where that can be found. */
function contentText(text: string, message: JsonObject, rawText: string | undefined): string {
  const own = rawText === undefined || message['content'] !== text ? null : onlyStringNamed('content', rawText);
  return own ?? JSON.stringify(text);
}

/** In the order of the provider's members; `logprobs` follows where there are none. `content` is the JSON text of a string. */
function choiceText(raw: JsonObject, content: string, finish: string): string | null {
  let text = '"choices":[{';
  let written = 0;
  let separator = '';
  for (const name in raw) {
    const own = ownText(name, content, finish);
    if (own !== null) written += 1;
    text += separator;
    text += own ?? `${jsonString(name)}:${JSON.stringify(raw[name] ?? null)}`;
    separator = ',';
  }
  if (written !== CHOICE_MEMBERS) return null;
  return raw['logprobs'] === undefined ? `${text},"logprobs":null}]` : `${text}}]`;
}

function ownText(name: string, content: string, finish: string): string | null {
  if (name === 'index') return '"index":0';
  if (name === 'message') return `"message":{"role":"assistant","content":${content},"refusal":null}`;
  return name === 'finish_reason' ? `"finish_reason":"${finish}"` : null;
}

function onlyText(choices: readonly Choice[]): string | null {
  const [choice] = choices;
  if (choices.length !== 1 || choice?.index !== 0 || choice.parts.length !== 1) return null;
  const [part] = choice.parts;
  return part?.type === 'text' && part.annotations === undefined ? part.text : null;
}

function hasRenderedAlone(message: JsonObject): boolean {
  for (const name in message) if (!RENDERED.has(name)) return false;
  return true;
}
