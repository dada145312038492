import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ChatEvent, StreamItem } from '../../src/core/chat/event.js';
import type { ChatRequest } from '../../src/core/chat/request.js';
import { StreamNormaliser } from '../../src/core/chat/normalise-stream.js';
import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../../src/core/chat/usage.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { anthropicMessages } from '../../src/core/protocols/anthropic-messages/index.js';
import { geminiGenerate } from '../../src/core/protocols/gemini-generate/index.js';
import { openaiChat } from '../../src/core/protocols/openai-chat/index.js';
import type { ChatProtocol, RenderContext } from '../../src/core/protocols/protocol.js';

/** Other providers' recorded traffic through this protocol: what an Anthropic client gets of it, what an Anthropic upstream gets of their clients. */
const CORPUS = process.env['OG_CORPUS'] ?? join(process.cwd(), '..', 'shared', 'corpus');
const present = existsSync(join(CORPUS, 'index.json'));
const PROTOCOLS: Record<string, ChatProtocol> = {
  'openai.chat': openaiChat,
  'gemini.generateContent': geminiGenerate,
  'anthropic.messages': anthropicMessages,
};

type Json = Record<string, unknown>;
interface Exchange {
  id: string;
  api: string;
  request: { path: string; body: Json | null };
  response: { status: number; wire: string; sse?: string };
}
const exchanges: Exchange[] = present
  ? (JSON.parse(readFileSync(join(CORPUS, 'index.json'), 'utf8')) as { exchanges: { api: string; file: string }[] }).exchanges
      .filter((entry) => entry.api in PROTOCOLS)
      .map((entry) => JSON.parse(readFileSync(join(CORPUS, entry.file), 'utf8')) as Exchange)
  : [];

const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'msg_ours',
  createdS: 1,
  model: 'public/model',
  includeUsage: true,
  reasoningField: 'reasoning_content',
};

function parseWith(protocol: ChatProtocol, sse: string): StreamItem[] {
  const items: StreamItem[] = [];
  const normaliser = new StreamNormaliser('seed');
  const parser = protocol.createStreamParser((item) => items.push(normaliser.push(item).item), { dialect: {}, choices: 1 });
  parser.push(Buffer.from(sse));
  parser.end();
  return items;
}

/** What a client can tell of the first choice, in this protocol's terms. */
function summaryOf(events: readonly ChatEvent[]) {
  const seen = {
    text: '',
    reasoning: '',
    calls: [] as { id: string; name: string; arguments: string }[],
    finish: '',
    usage: undefined as Usage | undefined,
    last: '',
  };
  for (const event of events) {
    if ('choice' in event && event.choice !== 0) continue;
    if (event.type === 'text-delta' || event.type === 'refusal-delta') seen.text += event.text;
    if (event.type === 'reasoning-delta') seen.reasoning += event.text;
    if (event.type === 'tool-call-start') seen.calls[event.index] = { id: event.id, name: event.name, arguments: '' };
    if (event.type === 'tool-call-delta') (seen.calls[event.index] as { arguments: string }).arguments += event.argumentsText;
    if (event.type === 'finish') seen.finish = event.reason;
    if (event.type === 'usage') seen.usage = event.usage;
    seen.last = event.type;
  }
  for (const call of seen.calls) call.arguments = call.arguments === '' ? '{}' : call.arguments;
  return seen;
}

/** Anthropic has no classes for sound and images. */
const tokens = (usage: Usage | undefined) => usage && [promptTokens(usage), completionTokens(usage), usage.cacheRead, usage.reasoning];

function score(subject: string, misses: Map<string, string>, total: number): void {
  process.stdout.write(
    `anthropic-messages crossed, ${subject}: ${total - misses.size}/${total}${[...misses].map(([id, why]) => `\n  ${id}: ${why.slice(0, 500)}`).join('')}\n`,
  );
  expect(misses).toEqual(new Map());
}

