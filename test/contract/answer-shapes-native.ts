import { blocks, exception, lines, sse, type Shape } from './answer-shapes.js';

/** What the protocols of their own answer beside the everyday (documentation, SDKs and reports read 2026-11-29; values made up). */
type Json = Record<string, unknown>;

const gemini = (candidate: Json, more: Json = {}): Json => ({
  candidates: [{ index: 0, ...candidate }], usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }, modelVersion: 'm', responseId: 'r', ...more,
});
const said = (...parts: Json[]): Json => ({ content: { role: 'model', parts } });
const HI = { text: 'Hi', finish: 'stop', usage: [10, 5, 0] } as const;

const GEMINI: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'thoughts', whole: gemini({ ...said({ text: 'Hm', thought: true }, { text: 'Hi', thoughtSignature: 'zz' }), finishReason: 'STOP' }, { usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 7, totalTokenCount: 22 } }), wanted: { text: 'Hi', reasoning: 'Hm', usage: [10, 12, 0] } },
  { name: 'code execution', whole: gemini({ ...said({ executableCode: { language: 'PYTHON', code: 'print(1)' } }, { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } }, { text: 'Hi' }), finishReason: 'STOP' }), wanted: { ...HI, opaque: 2, drift: [] } },
  { name: 'grounding', whole: gemini({ ...said({ text: 'Hi' }), finishReason: 'STOP', groundingMetadata: { webSearchQueries: ['q'], groundingChunks: [{ web: { uri: 'https://example.com', title: 't' } }], groundingSupports: [{ segment: { startIndex: 0, endIndex: 2, text: 'Hi' }, groundingChunkIndices: [0] }], searchEntryPoint: { renderedContent: '<p>' } } }), wanted: { ...HI, annotations: 1, drift: [] } },
  { name: 'tool-use prompt tokens', whole: gemini({ ...said({ text: 'Hi' }), finishReason: 'STOP' }, { usageMetadata: { promptTokenCount: 10, toolUsePromptTokenCount: 20, candidatesTokenCount: 5, totalTokenCount: 35 } }), wanted: { usage: [30, 5, 0] } },
  { name: 'cached tokens', whole: gemini({ ...said({ text: 'Hi' }), finishReason: 'STOP' }, { usageMetadata: { promptTokenCount: 10, cachedContentTokenCount: 8, candidatesTokenCount: 5, totalTokenCount: 15, cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 8 }] } }), wanted: { usage: [10, 5, 8] } },
  { name: 'several candidates', whole: { ...gemini({ ...said({ text: 'Hi' }), finishReason: 'STOP' }), candidates: [{ ...said({ text: 'Hi' }), finishReason: 'STOP' }, { index: 1, ...said({ text: 'Ho' }), finishReason: 'STOP' }] }, wanted: HI },
  { name: 'content without parts', whole: gemini({ content: { role: 'model' }, finishReason: 'STOP' }), wanted: { text: '', finish: 'stop' } },
  { name: 'no content at all, at the limit', whole: gemini({ finishReason: 'MAX_TOKENS' }), wanted: { text: '', finish: 'length' } },
  { name: 'a blocked candidate', whole: gemini({ finishReason: 'SAFETY', safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'HIGH', blocked: true }] }), wanted: { text: '', finish: 'content_filter', drift: [] } },
  { name: 'a blocked prompt', whole: { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 }, modelVersion: 'm' }, wanted: { text: '', finish: 'content_filter', usage: [10, 0, 0] } },
  { name: 'calls with ids, that end with STOP', whole: gemini({ ...said({ functionCall: { id: 'a', name: 'f', args: { x: 1 } }, thoughtSignature: 'zz' }, { functionCall: { id: 'b', name: 'g', args: {} } }), finishReason: 'STOP' }), wanted: { calls: [['f', '{"x":1}'], ['g', '{}']], finish: 'tool_calls', drift: [] } },
  { name: 'a call without arguments', whole: gemini({ ...said({ functionCall: { name: 'f' } }), finishReason: 'STOP' }), wanted: { calls: [['f', '{}']] } },
  { name: 'an image', whole: gemini({ ...said({ text: 'Hi' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }), finishReason: 'STOP' }), wanted: { text: 'Hi', images: 1, drift: [] } },
  { name: 'an error in a list', whole: [{ error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT' } }], wanted: { error: 'API key not valid' } },
  { name: 'a stream’s list where a whole answer was asked for', whole: [gemini(said({ text: 'H' })), gemini({ ...said({ text: 'i' }), finishReason: 'STOP' })], wanted: HI },
  { name: 'calls and the end in frames of their own', stream: sse(gemini(said({ functionCall: { name: 'f', args: { x: 1 } } })), gemini(said({ functionCall: { name: 'f', args: { x: 2 } } })), gemini({ ...said({ text: '' }), finishReason: 'STOP' })), wanted: { calls: [['f', '{"x":1}'], ['f', '{"x":2}']], finish: 'tool_calls' } },
  { name: 'usage alone in the last frame', stream: sse(gemini(said({ text: 'Hi' }), { usageMetadata: { trafficType: 'ON_DEMAND' } }), gemini({ ...said({ text: '' }), finishReason: 'STOP' }, { usageMetadata: undefined }), { usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 } }), wanted: HI },
  { name: 'a prompt blocked in a stream', stream: sse({ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 } }), wanted: { text: '', finish: 'content_filter' } },
  { name: 'an error in the middle', stream: sse(gemini(said({ text: 'Hi' })), { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }), wanted: { error: 'overloaded' } },
  { name: 'frames with CRLF', stream: Buffer.from(sse(gemini(said({ text: 'H' })), gemini({ ...said({ text: 'i' }), finishReason: 'STOP' })).toString().replaceAll('\n', '\r\n')), wanted: HI },
  { name: 'a JSON list instead of events', stream: Buffer.from(`[${JSON.stringify(gemini(said({ text: 'H' })))}\n,\r\n${JSON.stringify(gemini({ ...said({ text: 'i' }), finishReason: 'STOP' }))}\n]`), wanted: HI },
];

