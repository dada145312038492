export type SpokenProtocol =
  | 'openai-chat'
  | 'openai-completions'
  | 'openai-responses'
  | 'anthropic-messages'
  | 'gemini-generate'
  | 'bedrock-converse'
  | 'cohere-chat'
  | 'ollama-chat'
  | 'other';

/** What one request asks for, as far as an answer depends on it. */
export interface Call {
  protocol: SpokenProtocol;
  model: string;
  stream: boolean;
  /** OpenAI's `stream_options.include_usage`. */
  includeUsage: boolean;
  choices: number;
  lastUserText: string;
  /** Bedrock: the tool the model must call. */
  forcedTool?: string;
}

type Json = Record<string, unknown>;

export function readCall(url: string, body: unknown): Call {
  const path = url.split('?', 1)[0] ?? '';
  const json: Json = typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Json) : {};
  const gemini = /\/models\/([^/:]+):(stream)?[gG]enerateContent$/.exec(path);
  if (gemini !== null) return geminiCall(decodeURIComponent(gemini[1] as string), gemini[2] !== undefined, json);
  const bedrock = /\/model\/([^/]+)\/converse(-stream)?$/.exec(path);
  if (bedrock !== null) return bedrockCall(decodeURIComponent(bedrock[1] as string), bedrock[2] !== undefined, json);
  const model = typeof json['model'] === 'string' ? json['model'] : '';
  const stream = json['stream'] === true;
  const common = { model, stream, lastUserText: lastUserText(json['messages']), choices: numberOr(json['n'], 1) };
  if (path.endsWith('/completions')) {
    const protocol = path.endsWith('/chat/completions') ? 'openai-chat' : 'openai-completions';
    return { ...common, protocol, includeUsage: record(json['stream_options'])['include_usage'] === true };
  }
  if (path.endsWith('/responses'))
    return { ...common, choices: 1, protocol: 'openai-responses', includeUsage: true, lastUserText: lastUserText(json['input']) };
  const protocol = BY_PATH.find(([end]) => path.endsWith(end))?.[1];
  if (protocol === undefined) return { ...common, protocol: 'other', includeUsage: false };
  // Ollama streams unless it is told not to.
  return { ...common, choices: 1, protocol, includeUsage: true, stream: protocol === 'ollama-chat' ? json['stream'] !== false : stream };
}

const BY_PATH: readonly (readonly [string, SpokenProtocol])[] = [
  ['/messages', 'anthropic-messages'],
  ['/api/chat', 'ollama-chat'],
  ['/chat', 'cohere-chat'],
];

function bedrockCall(model: string, stream: boolean, json: Json): Call {
  const forced = record(record(record(json['toolConfig'])['toolChoice'])['tool'])['name'];
  const call: Call = { protocol: 'bedrock-converse', model, stream, includeUsage: true, choices: 1, lastUserText: lastUserText(json['messages']) };
  return typeof forced === 'string' ? { ...call, forcedTool: forced } : call;
}

function geminiCall(model: string, stream: boolean, json: Json): Call {
  const messages = (Array.isArray(json['contents']) ? json['contents'] : []).map((content) => ({
    role: record(content)['role'] ?? 'user',
    content: record(content)['parts'],
  }));
  return {
    protocol: 'gemini-generate',
    model,
    stream,
    includeUsage: true,
    choices: numberOr(record(json['generationConfig'])['candidateCount'], 1),
    lastUserText: lastUserText(messages),
  };
}

function lastUserText(messages: unknown): string {
  const users = (Array.isArray(messages) ? messages : []).map(record).filter((message) => message['role'] === 'user');
  const content = users.at(-1)?.['content'];
  if (typeof content === 'string') return content;
  return (Array.isArray(content) ? content : []).map((part) => (typeof record(part)['text'] === 'string' ? (record(part)['text'] as string) : '')).join('');
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? Math.min(value, 128) : otherwise;
}
