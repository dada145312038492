import { PIXEL, type Asked, type Got } from './inbound-clients/index.js';
import { answers, fails, type Scenario, type SpokenProtocol } from './upstream-simulator/index.js';

export type UpstreamId = Exclude<SpokenProtocol, 'other' | 'openai-completions'>;

export interface Upstream {
  protocol: UpstreamId;
  /** Definition of the provider that speaks it. */
  type: string;
  /** What the provider calls the model; Bedrock reads the family off it. */
  model: string;
}

const upstream = (protocol: UpstreamId, type: string, model: string = protocol): Upstream => ({ protocol, type, model });

export const UPSTREAMS: readonly Upstream[] = [
  upstream('openai-chat', 'openai-compatible'),
  upstream('openai-responses', 'openai-compatible'),
  upstream('anthropic-messages', 'anthropic-compatible'),
  upstream('gemini-generate', 'gemini'),
  upstream('bedrock-converse', 'bedrock', 'anthropic.claude-simulated'),
  upstream('cohere-chat', 'cohere'),
  upstream('ollama-chat', 'ollama'),
];

export interface Feature {
  name: string;
  asked: Omit<Asked, 'model' | 'stream'>;
  scenario: Scenario;
  expected: Partial<Got>;
  /** What the provider must have been sent, in the words of any protocol. */
  sent?: RegExp;
  /** What differs where a protocol cannot express it. */
  except?: Partial<Record<UpstreamId, Partial<Got>>>;
  /** Within the grammar of legacy completions. */
  plain?: true;
}

const USAGE = { prompt: 40, completion: 12, cached: 16 };
const CALL = { name: 'get_weather', arguments: { city: 'Seoul' } };
const CALLS = [CALL, { name: 'get_weather', arguments: { city: 'Tokyo' } }];
const IMAGE_ADDRESS = 'https://images.example.com/pixel.png';
/** Where a request cannot be said in the upstream's protocol: refused with the parameter's name, before anything is sent. */
const REFUSED: Partial<Got> = { status: 400, errorCode: 'unsupported_parameter' };

export const FEATURES: readonly Feature[] = [
  {
    name: 'text',
    asked: {},
    scenario: answers({ text: '안녕 hello 👋' }),
    expected: { text: '안녕 hello 👋', finish: 'stop', ended: true },
    sent: /Hello/,
    plain: true,
  },
  {
    name: 'tools',
    asked: { tools: true },
    scenario: answers({ toolCalls: [CALL] }),
    expected: { calls: [CALL], finish: 'tool_calls', ended: true },
    sent: /get_weather.*"city"/s,
  },
  {
    name: 'parallel tools',
    asked: { tools: true },
    scenario: answers({ toolCalls: CALLS }),
    expected: { calls: CALLS, finish: 'tool_calls', ended: true },
  },
  {
    name: 'tool results',
    asked: { tools: true, toolResult: true },
    scenario: answers({ text: 'It is 21 degrees.' }),
    expected: { text: 'It is 21 degrees.', finish: 'stop', ended: true },
    sent: /Seoul.*celsius[\\"]*:\s*21/s,
  },
  {
    name: 'reasoning',
    asked: { reasoning: true },
    scenario: answers({ reasoning: 'Let me think.', text: 'Done.' }),
    expected: { text: 'Done.', reasoning: 'Let me think.', finish: 'stop', ended: true },
    sent: /"(?:reasoning_effort|effort|thinking|thinkingConfig|think)":/,
  },
  {
    name: 'vision',
    asked: { image: true },
    scenario: answers({ text: 'a pixel' }),
    expected: { text: 'a pixel', ended: true },
    sent: new RegExp(PIXEL.slice(0, 40)),
  },
  {
    name: 'image by address',
    asked: { imageAddress: IMAGE_ADDRESS },
    scenario: answers({ text: 'a pixel' }),
    expected: { text: 'a pixel', ended: true },
    sent: /images\.example\.com/,
    // Neither fetches anything.
    except: { 'bedrock-converse': REFUSED, 'ollama-chat': REFUSED },
  },
  {
    name: 'document',
    asked: { file: true },
    scenario: answers({ text: 'a page' }),
    expected: { text: 'a page', ended: true },
    sent: /JVBERi0/,
    except: { 'cohere-chat': REFUSED, 'ollama-chat': REFUSED },
  },
  {
    name: 'JSON schema',
    asked: { schema: true },
    scenario: answers({ text: '{"city":"Seoul"}' }),
    expected: { text: '{"city":"Seoul"}', finish: 'stop', calls: [], ended: true },
    sent: /"city"/,
  },
  {
    name: 'refusal',
    asked: {},
    scenario: answers({ text: 'no', finish: 'content_filter' }),
    expected: { finish: 'content_filter' },
    // Ollama has no word for it: what the model said is the refusal.
    except: { 'ollama-chat': { text: 'no', finish: 'stop' } },
    plain: true,
  },
  {
    name: 'length',
    asked: { maxTokens: 2000 },
    scenario: answers({ text: 'cut', finish: 'length' }),
    expected: { text: 'cut', finish: 'length', ended: true },
    sent: /2000/,
    plain: true,
  },
  {
    name: 'usage',
    asked: {},
    scenario: answers({ text: 'x', usage: USAGE }),
    expected: { usage: USAGE },
    // Ollama tells nothing of its cache.
    except: { 'ollama-chat': { usage: { ...USAGE, cached: 0 } } },
    plain: true,
  },
  {
    name: 'error',
    asked: {},
    scenario: fails(429, { message: 'slow down' }, { headers: { 'retry-after': '2' } }),
    expected: { status: 429, errorMessage: expect.stringContaining('slow down') as unknown as string },
    plain: true,
  },
  {
    name: 'error in a stream',
    asked: {},
    scenario: answers({ text: 'one two three', error: { afterPieces: 2, status: 500, message: 'gave up' } }),
    expected: {},
    plain: true,
  },
];
