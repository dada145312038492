import type { StreamItem } from '../../src/core/chat/event.js';
import { normaliseResponse, StreamNormaliser } from '../../src/core/chat/normalise-stream.js';
import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../../src/core/chat/usage.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { anthropicMessages } from '../../src/core/protocols/anthropic-messages/index.js';
import { geminiGenerate } from '../../src/core/protocols/gemini-generate/index.js';
import { openaiChat } from '../../src/core/protocols/openai-chat/index.js';
import type { ChatProtocol, RenderContext } from '../../src/core/protocols/protocol.js';
import { bodyBytes, Corpus, type Exchange } from '../support/upstream-simulator/index.js';

const corpus = Corpus.find();
const read = (api: string): Exchange[] => (corpus === null ? [] : corpus.list(api).map((entry) => corpus.read(entry)));
const CONTEXT: RenderContext = { requestId: 'req', responseId: 'chatcmpl-1', createdS: 1, model: 'm', includeUsage: true, reasoningField: 'reasoning_content' };
const PARSE = { dialect: {}, choices: 1 };

/** What a client of another protocol reads, in OpenAI's terms. */
interface Read {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: unknown }[];
  finish: string[];
  ended: boolean;
}

function readBack(protocol: ChatProtocol, body: string): Read {
  const seen: Read = { text: '', reasoning: '', calls: [], finish: [], ended: false };
  const texts: string[] = [];
  const parser = protocol.createStreamParser((item) => {
    for (const event of item.events) {
      if (event.type === 'text-delta') seen.text += event.text;
      else if (event.type === 'reasoning-delta') seen.reasoning += event.text;
      else if (event.type === 'tool-call-start') texts[seen.calls.push({ name: event.name, arguments: null }) - 1] = '';
      else if (event.type === 'tool-call-delta') texts[event.index] += event.argumentsText;
      else if (event.type === 'finish') seen.finish.push(event.reason);
      else if (event.type === 'end') seen.ended = true;
    }
  }, PARSE);
  parser.push(Buffer.from(body));
  parser.end();
  seen.calls.forEach((call, index) => (call.arguments = JSON.parse(texts[index] || '{}')));
  return seen;
}

/** The recording as Gemini's parser, then the given protocol's renderer, tell it. */
function translated(exchange: Exchange, protocol: ChatProtocol): Read {
  const renderer = protocol.createStreamRenderer(CONTEXT);
  const normaliser = new StreamNormaliser('seed');
  let body = '';
  let usage: Usage = NO_USAGE;
  const parser = geminiGenerate.createStreamParser((item: StreamItem) => {
    const normalised = normaliser.push(item);
    for (const event of normalised.item.events) if (event.type === 'usage' && event.usage !== undefined) usage = event.usage;
    body += renderer.render(normalised.item, false);
  }, PARSE);
  parser.push(bodyBytes(exchange));
  parser.end();
  return readBack(protocol, body + renderer.finish({ usage, estimated: false }));
}

/** Not every protocol tells modalities apart. */
const totals = (usage: Usage | undefined): number[] =>
  usage === undefined ? [] : [promptTokens(usage), usage.cacheRead, completionTokens(usage), usage.reasoning];
const direct = (exchange: Exchange): Read => readBack(geminiGenerate, bodyBytes(exchange).toString('utf8'));
const name = (exchange: Exchange): string => `${exchange.id} (${exchange.model})`;

/** Why this request cannot be sent to that model: a 400 that names the part; null when it can. */
function refusal(protocol: ChatProtocol, body: unknown, upstreamModel: string): string | null {
  try {
    const { wire } = geminiGenerate.renderRequest(protocol.parseRequest(body), { upstreamModel, reasons: true, modelFacts: {} });
    geminiGenerate.parseRequest(wire);
    return null;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.status !== 400 || error.param === null) throw error;
    return `${error.param}: ${error.message}`;
  }
}

(corpus === null ? describe.skip : describe)('recorded traffic across protocols', () => {
  const streams = read('gemini.generateContent').filter((exchange) => exchange.response.status === 200 && exchange.expect !== null);

  describe.each([
    ['openai-chat', openaiChat],
    ['anthropic-messages', anthropicMessages],
  ] as const)('Gemini answers reach clients of %s', (id, protocol) => {
    test.each(streams.map((exchange) => [name(exchange), exchange] as const))('%s', (_, exchange) => {
      const expected = direct(exchange);
      const seen = translated(exchange, protocol);
      // Thinking of another provider has no signature that Anthropic's clients could replay, but it is shown.
      expect(seen).toEqual(expected);
      expect(id).toBeTruthy();
    });

    test('whole answers too', () => {
      for (const exchange of streams.filter((candidate) => candidate.response.wire === 'json' && !Array.isArray(candidate.response.body))) {
        const response = normaliseResponse(geminiGenerate.parseResponse(exchange.response.body, PARSE), 'seed');
        const wire = protocol.renderResponse(response, CONTEXT, { usage: response.usage ?? NO_USAGE, estimated: false });
        const again = protocol.parseResponse(wire, PARSE);
        const said = (parts: typeof response.choices): string =>
          parts
            .flatMap((choice) => choice.parts)
            .map((part) => (part.type === 'text' ? part.text : part.type === 'tool-call' ? `${part.name}(${part.arguments})` : ''))
            .join('');
        expect([said(again.choices), again.choices[0]?.finish, totals(again.usage)]).toEqual([
          said(response.choices),
          response.choices[0]?.finish,
          totals(response.usage),
        ]);
      }
    });
  });

  test.each([
    ['openai.chat', openaiChat],
    ['anthropic.messages', anthropicMessages],
  ] as const)('requests recorded for %s can be sent to Gemini, or the part that cannot is named', (api, protocol) => {
    const bodies = read(api)
      .filter((exchange) => exchange.response.status === 200)
      .map((exchange) => exchange.request.body)
      .filter((body) => typeof body === 'object' && body !== null);
    const models = ['gemini-2.0-flash', 'gemini-2.5-pro', 'gemini-3.5-flash'];
    const refused = bodies.flatMap((body) => models.map((model) => refusal(protocol, body, model)).filter((reason) => reason !== null));
    expect(refused.length).toBeLessThan(bodies.length * 3 * 0.1);
  });
});
