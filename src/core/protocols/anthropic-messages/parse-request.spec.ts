import { GatewayError } from '../../errors/gateway-error.js';
import { parseRequest } from './parse-request.js';

const base = { model: 'claude', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] };
const parse = (more: Record<string, unknown>) => parseRequest({ ...base, ...more });
const user = (content: unknown) => parse({ messages: [{ role: 'user', content }] }).messages;

function paramOf(body: unknown): string | null {
  try {
    parseRequest(body);
  } catch (error) {
    if (error instanceof GatewayError && error.status === 400) return error.param;
    throw error;
  }
  throw new Error('accepted');
}

describe('parseRequest', () => {
  it('reads the smallest request', () => {
    expect(parseRequest(base)).toMatchObject({
      model: 'claude',
      maxOutputTokens: 10,
      stream: false,
      includeUsage: true,
      tools: [],
      sampling: {},
      extra: {},
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
    });
  });

  it('keeps cache breakpoints where they stand', () => {
    const request = parse({
      system: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b', cache_control: { type: 'ephemeral', ttl: '1h' } },
      ],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'c', cache_control: { type: 'ephemeral' } }] }],
      tools: [{ name: 't', input_schema: { type: 'object' }, cache_control: { type: 'ephemeral' }, defer_loading: true }],
    });
    expect(request.messages).toEqual([
      {
        role: 'system',
        parts: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b', cacheControl: { type: 'ephemeral', ttl: '1h' } },
        ],
      },
      { role: 'user', parts: [{ type: 'text', text: 'c', cacheControl: { type: 'ephemeral' } }] },
    ]);
    expect(request.tools).toEqual([
      {
        type: 'function',
        name: 't',
        parameters: { type: 'object' },
        cacheControl: { type: 'ephemeral' },
        foreign: { protocol: 'anthropic-messages', members: { defer_loading: true } },
      },
    ]);
  });

  it('reads images and documents from every source', () => {
    const [message] = user([
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA' } },
      { type: 'image', source: { type: 'url', url: 'https://x/y.png' } },
      { type: 'image', source: { type: 'file', file_id: 'file_1' } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'BB' }, title: 'doc' },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: '한국' }, citations: { enabled: true } },
      { type: 'document', source: { type: 'content', content: 'x' } },
    ]);
    expect(message?.parts).toEqual([
      { type: 'image', source: { kind: 'inline', mediaType: 'image/png', data: 'AA' } },
      { type: 'image', source: { kind: 'url', url: 'https://x/y.png' } },
      { type: 'image', source: { kind: 'provider-file', id: 'file_1' } },
      { type: 'file', source: { kind: 'inline', mediaType: 'application/pdf', data: 'BB' }, filename: 'doc' },
      {
        type: 'file',
        source: { kind: 'inline', mediaType: 'text/plain', data: Buffer.from('한국').toString('base64') },
        text: '한국',
        foreign: { protocol: 'anthropic-messages', members: { citations: { enabled: true } } },
      },
      { type: 'opaque', protocol: 'anthropic-messages', value: { type: 'document', source: { type: 'content', content: 'x' } } },
    ]);
  });

  it('makes every tool result a message of its own, in the order of the turn', () => {
    const messages = user([
      { type: 'tool_result', tool_use_id: 'a', content: 'ok' },
      { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'no' }], is_error: true },
      { type: 'text', text: 'and now?' },
    ]);
    expect(messages).toEqual([
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', content: [{ type: 'text', text: 'ok' }] }] },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'b', content: [{ type: 'text', text: 'no' }], isError: true }] },
      { role: 'user', parts: [{ type: 'text', text: 'and now?' }] },
    ]);
  });

  it('keeps thinking with its signature, and unknown blocks whole', () => {
    const server = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} };
    const content = [
      { type: 'thinking', thinking: 'hm', signature: 'sig' },
      { type: 'redacted_thinking', data: 'enc' },
      server,
      { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
    ];
    expect(parse({ messages: [{ role: 'assistant', content }] }).messages[0]?.parts).toEqual([
      { type: 'reasoning', text: 'hm', signature: 'sig', origin: 'anthropic-messages' },
      { type: 'reasoning', text: '', encrypted: 'enc', origin: 'anthropic-messages' },
      { type: 'opaque', protocol: 'anthropic-messages', value: server },
      { type: 'tool-call', id: 'a', name: 'f', arguments: '{"x":1}' },
    ]);
  });

  it('gives a signature that we wrapped back to the protocol it came from', () => {
    const content = [{ type: 'thinking', thinking: 'hm', signature: 'og-sig.gemini-generate.abc.def' }];
    expect(parse({ messages: [{ role: 'assistant', content }] }).messages[0]?.parts).toEqual([
      { type: 'reasoning', text: 'hm', signature: 'abc.def', origin: 'gemini-generate' },
    ]);
  });

  it('reads server tools, tool choice, thinking, effort, format and identity', () => {
    const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 2 };
    const request = parse({
      tools: [search, { type: 'custom', name: 'f', input_schema: { type: 'object' } }],
      tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 2048, display: 'omitted' },
      output_config: { effort: 'xhigh', format: { type: 'json_schema', schema: { type: 'object' } }, task_budget: 1 },
      metadata: { user_id: 'u' },
      stop_sequences: ['END'],
      top_k: 5,
      service_tier: 'auto',
      mcp_servers: [],
    });
    expect(request).toMatchObject({
      tools: [
        { type: 'opaque', protocol: 'anthropic-messages', name: 'web_search', value: search },
        { type: 'function', name: 'f' },
      ],
      toolChoice: { type: 'tool', name: 'f' },
      parallelToolCalls: false,
      reasoning: { enabled: true, budgetTokens: 2048, summary: 'omitted', effort: 'xhigh' },
      responseFormat: { type: 'json-schema', schema: { type: 'object' }, strict: true },
      user: 'u',
      sampling: { stop: ['END'], topK: 5 },
      serviceTier: 'auto',
      extra: { mcp_servers: [], output_config: { task_budget: 1 } },
    });
    expect(request.wireNames).toMatchObject({
      maxOutputTokens: 'max_tokens',
      stop: 'stop_sequences',
      reasoning: 'thinking',
      responseFormat: 'output_config.format',
    });
    expect(parse({ thinking: { type: 'disabled' } }).reasoning).toEqual({ enabled: false });
    expect(parse({ thinking: { type: 'adaptive' } }).reasoning).toEqual({ enabled: true });
  });

  const block = (value: unknown) => ({ ...base, messages: [{ role: 'user', content: [value] }] });
  it.each<[string, unknown, string | null]>([
    ['no object', [], ''],
    ['no model', { ...base, model: undefined }, 'model'],
    ['no max_tokens', { ...base, max_tokens: undefined }, 'max_tokens'],
    ['negative max_tokens', { ...base, max_tokens: -1 }, 'max_tokens'],
    ['a huge max_tokens', { ...base, max_tokens: 1e300 }, 'max_tokens'],
    ['no messages', { ...base, messages: undefined }, 'messages'],
    ['empty messages', { ...base, messages: [] }, 'messages'],
    ['a message that is a string', { ...base, messages: ['Invalid content'] }, 'messages[0]'],
    ['an unknown role', { ...base, messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
    ['content of a wrong type', { ...base, messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    ['no content', { ...base, messages: [{ role: 'user' }] }, 'messages[0].content'],
    ['a block without type', block({ text: 'x' }), 'messages[0].content[0].type'],
    ['text without text', block({ type: 'text' }), 'messages[0].content[0].text'],
    ['an image without source', block({ type: 'image' }), 'messages[0].content[0].source'],
    ['an image without data', block({ type: 'image', source: { type: 'base64', media_type: 'image/png' } }), 'messages[0].content[0].source.data'],
    ['a result without id', block({ type: 'tool_result' }), 'messages[0].content[0].tool_use_id'],
    ['input that is no object', block({ type: 'tool_use', id: 'a', name: 'b', input: '{}' }), 'messages[0].content[0].input'],
    ['a wrong cache lifetime', block({ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '2d' } }), 'messages[0].content[0].cache_control.ttl'],
    ['an image in system', { ...base, system: [{ type: 'image', source: { type: 'url', url: 'https://x' } }] }, 'system[0]'],
    ['temperature as text', { ...base, temperature: '1' }, 'temperature'],
    ['stream as text', { ...base, stream: 'yes' }, 'stream'],
    ['a stop sequence of a wrong type', { ...base, stop_sequences: ['a', 1] }, 'stop_sequences[1]'],
    ['too many tools', { ...base, tools: Array.from({ length: 10_000 }, () => ({ name: 't' })) }, 'tools'],
    ['too many messages', { ...base, messages: Array.from({ length: 20_001 }, () => ({ role: 'user', content: 'x' })) }, 'messages'],
    ['a tool without name', { ...base, tools: [{ input_schema: {} }] }, 'tools[0].name'],
    ['an unknown tool choice', { ...base, tool_choice: { type: 'maybe' } }, 'tool_choice.type'],
    ['thinking without budget', { ...base, thinking: { type: 'enabled' } }, 'thinking.budget_tokens'],
    ['an unknown effort', { ...base, output_config: { effort: 'huge' } }, 'output_config.effort'],
    ['an unknown format', { ...base, output_format: { type: 'xml' } }, 'output_format.type'],
  ])('refuses %s, naming the path', (_name, body, param) => {
    expect(paramOf(JSON.parse(JSON.stringify(body)))).toBe(param);
  });
});
