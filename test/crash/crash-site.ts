import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Failpoint } from '../../src/platform/failpoint/index.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';
import { nanoOf } from '../support/testbed.js';
import type { UpstreamSimulator } from '../support/upstream-simulator/index.js';
import { tollOf, type CrashCase } from './cases.js';

const PRICE = { input: '3.00', output: '15.00' };
const INPUT_NANO = 3_000n;
const OUTPUT_NANO = 15_000n;
const PIECES = 60;
const PIECE = `${'word '.repeat(19)}done. `;
const COMPLETION_TOKENS = (PIECES * PIECE.length) / 4;
const PROMPT_TOKENS = 10;
const CREDIT_NANO = 100_000_000_000n;
/** What our own estimate may take for the prompt of these requests at most. */
const MOST_PROMPT_TOKENS = 40n;
/** Quick ones first, so that leases stand (in lease mode a cold account is admitted strictly). */
const WARM_CALLS = 12;
const DEATH_DEADLINE_MS = 20_000;
const CALL_DEADLINE_MS = 15_000;
/** A delivery that was claimed and not finished is due again after a minute. */
const WEBHOOK_AGAIN_MS = 90_000;

export const EXACT_NANO = INPUT_NANO * BigInt(PROMPT_TOKENS) + OUTPUT_NANO * BigInt(COMPLETION_TOKENS);

/** What every case's upstream says: `quick` at once, `long` in 1.8 s, so that a checkpoint falls into it. */
export function scriptUpstream(simulator: UpstreamSimulator): void {
  const answer = { text: PIECE.repeat(PIECES), usage: { prompt: PROMPT_TOKENS, completion: COMPLETION_TOKENS } };
  simulator.on('quick', { content: { kind: 'answer', answer } });
  simulator.on('long', { content: { kind: 'answer', answer: { ...answer, gapMs: 2 } } });
}

interface Received {
  readonly status: number;
  readonly text: string;
  readonly whole: boolean;
}

/** One gateway with a database of its own that dies where it is told, is started again, and must have kept the books. */
export class CrashSite {
  private readonly directory = mkdtempSync(join(tmpdir(), 'og-crash-'));
  private readonly trigger = join(this.directory, 'armed');
  private gateway: GatewayProcess | null = null;
  private tenant = { organizationId: '', key: '' };
  private spentNano = 0n;
  private received: Received = { status: 0, text: '', whole: false };
  /** The refund or redemption that is repeated after the crash. */
  private repeat: (() => Promise<unknown>) | null = null;
  private grantedNano = 0n;
  private readonly toClose: (() => void)[] = [];

  constructor(
    private readonly crash: CrashCase,
    private readonly site: { databaseUrl: string; redisUrl: string | null; simulator: UpstreamSimulator },
  ) {}

  /** Until the process is dead. */
  async run(): Promise<void> {
    const { point } = this.crash;
    await this.start(point === 'half-recovered' ? 'checkpointed' : point);
    await this.prepare();
    const act = await this.actOf(point);
    writeFileSync(this.trigger, '');
    const death = this.death();
    this.received = await act();
    await death;
    if (point !== 'half-recovered') return;
    // It dies again, half way through settling what the first death left.
    await this.start('half-recovered').catch(() => undefined);
  }

  /** Started again, disarmed: nothing is open, nothing drifts, and the customer paid what this death allows. */
  async recover(): Promise<void> {
    rmSync(this.trigger, { force: true });
    await this.start(null);
    const operator = this.operator();
    if (this.repeat !== null) await this.repeat();
    const verified = await operator.eventually(() => operator.get('ledger/verify'), CALL_DEADLINE_MS, (report) => report['open_holds'] === 0);
    if (verified['ok'] !== true || verified['drift_nano_usd'] !== 0) throw new Error(`the ledger does not hold: ${JSON.stringify(verified)}`);
    const account = await operator.get(`accounts/${this.tenant.organizationId}`);
    if (nanoOf(account['held_usd']) !== 0n) throw new Error(`${String(account['held_usd'])} USD are still held`);
    this.judge(CREDIT_NANO + this.grantedNano - this.spentNano - nanoOf(account['balance_usd']));
    const after = await this.ask('quick', false);
    if (after.status !== 200) throw new Error(`afterwards a request is answered ${after.status}: ${after.text}`);
  }