const message = (content: readonly Json[], more: Json = {}): Json => ({
  id: 'msg', type: 'message', role: 'assistant', model: 'm', content, stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 10, output_tokens: 5 }, ...more,
});
const started = { type: 'message_start', message: { ...message([]), stop_reason: null, usage: { input_tokens: 10, output_tokens: 1 } } };
const ended = (reason: string | null, usage: unknown = { output_tokens: 5 }) => [{ type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage }, { type: 'message_stop' }];
const blockOf = (index: number, content_block: Json, ...deltas: Json[]) => [
  { type: 'content_block_start', index, content_block }, ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })), { type: 'content_block_stop', index },
];
const text = (index: number, words: string) => blockOf(index, { type: 'text', text: '' }, { type: 'text_delta', text: words });

const ANTHROPIC: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'a server’s search and its citations', whole: message([{ type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } }, { type: 'web_search_tool_result', tool_use_id: 's', content: [{ type: 'web_search_result', url: 'https://example.com', title: 't', encrypted_content: 'z' }] }, { type: 'text', text: 'Hi', citations: [{ type: 'web_search_result_location', url: 'https://example.com', title: 't', encrypted_index: 'z', cited_text: 'c' }] }], { usage: { input_tokens: 10, output_tokens: 5, server_tool_use: { web_search_requests: 1 } } }), wanted: { ...HI, opaque: 2, annotations: 1, calls: [], drift: [] } },
  { name: 'code execution', whole: message([{ type: 'server_tool_use', id: 's', name: 'bash_code_execution', input: {} }, { type: 'bash_code_execution_tool_result', tool_use_id: 's', content: { type: 'bash_code_execution_result', stdout: '1', stderr: '', return_code: 0, content: [] } }, { type: 'text', text: 'Hi' }], { container: { id: 'c', expires_at: '2026-01-01T00:00:00Z' } }), wanted: { ...HI, opaque: 2, drift: [] } },
  { name: 'MCP', whole: message([{ type: 'mcp_tool_use', id: 's', name: 'f', server_name: 'x', input: {} }, { type: 'mcp_tool_result', tool_use_id: 's', is_error: false, content: [{ type: 'text', text: 'o' }] }, { type: 'text', text: 'Hi' }]), wanted: { ...HI, opaque: 2, calls: [], drift: [] } },
  { name: 'a pause', whole: message([{ type: 'text', text: 'Hi' }], { stop_reason: 'pause_turn' }), wanted: { ...HI, drift: [] } },
  { name: 'a refusal', whole: message([], { stop_reason: 'refusal' }), wanted: { text: '', finish: 'content_filter', drift: [] } },
  { name: 'a full context window', whole: message([{ type: 'text', text: 'Hi' }], { stop_reason: 'model_context_window_exceeded' }), wanted: { finish: 'length', drift: [] } },
  { name: 'a compaction', whole: message([{ type: 'compaction', content: 'c' }, { type: 'text', text: 'Hi' }], { usage: { input_tokens: 10, output_tokens: 5, iterations: [{ type: 'compaction', input_tokens: 100, output_tokens: 20 }, { type: 'message', input_tokens: 10, output_tokens: 5 }] } }), wanted: { text: 'Hi', usage: [110, 25, 0], drift: [] } },
  { name: 'redacted thinking', whole: message([{ type: 'redacted_thinking', data: 'z' }, { type: 'text', text: 'Hi' }]), wanted: { ...HI, drift: [] } },
  { name: 'cache reads and writes', whole: message([{ type: 'text', text: 'Hi' }], { usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 50, cache_creation: { ephemeral_5m_input_tokens: 50, ephemeral_1h_input_tokens: 0 }, service_tier: 'standard', inference_geo: 'us' } }), wanted: { usage: [160, 5, 100] } },
  { name: 'an error in a 200', whole: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, wanted: { error: 'Overloaded' } },
  { name: 'text, a call, text', stream: sse(started, ...text(0, 'H'), ...blockOf(1, { type: 'tool_use', id: 'a', name: 'f', input: {} }, { type: 'input_json_delta', partial_json: '' }, { type: 'input_json_delta', partial_json: '{"x":1}' }), ...text(2, 'i'), ...ended('tool_use')), wanted: { text: 'Hi', calls: [['f', '{"x":1}']], finish: 'tool_calls' } },
  { name: 'a call without arguments', stream: sse(started, ...blockOf(0, { type: 'tool_use', id: 'a', name: 'f', input: {} }), ...ended('tool_use')), wanted: { calls: [['f', '{}']] } },
  { name: 'the whole input at the start', stream: sse(started, ...blockOf(0, { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } }), ...ended('tool_use')), wanted: { calls: [['f', '{"x":1}']] } },
  { name: 'a server’s tool in a stream', stream: sse(started, ...blockOf(0, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }, { type: 'input_json_delta', partial_json: '{"query":"q"}' }), ...blockOf(1, { type: 'web_search_tool_result', tool_use_id: 's', content: [] }), ...text(2, 'Hi'), ...ended('end_turn', { input_tokens: 10, output_tokens: 5, server_tool_use: { web_search_requests: 1 } })), wanted: { ...HI, opaque: 2, drift: [] } },
  { name: 'thinking with a signature', stream: sse(started, { type: 'ping' }, ...blockOf(0, { type: 'thinking', thinking: '', signature: '' }, { type: 'thinking_delta', thinking: 'Hm' }, { type: 'signature_delta', signature: 'z' }), ...text(1, 'Hi'), ...ended('end_turn')), wanted: { ...HI, reasoning: 'Hm', drift: [] } },
  { name: 'citations', stream: sse(started, ...blockOf(0, { type: 'text', text: '', citations: [] }, { type: 'text_delta', text: 'Hi' }, { type: 'citations_delta', citation: { type: 'char_location', cited_text: 'c', document_index: 0, document_title: 't', start_char_index: 0, end_char_index: 1 } }), ...ended('end_turn')), wanted: { ...HI, annotations: 1, drift: [] } },
  { name: 'usage corrected at the end', stream: sse({ type: 'message_start', message: { ...message([]), usage: { input_tokens: 0, output_tokens: 0 } } }, ...text(0, 'Hi'), ...ended('end_turn', { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 0 })), wanted: HI },
  { name: 'an error event', stream: sse(started, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }), wanted: { error: 'Overloaded' } },
  { name: 'Bedrock’s metrics at the end', stream: sse(started, ...text(0, 'Hi'), ended('end_turn')[0], { type: 'message_stop', 'amazon-bedrock-invocationMetrics': { inputTokenCount: 10, outputTokenCount: 5 } }), wanted: HI },
  { name: 'broken off after the stop reason', stream: sse(started, ...text(0, 'Hi'), ended('end_turn')[0]), wanted: { error: 'message_stop' } },
];

