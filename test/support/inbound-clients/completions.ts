import { record, list, text, nothing, post, parsed, events, failed, type InboundClient, type Json } from './asked.js';
import { chatUsage } from './chat-completions.js';

/** Legacy completions: one text in, one text out; tools, images and schemas are not in its grammar. */
export const COMPLETIONS: InboundClient = {
  name: 'completions',
  async ask(gateway, asked) {
    const body: Json = { model: asked.model, stream: asked.stream, prompt: 'Hello' };
    if (asked.stream) body['stream_options'] = { include_usage: true };
    if (asked.maxTokens !== undefined) body['max_tokens'] = asked.maxTokens;
    const answer = await post(gateway, '/v1/completions', body);
    const raw = await answer.text();
    if (answer.status !== 200) return failed(answer.status, raw);
    const got = nothing(200);
    for (const chunk of asked.stream ? events(raw) : [record(parsed(raw))]) {
      const choice = list(chunk['choices'])[0] ?? {};
      got.text += text(choice['text']);
      got.finish = (choice['finish_reason'] as string | null | undefined) ?? got.finish;
      got.usage = chatUsage(chunk['usage']) ?? got.usage;
    }
    got.ended = !asked.stream || raw.trimEnd().endsWith('data: [DONE]');
    return got;
  },
};
