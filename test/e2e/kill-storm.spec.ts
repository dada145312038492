import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';
import { nanoOf, PRICE } from '../support/testbed.js';
import { UpstreamSimulator } from '../support/upstream-simulator/index.js';

const TIMEOUT_MS = 240_000;
const KILLS = 12;
const CLIENTS = 12;
const LONGEST_LIFE_MS = 900;
const CALL_DEADLINE_MS = 10_000;
const [INPUT_NANO, OUTPUT_NANO] = [3_000n, 15_000n];
const PROMPT_TOKENS = 10;
const WORDS = 60;
const TEXT = 'word '.repeat(WORDS);
/** The provider counts a token a word. */
const EXACT_NANO = INPUT_NANO * BigInt(PROMPT_TOKENS) + OUTPUT_NANO * BigInt(WORDS);
/** Our own estimate of an answer that was cut: no more than the prompt's and a token for two characters. */
const PROMPT_MOST_NANO = INPUT_NANO * 40n;

interface Seen {
  readonly whole: boolean;
  readonly characters: number;
}

/** The seed is printed: a red run can be made again. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('twelve kills at random moments under mixed load', () => {
  it('charge every answer a client saw end exactly, and nothing above what was delivered', async () => {
    const seed = Number(process.env['KILL_STORM_SEED'] ?? Date.now() % 1_000_000);
    const random = randomFrom(seed);
    const dataDirectory = mkdtempSync(join(tmpdir(), 'og-storm-'));
    const simulator = await UpstreamSimulator.start();
    const answer = { text: TEXT, usage: { prompt: PROMPT_TOKENS, completion: WORDS } };
    simulator.on('whole', { content: { kind: 'answer', answer } });
    simulator.on('stream', { content: { kind: 'answer', answer: { ...answer, gapMs: 4 } } });
    let gateway: GatewayProcess = await startGatewayProcess({ dataDirectory });
    try {
      const operator = (): Operator => new Operator(gateway);
      await operator().apply({
        version: 1,
        providers: [{ id: 'upstream', type: 'openai-compatible', base_url: simulator.baseUrl('openai-chat'), credentials: [{ id: 'main', key: 'k' }], health: 'off' }],
        models: ['whole', 'stream'].map((id) => ({ id: `storm/${id}`, serve: [{ provider: 'upstream', model: id }], price: PRICE, capabilities: { max_output: 200 } })),
      });
      const tenant = await operator().tenant({ creditUsd: '100' });
      const seen: Seen[] = [];
      for (let kill = 0; kill < KILLS; kill += 1) {
        const ends = new AbortController();
        const clients = Array.from({ length: CLIENTS }, (_, index) => keepAsking({ url: gateway.url, key: tenant.key, stream: index % 3 > 0, seen, signal: ends.signal }));
        await sleep(50 + random() * LONGEST_LIFE_MS);
        await gateway.kill();
        ends.abort();
        await Promise.all(clients);
        gateway = await startGatewayProcess({ dataDirectory });
      }
      const report = await operator().eventually(() => operator().get('ledger/verify'), 30_000, ({ open_holds: open }) => open === 0);
      expect({ seed, ...report }).toMatchObject({ seed, ok: true, drift_nano_usd: 0 });
      const paidNano = 100_000_000_000n - nanoOf((await operator().get(`accounts/${tenant.organizationId}`))['balance_usd']);
      const wholeNano = EXACT_NANO * BigInt(seen.filter(({ whole }) => whole).length);
      const cut = seen.filter(({ whole }) => !whole);
      // A cut answer costs nothing, its checkpoint, or all of it when the process died between the end's record and its last byte.
      const cutMostNano = cut.reduce((sum, { characters }) => sum + largest(EXACT_NANO, PROMPT_MOST_NANO + (OUTPUT_NANO * BigInt(characters)) / 2n), 0n);
      process.stdout.write(`kill storm, seed ${seed}: ${seen.length} answers, ${cut.length} of them cut by a kill; paid ${paidNano - wholeNano} nano-USD for those that were cut\n`);
      expect(seen.filter(({ whole }) => whole).length).toBeGreaterThan(0);
      expect(cut.length).toBeGreaterThan(0);
      expect({ seed, short: paidNano < wholeNano, over: paidNano > wholeNano + cutMostNano }).toEqual({ seed, short: false, over: false });
    } finally {
      await gateway.remove();
      await simulator.stop();
      rmSync(dataDirectory, { recursive: true, force: true });
    }
  }, TIMEOUT_MS);
});

async function keepAsking({ url, key, stream, seen, signal }: { url: string; key: string; stream: boolean; seen: Seen[]; signal: AbortSignal }): Promise<void> {
  while (!signal.aborted) {
    const answer = await ask(url, key, stream);
    // What never began to be answered may have been cut before it was asked: it must cost nothing that an answer would.
    seen.push(answer);
  }
}

async function ask(url: string, key: string, stream: boolean): Promise<Seen> {
  let text = '';
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: stream ? 'storm/stream' : 'storm/whole', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100, ...(stream ? { stream: true } : {}) }),
      signal: AbortSignal.timeout(CALL_DEADLINE_MS),
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) text += decoder.decode(chunk, { stream: true });
    if (response.status === 200 && (stream ? text.endsWith('data: [DONE]\n\n') : text.endsWith('}'))) return { whole: true, characters: TEXT.length };
  } catch {
    // Cut by the kill.
  }
  await sleep(5);
  return { whole: false, characters: [...text.matchAll(/"content":"([^"]*)"/g)].reduce((sum, [, said]) => sum + (said?.length ?? 0), 0) };
}

function largest(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