const cohere = (content: unknown, more: Json = {}): Json => ({ id: 'c', message: { role: 'assistant', content, ...more }, finish_reason: 'COMPLETE', usage: { billed_units: { input_tokens: 3, output_tokens: 5 }, tokens: { input_tokens: 10, output_tokens: 5 } } });
const COHERE: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'a plan and calls', whole: { ...cohere(undefined, { tool_plan: 'Hm', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '' } }] }), finish_reason: 'TOOL_CALL' }, wanted: { reasoning: 'Hm', calls: [['f', '{}']], finish: 'tool_calls' } },
  { name: 'content null', whole: cohere(null), wanted: { text: '', finish: 'stop', usage: [10, 5, 0] } },
  { name: 'content as a text', whole: cohere('Hi'), wanted: HI },
  { name: 'billed units alone', whole: { ...cohere([{ type: 'text', text: 'Hi' }]), usage: { billed_units: { input_tokens: 3, output_tokens: 5 } } }, wanted: { usage: [3, 5, 0] } },
  { name: 'a toxic prompt', whole: { ...cohere([]), finish_reason: 'ERROR_TOXIC' }, wanted: { finish: 'content_filter' } },
  { name: 'a time-out', whole: { ...cohere([]), finish_reason: 'TIMEOUT' }, wanted: { error: 'TIMEOUT' } },
];