/** What Anthropic's API demands of a request, each a 400 otherwise. */
function faultsOf(wire: Json): string[] {
  const faults: string[] = [];
  const messages = wire['messages'] as { role: string; content: string | Json[] }[];
  if (!Number.isInteger(wire['max_tokens'])) faults.push('max_tokens');
  const thinking = wire['thinking'] as Json | undefined;
  if (thinking?.['type'] === 'enabled' && !(Number(thinking['budget_tokens']) >= 1024 && Number(thinking['budget_tokens']) < Number(wire['max_tokens'])))
    faults.push('budget');
  if (thinking?.['type'] === 'enabled' && ['any', 'tool'].includes(String((wire['tool_choice'] as Json | undefined)?.['type'])))
    faults.push('thinking with a forced tool');
  messages.forEach((message, at) => {
    if (at > 0 && messages[at - 1]?.role === message.role) faults.push(`two turns of ${message.role}`);
    const blocks = typeof message.content === 'string' ? [{ type: 'text', text: message.content } as Json] : message.content;
    if (blocks.length === 0 || blocks.some((block) => block['type'] === 'text' && String(block['text']).trim() === '')) faults.push('empty content');
    const results = blocks.map((block) => block['type'] === 'tool_result');
    if (results.includes(true) && results.lastIndexOf(true) !== results.filter(Boolean).length - 1) faults.push('tool results not first');
    for (const block of blocks)
      if (['tool_use', 'tool_result'].includes(String(block['type'])) && !/^[a-zA-Z0-9_-]+$/.test(String(block['id'] ?? block['tool_use_id'])))
        faults.push('tool id');
  });
  for (const tool of (wire['tools'] ?? []) as Json[])
    if (tool['type'] === undefined && (tool['input_schema'] as Json)['type'] !== 'object') faults.push('input_schema');
  return faults;
}

const FACTS: Json[] = [{}, { thinking: 'adaptive', structured_output: true, sampling: false, prefill: false, system_messages: true, thinking_off: false }];

function tryRender(canonical: ChatRequest, modelFacts: Json): { faults: string[]; refused?: string } {
  try {
    const { wire } = anthropicMessages.renderRequest(canonical, { upstreamModel: 'up', reasons: true, modelFacts, maxOutputTokens: 32_000 });
    anthropicMessages.parseRequest(JSON.parse(JSON.stringify(wire)));
    return { faults: faultsOf(wire) };
  } catch (error) {
    const named = error instanceof GatewayError && error.status === 400 && error.param !== null;
    return named ? { faults: [], refused: error.message.replace(/\d+/g, 'n').slice(0, 110) } : { faults: [`threw ${String(error)}`] };
  }
}

const ifPresent = present ? describe : describe.skip;

ifPresent('Anthropic Messages, crossed with every other recorded protocol', () => {
  it('every stream reads the same to an Anthropic client', () => {
    const streams = exchanges.filter(({ response }) => response.status === 200 && response.wire === 'sse');
    const misses = new Map<string, string>();
    let endedCount = 0;
    for (const { id, api, response } of streams) {
      const items = parseWith(PROTOCOLS[api] as ChatProtocol, response.sse ?? '');
      const original = summaryOf(items.flatMap((item) => item.events));
      if (original.last !== 'end' || original.finish === 'error') continue;
      endedCount += 1;
      const renderer = anthropicMessages.createStreamRenderer(CONTEXT);
      const sse = items.map((item) => renderer.render(item, false)).join('') + renderer.finish({ usage: original.usage ?? NO_USAGE, estimated: false });
      const again = summaryOf(parseWith(anthropicMessages, sse).flatMap((item) => item.events));
      const same =
        isDeepStrictEqual({ ...again, usage: 0 }, { ...original, usage: 0 }) &&
        (original.usage === undefined || isDeepStrictEqual(tokens(again.usage), tokens(original.usage)));
      if (!same) misses.set(id, `got ${JSON.stringify(again)}, wanted ${JSON.stringify(original)}`);
    }
    score('streams', misses, endedCount);
  });

  it('every client’s request becomes one that Anthropic takes, or a 400 that names what it cannot', () => {
    const misses = new Map<string, string>();
    const refused = new Set<string>();
    let triedCount = 0;
    for (const { id, api, request, response } of exchanges.filter((exchange) => exchange.request.body !== null)) {
      let canonical;
      try {
        canonical = (PROTOCOLS[api] as ChatProtocol).parseRequest({ model: 'm', ...request.body });
      } catch {
        continue;
      }
      triedCount += 1;
      for (const modelFacts of FACTS) {
        const outcome = tryRender(canonical, modelFacts);
        if (outcome.refused !== undefined) refused.add(outcome.refused);
        // What the recorded provider itself refused may stay wrong: its 400 names it.
        const faults = response.status === 200 ? outcome.faults : outcome.faults.filter((fault) => fault.startsWith('threw'));
        if (faults.length > 0) misses.set(id, faults.join(', '));
      }
    }
    process.stdout.write(
      `anthropic-messages crossed, refusals by name:${[...refused]
        .toSorted()
        .map((why) => `\n  ${why}`)
        .join('')}\n`,
    );
    score('requests', misses, triedCount);
  });
});