  async remove(): Promise<void> {
    await this.gateway?.kill();
    for (const close of this.toClose) close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private judge(paidNano: bigint): void {
    const toll = tollOf(this.crash);
    const wrong = (words: string): Error => new Error(`paid ${paidNano} nano-USD, ${words}; the client had ${this.received.text.length} characters (status ${this.received.status})`);
    const promptNano = INPUT_NANO * MOST_PROMPT_TOKENS;
    if ((toll === 'nothing' || toll === 'once') && paidNano !== 0n) throw wrong('and should have paid nothing');
    if (toll === 'prompt at most' && (paidNano < 0n || paidNano > promptNano)) throw wrong('and should have paid the prompt at most');
    if (toll === 'exact' && paidNano !== EXACT_NANO) throw wrong(`and should have paid exactly ${EXACT_NANO}`);
    // No script has more than a token in two characters here.
    const deliveredNano = promptNano + (OUTPUT_NANO * BigInt(textOf(this.received.text).length)) / 2n;
    if (toll === 'delivered at most' && (paidNano <= 0n || paidNano > deliveredNano)) throw wrong(`and was delivered ${deliveredNano} at most`);
    // Whoever saw the end is charged for it, whatever died afterwards.
    if (this.received.whole && toll !== 'once' && paidNano !== EXACT_NANO) throw wrong('although the client saw the answer end');
  }

  private async actOf(point: Failpoint): Promise<() => Promise<Received>> {
    const operator = this.operator();
    if (point === 'code-consumed') {
      const [code] = (await operator.post('redeem-codes', { count: 1, amount_usd: '2' }))['codes'] as string[];
      this.grantedNano = 2_000_000_000n;
      this.repeat = () => this.post('/v1/redeem', { code });
      return () => this.post('/v1/redeem', { code });
    }
    if (point === 'webhook-sent') return this.sendWebhook(operator);
    if (point !== 'refunded') return () => this.ask(this.crash.stream ? 'long' : 'quick', this.crash.stream);
    const charged = await this.ask('quick', false);
    const id = requestIdOf(charged.text);
    await operator.request(id);
    const refund = { reason: 'crash', idempotency_key: 'crash' };
    this.repeat = () => this.operator().post(`requests/${id}/refunds`, refund);
    return () => operator.post(`requests/${id}/refunds`, refund).then(() => ({ status: 200, text: '', whole: false }), () => ({ status: 0, text: '', whole: false }));
  }

  /** The receiver has the event, nobody noted it: after the crash it comes again under the same id, for the receiver to know it by. */
  private async sendWebhook(operator: Operator): Promise<() => Promise<Received>> {
    const { url, ids } = await this.receiver();
    const { id } = await operator.post('webhooks', { url, allow_private: true });
    this.repeat = () => operator.eventually(async () => ids.length, WEBHOOK_AGAIN_MS, (count) => count >= 2).then(() => {
      if (new Set(ids).size !== 1) throw new Error(`one event came under ${new Set(ids).size} ids`);
    });
    return () => operator.post(`webhooks/${String(id)}/test`, {}).then(() => ({ status: 200, text: '', whole: false }));
  }

  private async receiver(): Promise<{ url: string; ids: string[] }> {
    const ids: string[] = [];
    const server = createServer((request, response) => {
      ids.push(String(request.headers['webhook-id']));
      response.end();
    });
    this.toClose.push(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ids };
  }

  private async prepare(): Promise<void> {
    const operator = this.operator();
    await operator.apply({
      version: 1,
      ledger: { lease: this.crash.lease ? 'on' : 'off' },
      providers: [{ id: 'upstream', type: 'openai-compatible', base_url: this.site.simulator.baseUrl('openai-chat'), credentials: [{ id: 'main', key: 'k' }], health: 'off' }],
      models: ['quick', 'long'].map((id) => ({ id: `crash/${id}`, serve: [{ provider: 'upstream', model: id }], price: PRICE, capabilities: { max_output: 4000 } })),
    });
    const { organizationId, key } = await operator.tenant({ creditUsd: '100', key: { limits: { rpm: 1000, concurrency: 100 } } });
    this.tenant = { organizationId, key };
    // Only a cold account commits a lease for a request; everywhere else leases stand before.
    if (!this.crash.lease || this.crash.point === 'lease-committed') return;
    let last = '';
    for (let call = 0; call < WARM_CALLS; call += 1) {
      const { status, text } = await this.ask('quick', false);
      if (status !== 200) throw new Error(`a call before the crash was answered ${status}`);
      last = requestIdOf(text);
      this.spentNano += EXACT_NANO;
    }
    // What is posted from here on is the crash's own request.
    await operator.request(last);
  }

  private async start(point: Failpoint | null): Promise<void> {
    const env: Record<string, string> = { DATABASE_URL: this.site.databaseUrl, ...(this.site.redisUrl === null ? {} : { REDIS_URL: this.site.redisUrl }) };
    if (point !== null) env['FAILPOINT'] = `${point}:${this.trigger}`;
    this.gateway = await startGatewayProcess({ dataDirectory: join(this.directory, 'data'), env });
  }

  private operator(): Operator {
    return new Operator(this.running());
  }

  private running(): GatewayProcess {
    if (this.gateway === null) throw new Error('no gateway runs');
    return this.gateway;
  }

  private async death(): Promise<void> {
    const { pid } = this.running();
    const untilMs = Date.now() + DEATH_DEADLINE_MS;
    while (isAlive(pid)) {
      if (Date.now() > untilMs) throw new Error(`it did not die at ${this.crash.point}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  private ask(model: string, stream: boolean): Promise<Received> {
    return this.post('/v1/chat/completions', { model: `crash/${model}`, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 2_000, ...(stream ? { stream: true } : {}) });
  }

  /** What arrived before the connection ended, however it ended. */
  private async post(path: string, body: unknown): Promise<Received> {
    let [status, text] = [0, ''];
    try {
      const response = await fetch(this.running().url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.tenant.key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(CALL_DEADLINE_MS),
      });
      status = response.status;
      const decoder = new TextDecoder();
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) text += decoder.decode(chunk, { stream: true });
      return { status, text, whole: status === 200 && (text.endsWith('data: [DONE]\n\n') || text.endsWith('}')) };
    } catch {
      return { status, text, whole: false };
    }
  }
}

function requestIdOf(answer: string): string {
  return (JSON.parse(answer) as { id: string }).id.replace('chatcmpl-', 'req_');
}

/** The content of a stream's frames. */
function textOf(stream: string): string {
  return [...stream.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join('');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