const cohereEvent = (type: string, inner?: Json, index?: number): Json => ({ type, ...(index === undefined ? {} : { index }), ...(inner === undefined ? {} : { delta: { message: inner } }) });
const cohereEnd = (finish_reason: string): Json => ({ type: 'message-end', delta: { finish_reason, usage: { billed_units: { input_tokens: 3, output_tokens: 5 }, tokens: { input_tokens: 10, output_tokens: 5 } } } });
const cohereStart: Json = { type: 'message-start', id: 'c', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } };
const COHERE_STREAMS: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'thoughts, text, citations', stream: sse(cohereStart, cohereEvent('content-start', { content: { type: 'thinking', thinking: '' } }, 0), cohereEvent('content-delta', { content: { thinking: 'Hm' } }, 0), { type: 'content-end', index: 0 }, cohereEvent('content-start', { content: { type: 'text', text: '' } }, 1), cohereEvent('content-delta', { content: { text: 'Hi' } }, 1), cohereEvent('citation-start', { citations: { start: 0, end: 2, text: 'Hi', sources: [{ type: 'document', id: 'd', document: { id: 'd' } }] } }, 0), { type: 'citation-end', index: 0 }, { type: 'content-end', index: 1 }, cohereEnd('COMPLETE')), wanted: { ...HI, reasoning: 'Hm', annotations: 1, drift: [] } },
  { name: 'a plan and two calls', stream: sse(cohereStart, cohereEvent('tool-plan-delta', { tool_plan: 'Hm' }), cohereEvent('tool-call-start', { tool_calls: { id: 'a', type: 'function', function: { name: 'f', arguments: '' } } }, 0), cohereEvent('tool-call-delta', { tool_calls: { function: { arguments: '{"x":1}' } } }, 0), { type: 'tool-call-end', index: 0 }, cohereEvent('tool-call-start', { tool_calls: { id: 'b', type: 'function', function: { name: 'g', arguments: '' } } }, 1), { type: 'tool-call-end', index: 1 }, cohereEnd('TOOL_CALL')), wanted: { reasoning: 'Hm', calls: [['f', '{"x":1}'], ['g', '{}']], finish: 'tool_calls', drift: [] } },
  { name: 'at its limit', stream: sse(cohereStart, cohereEvent('content-delta', { content: { text: 'Hi' } }, 0), cohereEnd('MAX_TOKENS'), '[DONE]'), wanted: { text: 'Hi', finish: 'length', usage: [10, 5, 0] } },
  { name: 'failed', stream: sse(cohereStart, cohereEvent('content-delta', { content: { text: 'Hi' } }, 0), { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'no valid output generated' } }), wanted: { error: 'no valid output' } },
  { name: 'broken off', stream: sse(cohereStart, cohereEvent('content-delta', { content: { text: 'Hi' } }, 0)), wanted: { error: 'ended' } },
];

