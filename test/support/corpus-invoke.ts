import { bodyBytes, type Exchange, type ExpectedAnswer } from './upstream-simulator/index.js';

/**
 * Recordings of Bedrock's InvokeModel come without a decoding: this is one, written down independently of the gateway's code. Claude, Nova and
 * Titan, whole and streamed; usage as `{prompt, completion, cached}`.
 */
type Json = Record<string, unknown>;
const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(record) : []);
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

export function invokeExpectation(exchange: Exchange): ExpectedAnswer {
  const { response } = exchange;
  return response.wire === 'eventstream' ? ofEvents(eventsIn(bodyBytes(exchange))) : ofWhole(record(response.body));
}

/** The JSON inside each chunk; checksums are the gateway's business. */
function eventsIn(bytes: Buffer): Json[] {
  const events: Json[] = [];
  for (let at = 0; at < bytes.length;) {
    const [total, headers] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)];
    const payload = record(JSON.parse(bytes.toString('utf8', at + 12 + headers, at + total - 4)));
    events.push(record(JSON.parse(Buffer.from(String(payload['bytes']), 'base64').toString('utf8'))));
    at += total;
  }
  return events;
}

function ofWhole(body: Json): ExpectedAnswer {
  const [titan] = list(body['results']);
  if (titan !== undefined) {
    return { text: String(titan['outputText']), finish: titan['completionReason'], usage: counts(body['inputTextTokenCount'], titan['tokenCount']) };
  }
  const nova = record(record(body['output'])['message'])['content'];
  const blocks = list(nova ?? body['content']);
  const calls = blocks.map((block) => (nova === undefined ? block : record(block['toolUse']))).filter((block) => 'input' in block);
  return {
    text: blocks.map((block) => block['text'] ?? '').join(''),
    toolCalls: calls.map((call) => ({ id: String(call['id'] ?? call['toolUseId']), name: String(call['name']), arguments: JSON.stringify(call['input']) })),
    finish: body['stopReason'] ?? body['stop_reason'],
    usage: nova === undefined ? claudeUsage(record(body['usage'])) : novaUsage(record(body['usage'])),
  };
}

function ofEvents(events: readonly Json[]): ExpectedAnswer {
  const text: unknown[] = [];
  const calls: { id: string; name: string; arguments: string }[] = [];
  let finish: unknown;
  let usage: Json = {};
  for (const event of events) {
    const nova = record(record(event['contentBlockDelta'])['delta']);
    const claude = record(event['delta']);
    text.push(nova['text'] ?? (claude['type'] === 'text_delta' ? claude['text'] : undefined) ?? event['outputText'] ?? '');
    const begun = event['content_block'] ?? record(record(event['contentBlockStart'])['start'])['toolUse'];
    const { id, toolUseId, name } = record(begun);
    if (typeof name === 'string') calls.push({ id: String(id ?? toolUseId), name, arguments: '' });
    const piece = claude['partial_json'] ?? record(nova['toolUse'])['input'];
    const last = calls.at(-1);
    if (typeof piece === 'string' && last !== undefined) last.arguments += piece;
    finish = claude['stop_reason'] ?? record(event['messageStop'])['stopReason'] ?? event['completionReason'] ?? finish;
    usage = usageIn(event, usage);
  }
  return { text: text.join(''), toolCalls: calls, finish, usage };
}

function usageIn(event: Json, before: Json): Json {
  const started = record(event['message'])['usage'];
  if (started !== undefined) return claudeUsage(record(started));
  if (event['type'] === 'message_delta') return { ...before, completion: record(event['usage'])['output_tokens'] };
  const metadata = record(event['metadata'])['usage'];
  if (metadata !== undefined) return novaUsage(record(metadata));
  const measured = event['amazon-bedrock-invocationMetrics'];
  return 'outputText' in event && measured !== undefined ? counts(record(measured)['inputTokenCount'], record(measured)['outputTokenCount']) : before;
}

const counts = (prompt: unknown, completion: unknown, cached: unknown = 0): Json => ({ prompt: count(prompt), completion: count(completion), cached: count(cached) });

function claudeUsage(usage: Json): Json {
  const cached = count(usage['cache_read_input_tokens']);
  return counts(count(usage['input_tokens']) + cached + count(usage['cache_creation_input_tokens']), usage['output_tokens'], cached);
}

function novaUsage(usage: Json): Json {
  const cached = count(usage['cacheReadInputTokenCount']);
  return counts(count(usage['inputTokens']) + cached + count(usage['cacheWriteInputTokenCount']), usage['outputTokens'], cached);
}
