import { ChatClient, type ChatAnswer } from './chat-client.js';
import { startGatewayProcess, type GatewayProcess } from './gateway-process.js';
import { Operator } from './operator.js';
import { UpstreamSimulator, type Behaviour, type RecordedRequest } from './upstream-simulator/index.js';

type Json = Record<string, unknown>;

export interface TestbedOptions {
  /** Providers beyond the usual three, as the configuration document writes them; `base_url` and a credential are filled in. */
  readonly providers?: readonly Json[];
  readonly env?: Readonly<Record<string, string>>;
}

export const PRICE = { input: '3.00', output: '15.00' };
const NANO = 1_000_000_000n;

/**
 * The real gateway in a process of its own before a simulated upstream, with a customer who has credit. `solo`, `first` and
 * `second` are providers without health, so that what one test breaks stays broken for that test only.
 */
export class Testbed {
  private readonly models = new Map<string, Json>();

  private constructor(
    readonly simulator: UpstreamSimulator,
    readonly gateway: GatewayProcess,
    readonly operator: Operator,
    readonly tenant: { organizationId: string; projectId: string; keyId: string; key: string },
    private readonly providers: readonly Json[],
  ) {}

  static async start(options: TestbedOptions = {}): Promise<Testbed> {
    const simulator = await UpstreamSimulator.start();
    const gateway = await startGatewayProcess({ env: options.env }).catch(async (error: unknown) => {
      await simulator.stop();
      throw error;
    });
    const operator = new Operator(gateway);
    const tenant = await operator.tenant({ creditUsd: '1000' });
    const usual = ['solo', 'first', 'second'].map((id): Json => ({ id, health: 'off' }));
    const providers = [...usual, ...(options.providers ?? [])].map((provider) => ({
      type: 'openai-compatible',
      base_url: simulator.baseUrl(PROTOCOL_OF_TYPE[String(provider['type'])] ?? 'openai-chat'),
      credentials: [{ id: 'main', key: 'upstream-key' }],
      ...provider,
    }));
    return new Testbed(simulator, gateway, operator, tenant, providers);
  }

  async stop(): Promise<void> {
    await this.gateway.remove();
    await this.simulator.stop();
  }

  get client(): ChatClient {
    return this.clientOf(this.tenant.key);
  }

  clientOf(key: string): ChatClient {
    return new ChatClient(this.gateway.url, key);
  }

  /** Another key of the same customer. */
  async key(rules: Json = {}): Promise<{ id: string; key: string; client: ChatClient }> {
    const { id, key } = await this.operator.post('keys', { project_id: this.tenant.projectId, name: 'key', ...rules });
    return { id: String(id), key: String(key), client: this.clientOf(String(key)) };
  }

  /**
   * A model called `t/<name>`, served by these providers in this order, each with a behaviour of its own. Returns its id;
   * what provider `p` is asked for is called `<name>.<p>` upstream.
   */
  async model(name: string, served: Readonly<Record<string, Behaviour>>, facts: Json = {}): Promise<string> {
    await this.declare([{ name, served, facts }]);
    return `t/${name}`;
  }

  /** Several at once: one configuration instead of many. */
  async declare(list: readonly { name: string; served: Readonly<Record<string, Behaviour>>; facts?: Json }[]): Promise<void> {
    for (const { name, served, facts } of list) {
      const serve = Object.keys(served).map((provider, priority) => ({ provider, model: `${name}.${provider}`, priority }));
      this.models.set(name, { id: `t/${name}`, serve, price: PRICE, capabilities: { max_output: 1000, tools: true, vision: true, json_schema: true }, ...facts });
      for (const [provider, behaviour] of Object.entries(served)) this.simulator.on(`${name}.${provider}`, behaviour);
    }
    await this.operator.apply({ version: 1, providers: this.providers, models: [...this.models.values()] });
  }

  /** What upstream was asked under that name, by any provider of the model. */
  asked(name: string): RecordedRequest[] {
    return this.simulator.requests.filter((request) => request.call.model.startsWith(`${name}.`));
  }

  /** What log and ledger have of an answered request. */
  recordOf(answer: Pick<ChatAnswer, 'headers'>): Promise<Json> {
    return this.operator.request(String(answer.headers['x-request-id']));
  }

  /** The ledger when nothing is open any more; fails when something stays open. */
  settled(): Promise<Json> {
    return this.operator.eventually(() => this.operator.get('ledger/verify'), 5_000, (report) => report['open_holds'] === 0);
  }
}

const PROTOCOL_OF_TYPE: Readonly<Record<string, 'openai-chat' | 'anthropic-messages' | 'gemini-generate'>> = {
  anthropic: 'anthropic-messages',
  'anthropic-compatible': 'anthropic-messages',
  gemini: 'gemini-generate',
};

/** The payloads of an event stream: parsed, `[DONE]` as text; comments are left out. */
export function framesOf(text: string): Json[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => (line === 'data: [DONE]' ? { done: true } : (JSON.parse(line.slice(6)) as Json)));
}

/** What the choice with this index said, of all frames together. */
export function textOf(frames: readonly Json[], choice = 0): string {
  return choicesOf(frames, choice)
    .map(({ delta }) => String((delta as Json | undefined)?.['content'] ?? ''))
    .join('');
}

export function finishesOf(frames: readonly Json[], choice = 0): unknown[] {
  return choicesOf(frames, choice).flatMap(({ finish_reason: reason }) => (reason === null || reason === undefined ? [] : [reason]));
}

function choicesOf(frames: readonly Json[], index: number): Json[] {
  return frames.flatMap((frame) => ((frame['choices'] ?? []) as Json[]).filter((choice) => choice['index'] === index));
}

export function nanoOf(usd: unknown): bigint {
  const [whole = '0', fraction = ''] = String(usd).split('.');
  return BigInt(whole) * NANO + BigInt(fraction.padEnd(9, '0'));
}