const OLLAMA: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'arguments as text', whole: { model: 'm', message: { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: '{"x":1}' } }] }, done: true, done_reason: 'stop', prompt_eval_count: 10, eval_count: 5 }, wanted: { calls: [['f', '{"x":1}']], finish: 'tool_calls', usage: [10, 5, 0] } },
  { name: 'an error line', stream: lines({ model: 'm', message: { role: 'assistant', content: 'Hi' }, done: false }, { error: 'llama runner process has terminated' }), wanted: { error: 'terminated' } },
  { name: 'calls before the end', stream: lines({ model: 'm', message: { role: 'assistant', content: '', tool_calls: [{ id: 'a', function: { index: 0, name: 'f', arguments: {} } }] }, done: false }, { model: 'm', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 10, eval_count: 5 }), wanted: { calls: [['f', '{}']], finish: 'tool_calls', drift: [] } },
];

const converse = (content: readonly Json[], more: Json = {}): Json => ({ output: { message: { role: 'assistant', content } }, stopReason: 'end_turn', usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 }, metrics: { latencyMs: 1 }, ...more });
const BEDROCK: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'a guardrail', whole: converse([{ text: 'Blocked.' }], { stopReason: 'guardrail_intervened', trace: { guardrail: { action: 'INTERVENED' } } }), wanted: { text: 'Blocked.', finish: 'content_filter', drift: [] } },
  { name: 'a prompt router', whole: converse([{ text: 'Hi' }], { trace: { promptRouter: { invokedModelId: 'm' } }, performanceConfig: { latency: 'standard' }, serviceTier: { type: 'default' } }), wanted: { ...HI, drift: [] } },
  { name: 'the cache', whole: converse([{ text: 'Hi' }], { usage: { inputTokens: 10, outputTokens: 5, totalTokens: 165, cacheReadInputTokens: 100, cacheWriteInputTokens: 50 } }), wanted: { usage: [160, 5, 100] } },
  { name: 'citations', whole: converse([{ citationsContent: { content: [{ text: 'Hi' }], citations: [{ title: 't', sourceContent: [{ text: 'c' }], location: { documentChar: { documentIndex: 0, start: 0, end: 1 } } }] } }]), wanted: { ...HI, annotations: 1, drift: [] } },
  { name: 'redacted thoughts', whole: converse([{ reasoningContent: { redactedContent: 'AAAA' } }, { text: 'Hi' }]), wanted: { ...HI, drift: [] } },
  { name: 'a stream with calls', stream: blocks(['messageStart', { role: 'assistant' }], ['contentBlockStart', { contentBlockIndex: 1, start: { toolUse: { toolUseId: 'a', name: 'f' } } }], ['contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: '{"x":1}' } } }], ['contentBlockStop', { contentBlockIndex: 1 }], ['messageStop', { stopReason: 'tool_use' }], ['metadata', { usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 } }]), wanted: { calls: [['f', '{"x":1}']], finish: 'tool_calls', usage: [10, 5, 0], drift: [] } },
  { name: 'an exception in a stream', stream: Buffer.concat([blocks(['messageStart', { role: 'assistant' }], ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'H' } }]), exception('throttlingException', { message: 'Too many tokens' })]), wanted: { error: 'Too many tokens' } },
];

