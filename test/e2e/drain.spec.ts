import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';

jest.setTimeout(120_000);

const STREAMS = 20;

function openStream(gateway: GatewayProcess, model: string, maxTokens?: number): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.bootstrap.demo_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, max_tokens: maxTokens, messages: [{ role: 'user', content: 'Hello!' }] }),
  });
}

/** Resolves when the first bytes of each stream are there, with a promise of all of its text. */
async function begun(response: Response): Promise<{ rest: Promise<string> }> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = decoder.decode((await reader.read()).value, { stream: true });
  const readOn = async (): Promise<string> => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
    }
  };
  return { rest: readOn() };
}

async function ledger(gateway: GatewayProcess): Promise<Record<string, unknown>> {
  const response = await fetch(`${gateway.url}/admin/v1/ledger/verify`, { headers: { authorization: `Bearer ${gateway.bootstrap.admin_token}` } });
  return (await response.json()) as Record<string, unknown>;
}

describe('a stop with streams in flight', () => {
  let gateway: GatewayProcess;
  afterEach(() => gateway.remove());

  it('is not ready at once, refuses new work, cuts nothing that runs, settles everything and exits 0', async () => {
    gateway = await startGatewayProcess();
    const streams = await Promise.all(Array.from({ length: STREAMS }, async () => begun(await openStream(gateway, 'sandbox/slow', 40))));
    const stopped = gateway.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
    const refused = await openStream(gateway, 'sandbox/echo');
    expect([refused.status, refused.headers.get('connection')]).toEqual([503, 'close']);
    expect(await refused.json()).toEqual({ error: expect.objectContaining({ code: 'server_shutdown', request_id: refused.headers.get('x-request-id') }) });
    const texts = await Promise.all(streams.map((stream) => stream.rest));
    for (const text of texts) expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(await stopped).toBe(0);
    const dataDirectory = gateway.dataDirectory;
    const again = await startGatewayProcess({ dataDirectory });
    expect(await ledger(again)).toMatchObject({ ok: true, drift_nano_usd: 0, open_holds: 0 });
    expect(await again.stop()).toBe(0);
  });

  it('ends what outlasts its patience in-band, never by a silent cut', async () => {
    gateway = await startGatewayProcess({ env: { OG_DRAIN_TIMEOUT: '1s' } });
    const stream = await begun(await openStream(gateway, 'sandbox/stream-stall'));
    const stoppedMs = performance.now();
    const stopped = gateway.stop();
    const text = await stream.rest;
    const last = text.trimEnd().split('\n\n').at(-1) ?? '';
    expect(JSON.parse(last.replace(/^data: /, ''))).toMatchObject({ error: { code: 'server_shutdown' }, choices: [{ finish_reason: 'error' }] });
    expect(text).not.toContain('[DONE]');
    expect(await stopped).toBe(0);
    expect(performance.now() - stoppedMs).toBeLessThan(10_000);
  });
});
