import type { ChatRequest } from '../../src/core/chat/request.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';

const { 'bedrock-invoke': invoke, 'openai-chat': chat } = UPSTREAM_PROTOCOLS;

function rendered(upstreamModel: string, more: Record<string, unknown> = {}): { wire: Record<string, unknown>; dropped: string[] } {
  const body = { model: 'm', stream: true, max_tokens: 64, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hi' }], ...more };
  const request: ChatRequest = chat.parseRequest(body);
  const { wire, report } = invoke.renderRequest(request, { upstreamModel, reasons: false, modelFacts: {} });
  return { wire, dropped: report.filter(({ action }) => action === 'dropped').map(({ parameter }) => parameter) };
}

describe('bedrock-invoke asks each model in its own words', () => {
  it.each(['anthropic.claude-sonnet-4-5-20250929-v1:0', 'us.anthropic.claude-opus-4-5', 'arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-haiku-4-5', 'an-alias'])(
    'Claude: %s',
    (model) => {
      const { wire } = rendered(model, { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }] });
      expect(wire).toMatchObject({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 64, system: 'Be brief.', messages: [{ role: 'user' }], tools: [{ name: 'f' }] });
      for (const name of ['model', 'stream']) expect(wire).not.toHaveProperty(name);
    },
  );

  it('Nova', () => {
    const { wire } = rendered('us.amazon.nova-lite-v1:0', { top_k: 5, temperature: 0.5 });
    expect(wire).toEqual({
      schemaVersion: 'messages-v1',
      system: [{ text: 'Be brief.' }],
      messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
      inferenceConfig: { maxTokens: 64, temperature: 0.5, topK: 5 },
    });
  });

  it.each(['openai.gpt-oss-120b-1:0', 'us.mistral.pixtral-large-2502-v1:0', 'ai21.jamba-1-5-large-v1:0', 'qwen.qwen3-32b-v1:0', 'moonshot.kimi-k2-thinking'])('chat completions: %s', (model) => {
    const { wire } = rendered(model);
    expect(wire).toMatchObject({ max_tokens: 64, messages: [{ role: 'system' }, { role: 'user', content: 'Hi' }] });
    for (const name of ['model', 'stream', 'stream_options']) expect(wire).not.toHaveProperty(name);
  });

  it('Titan, as a script; what it has no equal for is reported, what it cannot do refused', () => {
    const { wire, dropped } = rendered('amazon.titan-text-express-v1', { seed: 1, stop: ['|'], temperature: 2 });
    expect(wire).toEqual({ inputText: 'Be brief.\nUser: Hi\nBot:', textGenerationConfig: { maxTokenCount: 64, temperature: 1, stopSequences: ['|'] } });
    expect(dropped).toEqual(['seed']);
    expect(() => rendered('amazon.titan-text-express-v1', { tools: [{ type: 'function', function: { name: 'f' } }] })).toThrow(GatewayError);
    const image = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }];
    expect(() => rendered('amazon.titan-text-express-v1', { messages: [{ role: 'user', content: image }] })).toThrow('text alone');
  });

  it.each(['meta.llama3-70b-instruct-v1:0', 'mistral.mixtral-8x7b-instruct-v0:1', 'cohere.command-r-v1:0', 'ai21.j2-ultra'])('refuses what takes one prompt, naming the other door: %s', (model) => {
    expect(() => rendered(model)).toThrow('bedrock-converse');
  });

  it('at addresses that hold the model as one segment', () => {
    const target = { baseUrl: 'http://127.0.0.1:9/', upstreamModel: 'arn:aws:bedrock:us-east-1::foundation-model/m:0' };
    const path = 'http://127.0.0.1:9/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fm%3A0';
    expect([false, true].map((stream) => invoke.endpoint({ ...target, stream }))).toEqual([`${path}/invoke`, `${path}/invoke-with-response-stream`]);
  });
});