/** What InvokeModel wraps a model's own event in. */
const chunks = (...events: readonly Json[]): Buffer => blocks(...events.map((event) => ['chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abc' }] as const));
const METRICS = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 10, outputTokenCount: 5, invocationLatency: 1, firstByteLatency: 1 } };
const INVOKE: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'Claude', whole: message([{ type: 'text', text: 'Hi' }]), wanted: { ...HI, drift: [] } },
  { name: 'Claude in a stream', stream: chunks(started, ...text(0, 'Hi'), ended('end_turn')[0] as Json, { type: 'message_stop', ...METRICS }), wanted: { ...HI, drift: [] } },
  { name: 'Nova', whole: converse([{ text: 'Hi' }]), wanted: HI },
  { name: 'Nova in a stream', stream: chunks({ messageStart: { role: 'assistant' } }, { contentBlockDelta: { delta: { text: 'Hi' }, contentBlockIndex: 0 } }, { messageStop: { stopReason: 'end_turn' } }, { metadata: { usage: { inputTokens: 10, outputTokens: 5 } }, ...METRICS }), wanted: { ...HI, drift: [] } },
  { name: 'chat completions', whole: { choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }, wanted: HI },
  { name: 'chat completions in a stream', stream: chunks({ choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] }, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ...METRICS }), wanted: { ...HI, drift: [] } },
  { name: 'DeepSeek R1', whole: { choices: [{ text: 'Hi', stop_reason: 'stop' }] }, wanted: { text: 'Hi', finish: 'stop' } },
  { name: 'Titan', whole: { inputTextTokenCount: 10, results: [{ tokenCount: 5, outputText: 'Hi', completionReason: 'FINISH' }] }, wanted: { ...HI, drift: [] } },
  { name: 'Titan at its limit, in a stream', stream: chunks({ outputText: 'H', index: 0, totalOutputTextTokenCount: null, completionReason: null, inputTextTokenCount: 10 }, { outputText: 'i', index: 0, totalOutputTextTokenCount: 5, completionReason: 'LENGTH', inputTextTokenCount: 10, ...METRICS }), wanted: { text: 'Hi', finish: 'length', usage: [10, 5, 0], drift: [] } },
  { name: 'Titan filtered', whole: { inputTextTokenCount: 10, results: [{ tokenCount: 5, outputText: '', completionReason: 'CONTENT_FILTERED' }] }, wanted: { finish: 'content_filter', drift: [] } },
  { name: 'Llama', whole: { generation: 'Hi', prompt_token_count: 10, generation_token_count: 5, stop_reason: 'stop' }, wanted: { ...HI, drift: [] } },
  { name: 'Llama in a stream', stream: chunks({ generation: 'Hi', prompt_token_count: 10, generation_token_count: 1, stop_reason: null }, { generation: '', prompt_token_count: null, generation_token_count: 5, stop_reason: 'length', ...METRICS }), wanted: { text: 'Hi', finish: 'length', usage: [10, 5, 0] } },
  { name: 'Mistral’s text', whole: { outputs: [{ text: 'Hi', stop_reason: 'length' }] }, wanted: { text: 'Hi', finish: 'length' } },
  { name: 'Command', whole: { generations: [{ text: 'Hi', finish_reason: 'COMPLETE' }], prompt: 'p' }, wanted: { text: 'Hi', finish: 'stop', drift: [] } },
  { name: 'Command R', whole: { text: 'Hi', generation_id: 'g', finish_reason: 'MAX_TOKENS' }, wanted: { text: 'Hi', finish: 'length' } },
  { name: 'Jurassic', whole: { prompt: { text: 'p', tokens: [{}, {}] }, completions: [{ data: { text: 'Hi', tokens: [{}] }, finishReason: { reason: 'endoftext' } }] }, wanted: { text: 'Hi', finish: 'stop', usage: [2, 1, 0] } },
  { name: 'Claude 2', whole: { completion: 'Hi', stop_reason: 'stop_sequence', stop: 'Human:' }, wanted: { text: 'Hi', finish: 'stop' } },
  { name: 'an exception in the middle', stream: Buffer.concat([chunks(started, ...text(0, 'Hi')), exception('modelStreamErrorException', { message: 'Model broke', originalStatusCode: 500 })]), wanted: { error: 'Model broke' } },
  { name: 'broken off', stream: chunks(started, ...text(0, 'Hi')), wanted: { error: 'message_stop' } },
  { name: 'chunks without bytes', stream: blocks(['chunk', { p: 'abc' }]), wanted: { error: 'no JSON event' } },
];

const item = (type: string, more: Json): Json => ({ id: `${type}_1`, type, status: 'completed', ...more });
const words = item('message', { role: 'assistant', content: [{ type: 'output_text', text: 'Hi', annotations: [] }] });
const response = (output: readonly Json[], more: Json = {}): Json => ({ id: 'resp', object: 'response', created_at: 1, status: 'completed', error: null, model: 'm', output, usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 }, ...more });
const SERVER_ITEMS: readonly (readonly [string, Json])[] = [
  ['web_search_call', { action: { type: 'search', query: 'q' } }],
  ['file_search_call', { queries: ['q'], results: null }],
  ['code_interpreter_call', { code: 'print(1)', container_id: 'c', outputs: [] }],
  ['mcp_list_tools', { server_label: 'x', tools: [] }],
  ['mcp_call', { name: 'f', server_label: 'x', arguments: '{}', output: 'o', error: null }],
  ['mcp_approval_request', { name: 'f', server_label: 'x', arguments: '{}' }],
  ['computer_call', { call_id: 'c', action: { type: 'screenshot' }, pending_safety_checks: [] }],
  ['local_shell_call', { call_id: 'c', action: { type: 'exec', command: ['ls'], env: {} } }],
  ['shell_call', { call_id: 'c', action: { commands: ['ls'] } }],
  ['apply_patch_call', { call_id: 'c', operation: { type: 'delete_file', path: 'x' } }],
  ['compaction', { encrypted_content: 'z' }],
  ['tool_search_call', { call_id: 'c', arguments: {} }],
  ['x_search_call', {}],
];
const RESPONSES: readonly Omit<Shape, 'protocol'>[] = [
  ...SERVER_ITEMS.map(([type, more]) => ({ name: `an item ${type}`, whole: response([item(type, more), words]), wanted: { ...HI, opaque: 1, calls: [], drift: [] } })),
  ...SERVER_ITEMS.map(([type, more]) => ({
    name: `an item ${type} in a stream`,
    stream: sse({ type: 'response.created', response: response([], { status: 'in_progress', usage: null }) }, { type: 'response.output_item.added', output_index: 0, item: item(type, { ...more, status: 'in_progress' }) }, { type: 'response.output_item.done', output_index: 0, item: item(type, more) }, { type: 'response.output_item.added', output_index: 1, item: { ...words, content: [] } }, { type: 'response.output_text.delta', output_index: 1, content_index: 0, item_id: 'm', delta: 'Hi' }, { type: 'response.output_item.done', output_index: 1, item: words }, { type: 'response.completed', response: response([item(type, more), words]) }),
    wanted: { ...HI, opaque: 1, calls: [], drift: [] },
  })),
  { name: 'an image', whole: response([item('image_generation_call', { result: 'AAAA', output_format: 'png' }), words]), wanted: { ...HI, images: 1, drift: [] } },
  { name: 'a refusal', whole: response([item('message', { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] })]), wanted: { refusal: 'No.', text: '' } },
  { name: 'two messages, the first a comment', whole: response([item('message', { role: 'assistant', phase: 'commentary', content: [{ type: 'output_text', text: 'H', annotations: [] }] }), item('message', { role: 'assistant', content: [{ type: 'output_text', text: 'i', annotations: [] }] })]), wanted: HI },
  { name: 'reasoning as text', whole: response([item('reasoning', { summary: [], content: [{ type: 'reasoning_text', text: 'Hm' }], encrypted_content: null }), words]), wanted: { ...HI, reasoning: 'Hm' } },
  { name: 'cut at the limit', whole: response([words], { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }), wanted: { text: 'Hi', finish: 'length', drift: [] } },
  { name: 'cut by the filter', whole: response([], { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }), wanted: { finish: 'content_filter', drift: [] } },
  { name: 'failed', whole: response([], { status: 'failed', error: { code: 'server_error', message: 'Sorry about that' } }), wanted: { error: 'Sorry about that' } },
  { name: 'a custom tool', whole: response([item('custom_tool_call', { call_id: 'c', name: 'f', input: 'plain words' })]), wanted: { calls: [['f', 'plain words']], finish: 'tool_calls' } },
  { name: 'an error event, flat', stream: sse({ type: 'response.created', response: response([]) }, { type: 'error', code: 'ERR_SOMETHING', message: 'Something went wrong', param: null, sequence_number: 1 }), wanted: { error: 'Something went wrong' } },
  { name: 'an error event, nested', stream: sse({ type: 'error', error: { type: 'too_many_requests', code: 'too_many_requests', message: 'Slow down', param: null } }), wanted: { error: 'Slow down' } },
  { name: 'no [DONE], usage only at the end', stream: sse({ type: 'response.created', response: response([], { usage: null }) }, { type: 'response.completed', response: response([words]) }), wanted: HI },
  { name: 'audio transcripts’ events beside text', stream: sse({ type: 'response.created', response: response([]) }, { type: 'response.output_text.delta', output_index: 0, content_index: 0, item_id: 'm', delta: 'Hi', logprobs: [], obfuscation: 'x' }, { type: 'response.completed', response: response([words]) }), wanted: { text: 'Hi', drift: [] } },
];

const of = (protocol: Shape['protocol'], shapes: readonly Omit<Shape, 'protocol'>[]): Shape[] => shapes.map((shape) => ({ ...shape, protocol }));

export const NATIVE_SHAPES: readonly Shape[] = [
  ...of('gemini-generate', GEMINI), ...of('anthropic-messages', ANTHROPIC), ...of('cohere-chat', [...COHERE, ...COHERE_STREAMS]), ...of('ollama-chat', OLLAMA), ...of('bedrock-converse', BEDROCK), ...of('bedrock-invoke', INVOKE), ...of('openai-responses', RESPONSES),
];
